"""From ways and order to the plan itself."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from slett.datamap.model import Rule, TableMap
from slett.plan.graph import components
from slett.plan.links import Relations, Way, identifier_set, is_through
from slett.plan.model import Keeping, Phase, Plan, PlanError, Round, Step, What
from slett.plan.order import Order, order_changes
from slett.stores.operations import Change, Collect, Delete, Due, KeySet, Link, Rows, Update, Write
from slett.stores.schema import Table

NULL = Rule("null")


def make_plan(relations: Relations) -> Plan:
    """The plan of an erasure: which keys to collect and which rows to change, in order.

    Raises:
        PlanError: the map cannot be carried out on these schemas.
    """
    order = order_changes(relations)
    circled = {name for name, _ in order.broken} | set(order.together)
    interior = _interior(relations) | circled
    keysets = {name: relations.key_set(name) for name in relations.tables if name in interior and relations.ways(name)}
    rounds, root_rounds = _rounds(relations, keysets)
    steps = [
        *_disable(relations, keysets),
        *_detach_first(relations, keysets, order),
        *(step for name in order.tables for step in _change(relations, keysets, order, name)),
    ]
    return Plan(
        named=tuple(relations.named),
        roots=tuple(name for name, mapped in relations.tables.items() if mapped.root),
        rounds=rounds,
        root_rounds=root_rounds,
        identifiers=tuple(relations.identifiers),
        keysets=keysets,
        strangers=tuple(_strangers(relations, keysets)),
        steps=tuple(steps),
        keepings=tuple(_keepings(relations, keysets)),
    )


# -- collecting, top-down ---------------------------------------------------------------------------


def _interior(relations: Relations) -> set[str]:
    """Tables whose keys others hang on."""
    roots = {name for name, mapped in relations.tables.items() if mapped.root}
    buckets = (*relations.owned.values(), *relations.shared.values(), *relations.mentions.values())
    return roots | {way.parent for ways in buckets for way in ways if way.parent}


def _rounds(relations: Relations, keysets: dict[str, KeySet]) -> tuple[tuple[Round, ...], int]:
    roots = [name for name in keysets if relations.tables[name].root]
    others = [name for name in keysets if name not in roots]
    first = _ordered_rounds(relations, keysets, roots)
    return (*first, *_ordered_rounds(relations, keysets, others)), len(first)


def _ordered_rounds(relations: Relations, keysets: dict[str, KeySet], names: Sequence[str]) -> list[Round]:
    """Who feeds others before them; as many as do not feed each other go together, in one round trip."""
    through = {name: {way.parent for way in relations.ways(name) if way.parent} for name in names}
    rounds: list[Round] = []
    found: dict[str, int] = {}  # the round of each name
    for group in components(names, through):
        collects = tuple(
            Collect(name, Rows(relations.tables[name].name, (way.link,), unless=way.holders, key=keysets[name].key))
            for name in group
            for way in relations.ways(name)
        )
        repeat = len(group) > 1 or group[0] in through[group[0]]
        first = 1 + max((found[each] for name in group for each in through[name] if each in found), default=-1)
        place = next((n for n, each in enumerate(rounds) if n >= first and not (repeat or each.repeat)), len(rounds))
        if place == len(rounds):
            rounds.append(Round(collects, repeat=repeat))
        else:
            rounds[place] = Round(rounds[place].collects + collects)
        found |= dict.fromkeys(group, place)
    return rounds


def _strangers(relations: Relations, keysets: dict[str, KeySet]) -> list[tuple[str, Rows]]:
    """Root rows that share an identifier with a person without being named: whose would a guest's row be?"""
    used = {
        way.reference.identifier
        for ways in (*relations.owned.values(), *relations.mentions.values())
        for way in ways
        if way.reference and way.reference.identifier
    }
    found = []
    for name, mapped in relations.tables.items():
        for identifier, column in mapped.identifiers:
            if mapped.root and identifier in used:
                fold = any(way.link.fold for way in relations.owned[name] if way.link.columns == (column,))
                link = Link((column,), identifier_set(identifier), ("value",), fold=fold)
                rows = Rows(mapped.name, (link,), among=name, key=keysets[name].key, others=True)
                found.append((f"{mapped.store}/{identifier}", rows))
    return found


