"""The people, the dice, and every row so far, each with its fate."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from examples.torget.people import Person, people

Gone = Literal["gone"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a row as soon as all these people have left."""

    who: frozenset[Person]
    then: Gone | Mapping[str, Any]  # or: the columns that change, and to what


def gone(*who: Person) -> Fate:
    """The row goes with the last of these."""
    return Fate(frozenset(who), "gone")


def becomes(*who: Person, **columns: Any) -> Fate:
    """The row stays, and with the last of these people these columns change."""
    return Fate(frozenset(who), columns)


@dataclass(frozen=True, slots=True)
class Row:
    values: Mapping[str, Any]
    fates: tuple[Fate, ...]


class Town:
    """Everything that is made up, from one seed: the same today, the same rows."""

    def __init__(self, today: date, seed: int = 1814) -> None:
        self.dice = random.Random(seed)
        self.now = datetime.combine(today, time())
        self.people = tuple(people(self.dice))
        self.kari, self.others = self.people[0], self.people[1:]
        self.rows: dict[sa.Table, list[Row]] = {}

    def add(self, table: sa.Table, *fates: Fate, **values: Any) -> Mapping[str, Any]:
        """The row as it will be stored: numbered if its table numbers rows, null where nothing was said."""
        rows = self.rows.setdefault(table, [])
        number = {"id": len(rows) + 1} if "id" in table.c else {}
        row = {**dict.fromkeys(table.c.keys()), **number, **values}
        rows.append(Row(row, fates))
        return row

    def someone(self, *but: Person) -> Person:
        """Anybody but these; Kari one time in twelve, so that she has something everywhere."""
        while (person := self._anybody()) in but:
            pass
        return person

    def some(self, count: int) -> list[Person]:
        """So many different people."""
        chosen: list[Person] = []
        while len(chosen) < count:
            chosen.append(self.someone(*chosen))
        return chosen

    def sometimes(self, share: float) -> bool:
        """True in that share of cases."""
        return self.dice.random() < share

    def moment(self, days: int = 1000) -> datetime:
        """A second within so many days before today."""
        return self.now - timedelta(seconds=self.dice.randint(1, days * 86_400))

    def address(self) -> str:
        """An IP address of the ranges kept for documentation (RFC 5737)."""
        return f"203.0.113.{self.dice.randint(1, 254)}"

    def _anybody(self) -> Person:
        return self.kari if self.sometimes(1 / 12) else self.dice.choice(self.others)
