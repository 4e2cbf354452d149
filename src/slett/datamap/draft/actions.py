"""What becomes of the rows: an action for every table whose nature is clear, and for the rest why it is not."""

from collections.abc import Iterable, Mapping

from slett.datamap.draft import kinds, words
from slett.datamap.draft.graph import Graph, Key, Link
from slett.datamap.draft.sketch import Personal, Sketch, Told, Verdict
from slett.datamap.model import Until
from slett.stores.schema import Column, Table

GOING = ("delete", "keep")  # now, or when their time comes
MAIN_DATES = words.group("created placed ordered issued paid booked date opprettet bestilt erstellt cree creado")


def decide(graph: Graph, sketches: Mapping[Key, Sketch], personal: Personal) -> None:
    """Gives every sketch its verdict; a delete that something undecided stands in the way of is undecided itself."""
    blocked: dict[Key, str] = {}
    while True:
        for sketch in sketches.values():
            sketch.verdict = Verdict("undecided", "")
        for _ in sketches:  # as many times as the longest chain has links, at most
            if not _settle(graph, sketches, personal, blocked):
                break
        going = frozenset(key for key, sketch in sketches.items() if sketch.owned and sketch.verdict.action in GOING)
        found = {
            key: why
            for key, sketch in sketches.items()
            if key in going
            and not sketch.decided
            and (why := _in_the_way(graph, sketches, key) or _circle(graph, going, key))
        }
        if not found:
            return
        blocked |= found


def _settle(graph: Graph, sketches: Mapping[Key, Sketch], personal: Personal, blocked: Mapping[Key, str]) -> bool:
    """Looks at every table once, parents first where the walk met them first; says whether anything changed."""
    before = [sketch.verdict for sketch in sketches.values()]
    for sketch in sketches.values():
        verdict = _verdict(graph, sketches, personal, sketch)
        stands = sketch.decided or verdict.action not in GOING or sketch.key not in blocked
        sketch.verdict = verdict if stands else Verdict("undecided", blocked[sketch.key])
    return before != [sketch.verdict for sketch in sketches.values()]


def _in_the_way(graph: Graph, sketches: Mapping[Key, Sketch], key: Key) -> str:
    """Why rows of this table cannot be deleted yet: rows that need them, and may stay."""
    if sketches[key].verdict.action != "delete":
        return ""
    for link in graph.incoming[key]:
        if link.to_itself or not link.declared or link.emptyable:
            continue
        other = sketches.get(link.child)
        if other and other.verdict.follows == key:
            continue
        name = link.child[1]
        if other is None or other.verdict.action == "ignore" or not other.owned:
            return f"rows of `{name}` need it (`{', '.join(link.columns)}` cannot be null)"
        if other.verdict.action == "undecided":
            return f"delete, once `{name}` is decided: its `{', '.join(link.columns)}` cannot be null"
        if other.verdict.action != "delete":
            return f"rows of `{name}` stay and need it (`{', '.join(link.columns)}` cannot be null)"
    return ""


def _circle(graph: Graph, going: frozenset[Key], key: Key) -> str:
    """Why no row of this table can go first: what it needs, in the end, needs it."""
    seen: set[Key] = set()
    waiting = [key]
    while waiting:
        for link in graph.outgoing[waiting.pop()]:
            if not link.declared or link.emptyable or link.parent not in going:
                continue
            if link.parent == key:
                return "in a circle of references that are all NOT NULL: none can go first"
            if link.parent not in seen:
                seen.add(link.parent)
                waiting.append(link.parent)
    return ""