# -- selecting --------------------------------------------------------------------------------------


def selected(
    relations: Relations, keysets: dict[str, KeySet], name: str, order: Order | None = None
) -> list[tuple[Rows, str]]:
    """(rows, by which reference) of a person: at once where their keys are collected, else one selection a way.

    Where a circle was opened by nulling the very columns of a way, only the collected keys still find the row.
    """
    table, ways = relations.tables[name].name, relations.ways(name)
    why = ", ".join(dict.fromkeys(way.why for way in ways))
    if name in keysets:
        cut = {column for child, key in order.broken if child == name for column in key.columns} if order else set()
        lost = any(set(way.link.columns) & cut for way in ways)
        only_shared = bool(ways) and all(way.holders for way in ways)
        confirming = not lost and not relations.tables[name].root  # a root row is the person: nothing else says so
        rows = Rows(
            table,
            tuple(way.link for way in ways) if confirming else (),
            among=name,
            key=keysets[name].key,
            unless=tuple(dict.fromkeys(each for way in ways for each in way.holders)) if only_shared else (),
        )
        return [(rows, why)]
    key = relations.live(name).primary_key
    links = tuple(way.link for way in ways)
    return [
        (Rows(table, (way.link,), key=key, unless=way.holders, earlier=links[:place]), way.why)
        for place, way in enumerate(ways)
    ]


# -- steps ------------------------------------------------------------------------------------------


def _disable(relations: Relations, keysets: dict[str, KeySet]) -> list[Step]:
    steps = []
    for name, mapped in relations.tables.items():
        if mapped.disable is None:
            continue
        for rows, why in selected(relations, keysets, name):
            if mapped.disable == "delete":
                change: Change = Delete(rows)
            else:
                disabled = {column for column, _ in mapped.disable}
                last = tuple(write for write in _writes(mapped.anonymise) if write.column in disabled)
                change = Update(rows, _writes(mapped.disable), until=last)
            steps.append(_step(mapped, "disable", "disable", change, why))
    return steps


def _detach_first(relations: Relations, keysets: dict[str, KeySet], order: Order) -> list[Step]:
    """What must let go before anything is deleted."""
    steps = []
    for name, mapped in relations.tables.items():
        for way in relations.mentions.get(name, ()):
            if not _can_wait(relations, order, name, way):
                steps += _mention_steps(relations, name, way)
        for way in relations.shared.get(name, ()):
            if way.reference and not is_through(relations, way):
                rows = Rows(
                    mapped.name, (way.link,), key=relations.live(name).primary_key, unless=way.holders, held=True
                )
                writes = (*detaching(relations.live(name), way), *_writes(way.reference.anonymise))
                steps.append(_step(mapped, "detach", "detach", Update(rows, writes), way.why))
    for name, key in order.broken:
        mapped, live = relations.tables[name], relations.live(name)
        free = [each for each in key.columns if (column := live.column(each)) and column.nullable]
        for rows, _ in selected(relations, keysets, name):
            if mapped.action == "keep":  # of what stays, only what hangs on a parent that goes is in its way
                rows = _with_due(rows, due_of(relations, mapped), is_due=True)
                steps += _letting_go(relations, mapped, name, key.columns)
            writes = tuple(Write(each, NULL) for each in free)
            why = f"opens the circle at {', '.join(key.columns)}"
            steps.append(_step(mapped, "detach", "detach", Update(rows, writes), why))
    return steps


def _before_cascade(relations: Relations, name: str) -> tuple[Change, ...]:
    """Mentions that the database would delete or change with their parent let go once more, next to its deletion.

    Whoever came in between the first time and now is not to be taken along.
    """
    return tuple(
        Update(rows, writes)
        for child, ways in relations.mentions.items()
        for way in ways
        if way.parent == name
        and any(
            key.on_delete not in ("NO ACTION", "RESTRICT") and set(key.columns) & set(way.link.columns)
            for key in relations.live(child).foreign_keys
            if key.table == relations.tables[name].name
        )
        for rows, writes in mention_changes(relations, child, way)
    )


