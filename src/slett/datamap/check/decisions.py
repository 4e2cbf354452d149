"""What a human must decide of every table, and whether it hangs together."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import Place, TableMap
from slett.datamap.problem import Problem, error, listed, quoted, suggestion, warning


def problems(context: Context) -> Iterator[Problem]:
    """Missing, expired and contradictory decisions."""
    if not context.datamap.roots:
        hint = "write `root: true` at the table that has one row per person"
        yield error("no-root", Place(context.datamap.file, 1, 1), "no table of the map is a root", hint)
    for mapped in context.datamap.tables:
        match mapped.action:
            case "undecided":
                hint = "write `action: delete`, `anonymise`, `keep` or `ignore`"
                message = f"nobody has decided what becomes of a person's rows in {quoted(mapped)}"
                yield error("undecided", mapped.at("action"), message, hint)
            case "ignore":
                yield from _ignored(mapped)
            case "keep":
                yield from _kept(context, mapped)
            case _:
                pass
        yield from _root(context, mapped)
        yield from _without_effect(context, mapped)
        for key, change in mapped.lighter:
            if change == "delete":
                yield from _deleted_first(context, mapped, key)
        if mapped.review and mapped.review <= context.today:
            message = f"the decision about {quoted(mapped)} was to be taken again by {mapped.review}"
            yield error("expired-review", mapped.at("review"), message, "look at it, then write the next date")


def _deleted_first(context: Context, mapped: TableMap, key: str) -> Iterator[Problem]:
    place = mapped.at(key)
    hint = f"name columns instead, as in `{key}: {{active: false}}`"
    if mapped.root or mapped.action != "delete" or not context.owned(mapped):
        message = f"rows of {quoted(mapped)} cannot go first: only those of a deleted table that is no root can"
        yield error("disable", place, message, hint)
    if names := sorted({table.name for table, _ in context.incoming(mapped.store, mapped.name)}):
        message = f"rows of {quoted(mapped)} cannot go first: foreign keys of {listed(names)} refer to them"
        hint += ", or take it out: the rows still go when the person is erased, after those that refer to them"
        yield error("disable-referenced", place, message, hint)


def _ignored(mapped: TableMap) -> Iterator[Problem]:
    written = (("reason", mapped.reason), ("owner", mapped.owner), ("review", mapped.review))
    if missing := [key for key, value in written if not value]:
        message = f"{quoted(mapped)} is ignored without {listed(missing)}"
        hint = "say why no person's data is in it, who decided so, and when that is looked at again"
        yield error("incomplete-ignore", mapped.at("action"), message, hint)


def _kept(context: Context, mapped: TableMap) -> Iterator[Problem]:
    if not mapped.basis.strip() and not (mapped.until and mapped.until.table):  # else it is the parent's
        hint = 'name the law or contract, as in `basis: "Bokføringsloven § 13"`'
        yield error("keep-without-basis", mapped.at("action"), f"{quoted(mapped)} is kept on no basis", hint)
    if not mapped.until:
        hint = "write `until: {column: …, add: 5 years}`, or `until: {as: parent}` for rows of a kept parent"
        yield error("keep-without-until", mapped.at("action"), f"{quoted(mapped)} is kept for ever", hint)
    elif mapped.until.table:
        yield from _as_parent(context, mapped, mapped.until.table)
    elif table := context.live(mapped.store, mapped.name):
        column = table.column(mapped.until.column)
        place = mapped.at("until", "column")
        if column and column.family not in ("date", "timestamp"):
            message = f"{quoted(column.name)} is no date: it is {quoted(column.type)}"
            yield error("until-column", place, message, "name a column that holds a date or a time")
        elif column and column.nullable:
            message = f"{quoted(column.name)} may be null, and a row without a date would be kept for ever"
            yield error("until-column", place, message, "name a column that is NOT NULL, such as that of the creation")


def _as_parent(context: Context, mapped: TableMap, name: str) -> Iterator[Problem]:
    place = mapped.at("until", "as")
    parents = {
        reference.table: reference
        for reference in mapped.references
        if reference.kind == "owner" and reference.store == mapped.store and reference.table
    }
    seen = {mapped.name}
    if name not in parents:
        message = f"{quoted(mapped)} has no owner reference to {quoted(name)}"
        yield error("until-parent", place, message, suggestion(name, parents))
        return
    while name not in seen:
        seen.add(name)
        parent = context.datamap.table(mapped.store, name)
        if parent and parent.action == "undecided":
            return  # decided in one place, for the parent
        if not parent or parent.action != "keep":
            message = f"{quoted(name)} is not kept, so its rows cannot say how long those of {quoted(mapped)} are"
            yield error(
                "until-parent", place, message, "write `until: {column: …, add: …}`, or keep the parent as well"
            )
            return
        if not parent.until or not parent.until.table:
            return
        name = parent.until.table
    message = f"{quoted(name)} is kept as long as itself"
    yield error("until-parent", place, message, "write `until: {column: …, add: …}` at one of them")


def _root(context: Context, mapped: TableMap) -> Iterator[Problem]:
    if not mapped.root:
        return
    if mapped.action in ("keep", "ignore"):
        message = f"root {quoted(mapped)} cannot be {'kept' if mapped.action == 'keep' else 'ignored'}"
        hint = "write `action: delete`, or `anonymise` with a rule for every column that is the person's"
        yield error("root-action", mapped.at("action"), message, hint)
    table = context.live(mapped.store, mapped.name)
    for identifier, column in mapped.identifiers:
        if table and table.column(column) and not table.is_unique((column,)):
            message = (
                f"{quoted(column)} is not unique in {quoted(mapped)}: two people may share one {quoted(identifier)}"
            )
            hint = "Slett refuses to choose between them; name such a person by key"
            yield warning("identifier-not-unique", mapped.at("identifiers", identifier), message, hint)
        if table and (live := table.column(column)) and live.family == "binary":
            message = f"{quoted(column)} of {quoted(mapped)} is {quoted(live.type)}: bytes are compared as they are"
            hint = f"name a person by {quoted(identifier)} exactly as it is stored: letter case counts"
            yield warning("identifier-binary", mapped.at("identifiers", identifier), message, hint)


def _without_effect(context: Context, mapped: TableMap) -> Iterator[Problem]:
    """Keys that somebody wrote in the belief that they do something."""
    own, action = context.owned(mapped), mapped.action
    stays = action in ("anonymise", "keep")
    written = (
        ("identifiers", mapped.identifiers and not mapped.root, "only a root has identifiers"),
        ("references", mapped.references and action == "ignore", "an ignored table is not looked at"),
        ("action", stays and not own and mapped.references, "the table has only mentions, and those rows stay"),
        ("anonymise", mapped.anonymise and not stays and action != "undecided", "its rows do not stay"),
        ("until", mapped.until and action != "keep", "only kept rows have an end"),
        ("basis", mapped.basis and action != "keep", "only what is kept needs a basis"),
        *((key, not own, "no row of the table is a person's own") for key, _ in mapped.lighter),
        ("blocks", mapped.blocks and not own, "no row of the table is a person's own"),
    )
    for key, useless, why in written:
        if useless:
            hint = (
                "take it out, or change the action" if key != "action" else "take it out, or make a reference `owner`"
            )
            yield error("no-effect", mapped.at(key), f"`{key}` has no effect on {quoted(mapped)}: {why}", hint)
    for number, reference in enumerate(mapped.references):
        useless = reference.kind == "owner" or context.is_link(reference)
        for key, value in (("set", reference.set and not stays), ("anonymise", reference.anonymise)):
            if value and useless:
                message = f"`{key}` has no effect on this reference: it belongs to somebody else's row, which stays"
                hint = "take it out, or write `kind: mention`; a person's own rows follow the table's `action`"
                yield error("no-effect", mapped.at("references", number, key), message, hint)
