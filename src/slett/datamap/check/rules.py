"""Whether the database will take what the map has written into its rows."""

import re
from collections.abc import Iterator

from slett.datamap.check.constraints import allows, mentions
from slett.datamap.check.context import Context
from slett.datamap.check.values import misfit, widest
from slett.datamap.model import Place, Rule, TableMap
from slett.datamap.problem import Problem, error, listed, quoted, warning
from slett.stores.schema import Column, Table

HASH_LENGTH = 38
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
COLLIDING = ("constant", "year", "month", "prefix")  # two rows that differed may become alike


def problems(context: Context) -> Iterator[Problem]:
    """Values that are of the wrong type, too long, alike, null or refused where they may not be."""
    for mapped, table in context.decided:
        for name, rule, path in context.ruled(mapped):
            if column := table.column(name):
                yield from _written(context, mapped, table, column, rule, mapped.at(*path))
        for number, reference in enumerate(mapped.references):
            if not reference.path:
                yield from _detached(context, mapped, table, number)


def _detached(context: Context, mapped: TableMap, table: Table, number: int) -> Iterator[Problem]:
    """The columns of a reference that is taken away from a row that stays."""
    reference = mapped.references[number]
    place = mapped.at("references", number)
    taken = context.taken(mapped, reference)
    columns = [column for name in taken if (column := table.column(name))]
    if reference.becomes and taken:
        for name, value in zip(reference.columns, reference.becomes, strict=False):
            if name in taken and (column := table.column(name)):
                rule = Rule("null") if value is None else Rule("constant", value)
                yield from _written(context, mapped, table, column, rule, mapped.at("references", number, "set"))
    elif columns and not any(column.nullable for column in columns):
        hint = {
            "mention": "write what it becomes instead, as in `set: 0` (a ghost that is nobody), or let it be null",
            "shared": "let the columns be null, or let a table of members say whose the row is",
            "owner": "write a rule for it, keep the row it refers to as well (`until: {as: …}`), or let it be null",
        }
        message = f"{listed(taken)} of {quoted(mapped)} must become null, and is NOT NULL"
        yield error("not-null", place, message, hint[reference.kind])
    else:
        for column in columns:
            if column.nullable:  # of several columns those that may be null are enough
                yield from _checked(table, column, Rule("null"), place)


def _written(
    context: Context, mapped: TableMap, table: Table, column: Column, rule: Rule, place: Place
) -> Iterator[Problem]:
    """A column that a rule changes in rows that stay."""
    if column.name in table.primary_key:
        message = f"{quoted(column.name)} is part of the primary key, and rows are found by it"
        yield error("key-column", place, message, "take the rule out; if the key itself is personal, delete the row")
        return
    yield from _fits(table, column, rule, place)
    yield from _alike(context, mapped, table, column, rule, place)


def _fits(table: Table, column: Column, rule: Rule, place: Place) -> Iterator[Problem]:
    if column.generated:
        message = f"{quoted(column.name)} is computed by the database and cannot be written"
        yield error("generated-column", place, message, "write a rule for the columns that it is made of")
        return
    if rule.how == "null" and not column.nullable:
        hint = 'write a constant, as in `"(deleted)"`, or `{hash: true}`'
        yield error("not-null", place, f"{quoted(column.name)} cannot become null: it is NOT NULL", hint)
        return
    if why := _type(table, column, rule):
        yield error("wrong-type", place, f"{quoted(column.name)} ({column.type}) {why[0]}", why[1])
        return
    yield from _length(table, column, rule, place)
    yield from _checked(table, column, rule, place)


def _type(table: Table, column: Column, rule: Rule) -> tuple[str, str] | None:
    """Why a rule does not suit the column, and what does."""
    constant = "write a constant or `null`"
    match rule.how:
        case "constant":
            fit = f"write a value of type {quoted(column.type)}"
            why = misfit(rule.value, column)
            return (f"cannot hold {quoted(rule.value)}: {why}", fit) if why and column.family != "text" else None
        case "year" | "month" if column.family not in ("date", "timestamp", "other"):
            return "holds no date that could be cut", constant
        case "hash" | "template" | "prefix" if column.family not in ("text", "other"):
            return f"holds no text, and `{rule.how}` makes one", constant
        case "template":
            return _template(table, str(rule.value))
        case _:
            return None