def _can_wait(relations: Relations, order: Order, name: str, way: Way) -> bool:
    """Whether a mention may let go after the person's own rows of its table are gone, which spares writing those."""
    if not relations.ways(name) or relations.tables[name].action != "delete":
        return False
    return not way.parent or order.tables.index(name) < order.tables.index(way.parent)


def _mention_steps(relations: Relations, name: str, way: Way, earlier: tuple[Link, ...] = ()) -> list[Step]:
    return [
        _step(relations.tables[name], "detach", "detach", Update(replace(rows, earlier=earlier), writes), way.why)
        for rows, writes in mention_changes(relations, name, way)
    ]


def _change(relations: Relations, keysets: dict[str, KeySet], order: Order, name: str) -> list[Step]:
    mapped, together = relations.tables[name], order.together.get(name, 0)
    steps, expired = [], []
    guards = _before_cascade(relations, name)
    ways = relations.ways(name)
    links = tuple(way.link for way in ways)
    for rows, why in selected(relations, keysets, name, order):
        if mapped.disable == "delete":
            rows = replace(rows, earlier=links)
        alone = owner_detaching(relations, mapped, name, ways[0]) if len(ways) == 1 else ()
        writes = (*_writes(mapped.anonymise), *alone)
        match mapped.action:
            case "delete":
                steps.append(_step(mapped, "change", "delete", Delete(rows), why, together, guards))
            case "anonymise":
                if writes:
                    steps.append(_step(mapped, "change", "anonymise", Update(rows, writes), why, together))
            case "keep":
                due = due_of(relations, mapped)
                gone = Delete(_with_due(rows, due, is_due=True))
                stays = Update(_with_due(rows, due, is_due=False), writes)
                expired.append(_step(mapped, "change", "expire", gone, why, together, guards))
                if writes:
                    steps.append(_step(mapped, "change", "keep", stays, why, together))
    if len(ways) > 1:
        steps += [
            _step(mapped, "change", "detach", Update(_staying(relations, mapped, way), writes), way.why, together)
            for way in ways
            if (writes := owner_detaching(relations, mapped, name, way))
        ]
    steps += expired  # after what stays has let go of them: a cascade would take it along
    for way in relations.mentions.get(name, ()):
        if _can_wait(relations, order, name, way):
            steps += _mention_steps(relations, name, way, links)
    return steps


def _letting_go(relations: Relations, mapped: TableMap, name: str, columns: tuple[str, ...]) -> list[Step]:
    """Rows that stay lose their reference, in these columns, to a parent that goes."""
    return [
        _step(mapped, "detach", "detach", Update(_staying(relations, mapped, way), writes), way.why)
        for way in relations.ways(name)
        if set(way.link.columns) == set(columns) and (writes := owner_detaching(relations, mapped, name, way))
    ]


def _staying(relations: Relations, mapped: TableMap, way: Way) -> Rows:
    """The rows of one way that stay."""
    rows = Rows(mapped.name, (way.link,), key=relations.live(str(mapped)).primary_key, unless=way.holders)
    return _with_due(rows, due_of(relations, mapped), is_due=False) if mapped.action == "keep" else rows


def _step(
    mapped: TableMap,
    phase: Phase,
    what: What,
    change: Change,
    why: str,
    together: int = 0,
    guards: tuple[Change, ...] = (),
) -> Step:
    return Step(mapped.store, mapped.name, phase, what, change, why, together, guards)


def _writes(rules: Sequence[tuple[str, Rule]]) -> tuple[Write, ...]:
    return tuple(Write(column, rule) for column, rule in rules)


