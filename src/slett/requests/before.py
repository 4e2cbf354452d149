"""How a person's rows were before the account was closed: what `reopen` needs, as bytes that the ledger can seal."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Self

from slett.plan.model import What
from slett.stores.operations import Rule, Write

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """Rows of one table: of each its key, then the values of the columns that closing writes."""

    store: str
    table: str
    key: tuple[str, ...]
    writes: tuple[tuple[What, Write], ...]  # by which key of the map, and what
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """`store/table`."""
        return f"{self.store}/{self.table}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that closing writes."""
        return tuple(write.column for _, write in self.writes)

    def keys(self) -> list[Row]:
        """The keys, as rows of a key set."""
        return [(0, *row[: len(self.key)]) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Before:
    """Everything that closing one account is about to change, as it is now."""

    named: tuple[tuple[str, tuple[Row, ...]], ...]  # key set → what names the person
    tables: tuple[Remembered, ...]

    @property
    def rows(self) -> int:
        """How many rows are remembered."""
        return sum(len(each.rows) for each in self.tables)

    def pack(self) -> bytes:
        """It, as bytes. They hold the person's data: seal them."""
        tables = [
            [each.store, each.table, each.key, [_written(*write) for write in each.writes], each.rows]
            for each in self.tables
        ]
        return json.dumps([self.named, tables], default=_write, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """What was packed."""
        named, tables = json.loads(content.decode("utf-8", "surrogatepass"), object_hook=_read)
        return cls(
            tuple((name, _rows(rows)) for name, rows in named),
            tuple(
                Remembered(
                    store,
                    table,
                    tuple(key),
                    tuple((what, Write(column, Rule(how, value))) for what, column, how, value in writes),
                    _rows(rows),
                )
                for store, table, key, writes, rows in tables
            ),
        )


def _written(what: What, write: Write) -> list[Any]:
    return [what, write.column, write.rule.how, write.rule.value]


def _rows(rows: list[list[Any]]) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in rows)


def _write(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"b64": b64encode(value).decode()}
    raise TypeError(f"a value of type {type(value).__name__} cannot be written down")


def _read(value: dict[str, str]) -> bytes:
    return b64decode(value["b64"])