def _template(table: Table, template: str) -> tuple[str, str] | None:
    if not table.primary_key:
        return "cannot have a template: the table has no primary key to tell rows apart", "write `{hash: true}` instead"
    if strange := [name for name in PLACEHOLDER.findall(template) if name not in table.primary_key]:
        keys = "".join(f"{{{name}}}" for name in table.primary_key)
        why = f"has a template with {listed(strange)} in it, and only the primary key may be"
        return why, f"write {quoted(keys)} where rows must differ"
    return None


def _length(table: Table, column: Column, rule: Rule, place: Place) -> Iterator[Problem]:
    if not column.length or column.family != "text":
        return
    length = _longest(table, rule)
    if length is None:
        message = f"{quoted(column.name)} holds {column.length} characters, and the key in the template has no limit"
        yield warning("too-long", place, message, "write `{hash: true}`, or make sure that keys are short")
    elif length > column.length:
        message = f"{quoted(column.name)} holds {column.length} characters, and this needs up to {length}"
        hint = (
            "write something shorter" if rule.how != "hash" else "write a short `template` with the primary key in it"
        )
        yield error("too-long", place, message, hint)


def _longest(table: Table, rule: Rule) -> int | None:
    match rule.how:
        case "constant":
            return len(str(rule.value))
        case "hash":
            return HASH_LENGTH
        case "template":
            keys = [table.column(name) for name in PLACEHOLDER.findall(str(rule.value))]
            widths = [widest(key) if key else None for key in keys]
            fixed = len(PLACEHOLDER.sub("", str(rule.value)))
            return None if None in widths else fixed + sum(width or 0 for width in widths)
        case _:
            return 0


def _alike(
    context: Context, mapped: TableMap, table: Table, column: Column, rule: Rule, place: Place
) -> Iterator[Problem]:
    """Rules that give several rows one value, where a UNIQUE constraint forbids that."""
    if not _collides(table, rule):
        return
    written = {name: rule for name, rule, _ in context.ruled(mapped)}
    written |= {
        name: Rule("null") for each in mapped.references if not each.becomes for name in context.taken(mapped, each)
    }
    for key in (*table.unique, *table.unique_partly):
        if column.name not in key:
            continue
        others = [written.get(name) for name in key if name != column.name]
        if any(other and not _collides(table, other) for other in others):
            continue  # another part of the key becomes null, or differs from row to row
        certain = key in table.unique and all(others)
        kind = error if certain else warning
        must = "must" if certain else "may have to"
        message = f"{listed(key)} {must} be unique in {quoted(mapped)}, and this makes rows alike"
        if column.family == "text":
            keys = "".join(f"{{{name}}}" for name in table.primary_key) or "{id}"
            hint = f'write a template, as in `{{template: "deleted-{keys}"}}`, or `{{hash: true}}`'
        else:
            hint = "write `null`, if the column may be null"
        yield kind("not-unique", place, message, hint)


def _collides(table: Table, rule: Rule) -> bool:
    if rule.how == "template":
        return not set(PLACEHOLDER.findall(str(rule.value))) >= set(table.primary_key)
    return rule.how in COLLIDING


def _checked(table: Table, column: Column, rule: Rule, place: Place) -> Iterator[Problem]:
    for check in table.checks:
        if not mentions(check.text, column.name):
            continue
        demand = f"CHECK {quoted(check.name)}: {quoted(check.text)}"
        verdict = allows(check.text, column.name, rule)
        if verdict is False:
            message = (
                f"{quoted(column.name)} cannot become this: CHECK {quoted(check.name)} demands {quoted(check.text)}"
            )
            yield error("check-constraint", place, message, "write a value that satisfies it")
        elif verdict is None:
            message = f"whether {quoted(column.name)} may become this depends on {demand}"
            yield warning("check-constraint", place, message, "make sure that the value satisfies it")