def _verdict(graph: Graph, sketches: Mapping[Key, Sketch], personal: Personal, sketch: Sketch) -> Verdict:
    known = sketch.known
    unseen = sketch.key not in graph.tables
    fresh = Verdict("undecided", "") if unseen else _proposal(graph, sketches, personal, sketch)
    if fresh.action == "delete" and sketch.addresses:
        held = _shown(told.reference.columns[0] for told in sketch.addresses)
        why = f"{fresh.why}; but rows of others may hold the person's address in {held}"
        fresh = Verdict("undecided", why, fresh.follows)
    if known and (sketch.decided or unseen):
        why = fresh.why if fresh.action == known.action != "keep" and not known.reason else ""
        basis = "" if known.inherited_basis else known.basis
        return Verdict(known.action, why, until=known.until, basis=basis)
    if known and not (fresh.action != "undecided" and fresh.follows and _is_human(sketches, fresh.follows)):
        return Verdict("undecided", _reminder(fresh), fresh.follows, known.until, known.basis)
    return fresh


def _is_human(sketches: Mapping[Key, Sketch], key: Key) -> bool:
    """Whether the action of that table is a human's, or follows one."""
    seen: set[Key] = set()
    following: Key | None = key
    while following and following not in seen and not sketches[following].decided:
        seen.add(following)
        following = sketches[following].verdict.follows
    return following is not None and sketches[following].decided


def _reminder(fresh: Verdict) -> str:
    return fresh.why if fresh.action == "undecided" else f"perhaps {fresh.action}: {fresh.why}"


def _proposal(graph: Graph, sketches: Mapping[Key, Sketch], personal: Personal, sketch: Sketch) -> Verdict:
    if sketch.doubt:
        return Verdict("undecided", sketch.doubt)
    if sketch.root:
        return Verdict("delete", "last of all, when nothing refers to it any more")
    if not sketch.owned:
        return _mentions_only(personal, sketch)
    table = graph.tables[sketch.key]
    direct = [told for told in sketch.references if told.link is None or told.link.parent in graph.roots]
    owners = [told for told in direct if told.reference.kind == "owner"]
    if any(told.reference.kind == "shared" for told in sketch.references):
        return Verdict("undecided", "shared by several people")
    if len(owners) > 1 and not kinds.is_membership(graph, sketch.key):
        return Verdict("undecided", "two references say that it is theirs: do two people share it (`kind: shared`)?")
    parts = [
        (told.link, sketches[told.link.parent])
        for told in sketch.references
        if told.link and told.link.parent not in graph.roots and told.reference.kind == "owner"
    ]
    name = frozenset(words.words(sketch.key[1]))
    if parts and not direct and (follows := _as_parent(table, sketches, personal, sketch, parts)):
        return follows
    if words.is_accounting(sketch.key[1]):
        return Verdict("undecided", _keep(table))
    if words.is_log(sketch.key[1]):
        return Verdict("undecided", "a log: anonymise what names the person, or keep it on a basis")
    if name & words.EVIDENCE:
        return Verdict("undecided", "evidence that somebody may still need: keep it on a basis, or delete")
    if owners and parts and not words.PIECE & set(words.words(sketch.key[1])[-1:]):
        return Verdict("undecided", f"others may write into a person's `{parts[0][1].key[1]}` here")
    if words.is_passing(sketch.key[1]):
        nature = min(name & words.PASSING)
        return Verdict("delete", f"of use to the person alone ({nature})")
    if kinds.is_membership(graph, sketch.key) and not (owners and parts):
        return Verdict("delete", "only ties the person to something")
    if owners and not parts:
        return _by_declaration(table, owners[0], name)
    return Verdict("undecided", "theirs, but the name does not say whether others need it")


def _mentions_only(personal: Personal, sketch: Sketch) -> Verdict:
    named = {column for told in sketch.references for column in told.reference.columns}
    if left := [column for column in personal.get(sketch.key, ()) if column not in named]:
        return Verdict("undecided", f"somebody else's row, but {_shown(left)} looks personal")
    return Verdict("delete" if sketch.references else "undecided", "")  # rows that only mention a person stay


