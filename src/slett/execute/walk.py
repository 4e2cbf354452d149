"""Whose rows they are: the key sets of all stores, filled top-down by the rounds of a plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from slett.plan import Named, Plan
from slett.plan.model import Round
from slett.stores.operations import Collect, KeySet, Rows
from slett.stores.sql import Session

Values = Sequence[tuple[int, Any]]  # (person's number, value)


class Walk:
    """The persons of one pass, and everything that is known of where their rows are.

    Args:
        plan: says what to collect.
        sessions: one a store, open, by name.
        people: how many persons; the keys of one are not told apart.
    """

    def __init__(self, plan: Plan, sessions: Mapping[str, Session], people: int) -> None:
        self.plan = plan
        self.sessions = sessions
        self.people = people
        self._values: dict[str, tuple[KeySet, list[tuple[Any, ...]]]] = {}
        self._brought: dict[tuple[str, str], int] = {}
        self._absent: set[tuple[str, tuple[Any, ...]]] = set()  # root rows that were named, and are not there

    # -- who ----------------------------------------------------------------------------------------

    def name(self, keys: KeySet, rows: Iterable[tuple[Any, ...]]) -> None:
        """Fill a key set that belongs to no store: rows of (person's number, *values)."""
        self._values[keys.name] = (keys, list(rows))
        for store in self.sessions:
            self._brought.pop((store, keys.name), None)

    def remember(self, keys: KeySet, rows: Iterable[tuple[Any, ...]]) -> None:
        """Put back a key set of a table as an earlier process collected it."""
        self.sessions[keys.store].know(keys, rows, people=self.people)

    def pin(self) -> None:
        """From now on the persons are the root rows that were found, and nobody who takes their identifiers later."""
        for named in self.plan.named:
            rows: list[tuple[Any, ...]] = []
            if named.root:
                places = [self.plan.keysets[named.root].columns.index(each) for each in named.keys.columns]
                rows = [(row[0], *(row[1 + place] for place in places)) for row in self.rows_of(named.root)]
            self.name(named.keys, rows)

    # -- where --------------------------------------------------------------------------------------

    def collect(self, *, identifiers: bool = True) -> None:
        """Fill every key set, round by round, until nothing new is found.

        Args:
            identifiers: also take the persons' identifiers from their root rows; not when they were put back.
        """
        lead = self.plan.root_rounds if self._found_by_identifiers() else 0
        rounds = (*self.plan.rounds[:lead], *self.plan.rounds)
        roots = lead + self.plan.root_rounds
        for store, session in self.sessions.items():
            mine = [keys for keys in self.plan.keysets.values() if keys.store == store]
            session.expect_all(mine, people=self.people)
        if identifiers and lead:
            self._take_identifiers()  # as far as they were named: a second root may be found by them
        for number, each in enumerate(rounds):
            if number == lead and lead and identifiers:
                self._take_identifiers()
            if number == roots:
                self._finish_roots(identifiers=identifiers)
            if each.repeat:
                self._collect_repeatedly(each)
            else:
                self._collect_once(each)
        if len(rounds) == roots:
            self._finish_roots(identifiers=identifiers)

    def _collect_once(self, each: Round) -> None:
        mine: dict[str, list[tuple[Collect, KeySet]]] = {}
        for collect in each.collects:
            keys = self.plan.keysets[collect.into]
            self.bring(keys.store, collect.rows)
            mine.setdefault(keys.store, []).append((collect, keys))
        for store, collects in mine.items():
            self.sessions[store].collect_all(collects)

    def _collect_repeatedly(self, each: Round) -> None:
        new = True
        while new:
            new = False
            for collect in each.collects:
                keys = self.plan.keysets[collect.into]
                self.bring(keys.store, collect.rows)
                new |= bool(self.sessions[keys.store].collect(collect, keys))

    def _found_by_identifiers(self) -> bool:
        """Whether a root is found by what another root's rows tell: then roots are gone through twice."""
        names = {each.keys.name for each in self.plan.identifiers}
        collects = (collect for each in self.plan.rounds[: self.plan.root_rounds] for collect in each.collects)
        return any(link.keys in names for collect in collects for link in collect.rows.links)

    def _finish_roots(self, *, identifiers: bool) -> None:
        if identifiers:
            self._take_identifiers()
        for named in self.plan.named:
            if named.root:
                self._keep_named(named)

    def _keep_named(self, named: Named) -> None:
        """Whoever is named by key is meant even if their root row is gone: others may have been left behind."""
        keys = self.plan.keysets[named.root]
        places = [1 + keys.columns.index(each) for each in named.keys.columns]
        there = {(row[0], *(str(row[place]) for place in places)) for row in self.rows_of(named.root)}
        absent = []
        for row in self._values[named.keys.name][1]:
            if (row[0], *map(str, row[1:])) not in there:
                key = dict(zip(named.keys.columns, row[1:], strict=True))
                absent.append((row[0], *(key.get(each) for each in keys.columns)))
        self._absent |= {(named.root, row) for row in absent}
        self.sessions[keys.store].add(keys.name, absent)

    def _take_identifiers(self) -> None:
        named = {each.identifier: each for each in self.plan.named if each.identifier}
        for identifier in self.plan.identifiers:
            rows = list(self._values[named[identifier.name].keys.name][1])
            for root, column in identifier.sources:
                place = 1 + self.plan.keysets[root].columns.index(column)
                rows += [(row[0], row[place]) for row in self.rows_of(root) if row[place] not in (None, "")]
            self.name(identifier.keys, dict.fromkeys(rows))

    def bring(self, store: str, rows: Rows) -> None:
        """Make every key set that a selection names known in that store, as it is now."""
        session = self.sessions[store]
        wanted = [link.keys for link in rows.links] + [holder.keys for holder in rows.unless]
        for name in dict.fromkeys(wanted):
            if name in self._values:
                keys, values = self._values[name]
                if self._brought.get((store, name)) is None:
                    session.know(keys, values, people=self.people)
                    self._brought[store, name] = len(values)
                continue
            keys = self.plan.keysets[name]
            home = self.sessions[keys.store]
            if keys.store == store or self._brought.get((store, name)) == home.count_of(name):
                continue
            session.know(keys, home.rows_of(name), people=self.people)
            self._brought[store, name] = home.count_of(name)

    # -- what was found -----------------------------------------------------------------------------

    def key_set(self, name: str) -> KeySet:
        """The key set of that name, of a table or of what a request named."""
        return self._values[name][0] if name in self._values else self.plan.keysets[name]

    def columns_of(self, name: str) -> tuple[str, ...]:
        """The columns of a key set's rows, after the person's number."""
        return self.key_set(name).columns

    def rows_of(self, name: str) -> Iterator[tuple[Any, ...]]:
        """A key set as rows of (person's number, *values)."""
        if name in self._values:
            yield from self._values[name][1]
        else:
            yield from self.sessions[self.plan.keysets[name].store].rows_of(name)

    def living_roots(self, root: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a root that are there, and not only named."""
        return (row for row in self.rows_of(root) if (root, row) not in self._absent)

    def found_roots(self) -> dict[int, int]:
        """How many root rows each person has; a person without one is not there."""
        found: dict[int, int] = {}
        for root in self.plan.roots:
            for row in self.living_roots(root):
                found[row[0]] = found.get(row[0], 0) + 1
        return found

    def doubled_roots(self) -> dict[int, str]:
        """Persons who were named by something that several rows of one root share, with that root."""
        found: dict[int, str] = {}
        for root in self.plan.roots:
            seen: set[int] = set()
            for row in self.rows_of(root):
                if row[0] in seen:
                    found[row[0]] = root
                seen.add(row[0])
        return found


def named_by(plan: Plan, *, root: str = "", identifier: str = "") -> Named | None:
    """The key set that a request fills when it names a person so, or None."""
    return next(
        (each for each in plan.named if (root and each.root == root) or (identifier and each.identifier == identifier)),
        None,
    )