def mention_changes(relations: Relations, name: str, way: Way) -> Iterator[tuple[Rows, tuple[Write, ...]]]:
    """What a mention becomes: detached from a row that goes, left on one that stays, and anonymised in either case.

    A kept row goes when its time comes: until then whoever mentions it may.
    """
    reference, mapped = way.reference, relations.tables[name]
    if reference is None:
        return
    rows = Rows(mapped.name, (way.link,), key=relations.live(name).primary_key)
    parent = relations.tables.get(way.parent)
    rules = _writes(reference.anonymise)
    if parent is None or parent.action == "delete" or parent.store != mapped.store:
        yield rows, (*detaching(relations.live(name), way), *rules)
        return
    if parent.action == "keep":
        due = due_of(relations, parent)
        hop = (way.link.columns, parent.name, way.link.at)
        expiring = _with_due(rows, replace(due, parents=(hop, *due.parents)), is_due=True)
        yield expiring, (*detaching(relations.live(name), way), *rules)
    elif reference.set:
        rules = (*detaching(relations.live(name), way), *rules)
    if rules:
        yield rows, rules


def detaching(live: Table, way: Way) -> tuple[Write, ...]:
    """What lets go of a reference: the values that the map says, or null in every column of it that may be null."""
    if way.reference is None:
        return ()
    if way.reference.becomes:
        rules = [NULL if value is None else Rule("constant", value) for value in way.reference.becomes]
        return tuple(
            Write(column, rule, way.link.path) for column, rule in zip(way.reference.columns, rules, strict=True)
        )
    several = len(way.reference.columns) > 1
    return tuple(
        Write(column, NULL, way.link.path)
        for column in way.reference.columns
        if not several or ((found := live.column(column)) and found.nullable)
    )


def owner_detaching(relations: Relations, mapped: TableMap, name: str, way: Way) -> tuple[Write, ...]:
    """A row that stays while its parent goes loses that reference, unless the map says what becomes of the column.

    Only that one: by another of its references the same row may be somebody else's too.
    """
    if way.reference is None or mapped.action not in ("anonymise", "keep"):
        return ()
    parent = relations.tables.get(way.parent)
    if parent is not None and (parent.action == "anonymise" or relations.datamap.together(mapped, parent)):
        return ()
    live = relations.live(name)
    decided = {*mapped.columns, *(column for column, _ in mapped.anonymise), *live.primary_key}
    return tuple(write for write in detaching(live, way) if write.column not in decided)


# -- keeping ----------------------------------------------------------------------------------------


def due_of(relations: Relations, mapped: TableMap) -> Due:
    """When the kept rows of a table may go.

    Raises:
        PlanError: `until` is missing, or names a table that these rows do not hang on.
    """
    hops: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = []
    seen = {str(mapped)}
    while (until := mapped.until) and until.table:
        parent = f"{mapped.store}/{until.table}"
        way = next((each for each in relations.ways(str(mapped)) if each.parent == parent), None)
        if way is None or parent in seen:
            raise PlanError(f"{mapped.place}: `{mapped}` is kept as long as `{parent}`, which it does not hang on")
        hops.append((way.link.columns, until.table, way.link.at))
        seen.add(parent)
        mapped = relations.tables[parent]
    if until is None:
        raise PlanError(f"{mapped.place}: `{mapped}` is kept without an end; write `until`")
    return Due(until.column, until.months, until.year_end, tuple(hops))


def _with_due(rows: Rows, due: Due, *, is_due: bool) -> Rows:
    return replace(rows, due=due, is_due=is_due)


def _keepings(relations: Relations, keysets: dict[str, KeySet]) -> list[Keeping]:
    found = []
    for name, mapped in relations.tables.items():
        if mapped.action != "keep":
            continue
        key = relations.live(name).primary_key
        if not key:
            raise PlanError(f"{mapped.place}: `{mapped}` has no primary key, so a kept row could not be found when due")
        due = due_of(relations, mapped)
        for rows, _ in selected(relations, keysets, name):
            stays = _with_due(rows, due, is_due=False)
            found.append(Keeping(mapped.store, mapped.name, stays, key, due, mapped.basis))
    return found