def _as_parent(
    table: Table,
    sketches: Mapping[Key, Sketch],
    personal: Personal,
    sketch: Sketch,
    parts: list[tuple[Link, Sketch]],
) -> Verdict | None:
    """What a table without an owner of its own becomes, because it is part of others."""
    parents = [other for link, other in parts if link.required]
    actions = {other.verdict.action for _, other in parts}
    if actions == {"delete"} and parts[0][0].required:
        parent = parents[0]
        if (words.is_accounting(sketch.key[1]) or words.is_log(sketch.key[1])) and not parent.decided:
            return None
        return Verdict("delete", f"cannot outlive `{parent.key[1]}`", parent.key)
    passing = "undecided" in actions and words.is_passing(sketch.key[1])
    ends = {_end(sketches, sketch, other) for _, other in parts}
    if parents and None not in ends and not passing and not words.is_log(sketch.key[1]):
        parent = next((other for other in parents if other.key in ends), parents[0])
        return _kept(table, personal[sketch.key], parent, sorted(end[1] for end in ends if end))
    if "undecided" in actions and not passing:
        waits = next(other for _, other in parts if other.verdict.action == "undecided")
        return Verdict("undecided", f"follows `{waits.key[1]}`")
    return None


def _end(sketches: Mapping[Key, Sketch], sketch: Sketch, parent: Sketch) -> Key | None:
    """The table whose rows say when those of a kept parent end; None where the parent is not kept, nor likely to be."""
    seen = {sketch.key}
    while parent.key not in seen:
        seen.add(parent.key)
        verdict = parent.verdict
        following = (parent.key[0], verdict.until.table) if verdict.until and verdict.until.table else verdict.follows
        if verdict.action not in ("keep", "undecided") or (following and following not in sketches):
            return None
        if not following:
            likely = verdict.action == "keep" or (parent.owned and words.is_accounting(parent.key[1]))
            return parent.key if likely else None
        parent = sketches[following]
    return None


def _kept(table: Table, personal: Iterable[str], parent: Sketch, ends: list[str]) -> Verdict:
    """What becomes of a part of rows that are kept, or that are for the books and will be."""
    shown = f"`{parent.key[1]}`"
    if personal:
        return Verdict("undecided", f"kept as {shown}? Then its own personal columns want a rule", parent.key)
    if len(ends) > 1:
        return Verdict("undecided", f"which of {_shown(ends)} says how long it is kept?")
    if not table.primary_key:
        return Verdict("undecided", f"part of {shown}, but without a primary key its rows cannot be found again")
    free = [column.name for column in table.columns if _is_free(column)][:3]
    why = f"; {_shown(free)} may hold anything: look" if free else ", and nothing in it looks personal"
    return Verdict("keep", f"part of {shown}{why}", parent.key, Until(table=parent.key[1]))


def _is_free(column: Column) -> bool:
    """Whether people or programs may have written into it what they liked."""
    said = words.words(column.name)
    return column.family in ("json", "binary") or (column.family == "text" and bool(words.FREE & set(said)))


def _by_declaration(table: Table, owner: Told, name: frozenset[str]) -> Verdict:
    link = owner.link
    if link and link.required and not name & (words.CONTAINER | words.BESIDE):
        if link.declared and table.is_unique(link.columns):
            return Verdict("delete", "one row a person: an extension of the root")
        said, root = words.words(table.name), words.words(link.parent[1])
        if said[:-1] == root and said[-1] in words.TRAIT:
            return Verdict("delete", "says something of the person, and of nothing else")
        if link.on_delete == "CASCADE":
            return Verdict("delete", "the database itself deletes it with the person")
    return Verdict("undecided", "theirs, but the name does not say whether others need it")


def _shown(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _keep(table: Table) -> str:
    dates = [column for column in table.columns if column.family in ("date", "timestamp") and not column.nullable]
    dates.sort(key=lambda column: not MAIN_DATES & set(words.words(column.name)))
    start = dates[0].name if dates else "…"
    return f"bookkeeping? then keep, until: {{column: {start}, add: 5 years, from: year-end}}, with its basis"
