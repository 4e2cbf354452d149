"""Whether a value of the map can stand in a column."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from uuid import UUID

from slett.datamap.model import Scalar
from slett.stores.schema import Column

READERS: Mapping[str, Callable[[str], object]] = {
    "uuid": UUID,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "time": time.fromisoformat,
    "json": json.loads,
}
INTEGER_WIDTHS = (("tiny", 3), ("small", 5), ("medium", 8), ("big", 19), ("int8", 19), ("int2", 5), ("int", 10))


def misfit(value: Scalar, column: Column) -> str:
    """Why the column cannot hold that value by its type; empty when it can, or when that is not certain."""
    if value is None or column.family in ("other", "array", "binary"):
        return ""
    if column.family == "text":
        length = len(str(value))
        return f"it holds {column.length} characters, not {length}" if column.length and length > column.length else ""
    kind = "an" if column.family[0] in "aeiou" else "a"
    wrong = f"it is {kind} {column.family}"
    match column.family, value:
        case "boolean", _:
            return "" if value in (0, 1) else wrong
        case "integer", int():
            return ""
        case "decimal", int() | float():
            return ""
        case ("uuid" | "date" | "timestamp" | "time" | "json") as family, str():
            try:
                READERS[family](value)
            except ValueError:
                return wrong
            return ""
        case "json", _:
            return ""
        case _:
            return wrong


def widest(column: Column) -> int | None:
    """How many characters a value of that column can have when written as text; None when nothing limits it."""
    if column.family == "integer":
        written = column.type.lower()
        return next((width for name, width in INTEGER_WIDTHS if written.startswith(name)), 19)
    if column.family == "uuid":
        return 36
    return column.length if column.family == "text" else None
