"""From the roots through the tables: which belong in the map, and how their rows hang on a person."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from slett.datamap.draft import kinds, words
from slett.datamap.draft.graph import Graph, Key, Link, polymorphic_pair
from slett.datamap.draft.sketch import NOWHERE, Personal, Sketch, Told
from slett.datamap.model import DataMap, Reference, TableMap


def walk(graph: Graph, known: DataMap | None, personal: Personal, identifiers: Mapping[str, str]) -> dict[Key, Sketch]:
    """Every table that the map must mention, in the order in which a walk from the roots meets it.

    Args:
        identifiers: by which rows without a link can be found, `email` and `username`, and a root's column of each.
    """
    walker = _Walker(graph, known, personal)
    walker.from_roots()
    if "email" in identifiers:
        walker.each(partial(_email, graph))
    if "username" in identifiers:
        walker.each(partial(_username, graph, identifiers["username"]))
    walker.each(partial(_polymorphic, graph))
    walker.each(partial(_unreached, graph, personal, walker.sketches))
    if "email" in identifiers:
        for sketch in walker.sketches.values():
            sketch.addresses = _addresses(graph, sketch)
    return walker.sketches


class _Walker:
    def __init__(self, graph: Graph, known: DataMap | None, personal: Personal) -> None:
        self.graph = graph
        self.known = known
        self.personal = personal
        self.sketches: dict[Key, Sketch] = {}
        self.waiting: deque[Key] = deque()
        self.entered: set[Key] = set()

    def from_roots(self) -> None:
        for key in self.graph.roots:
            self.sketch(key).root = True
            self.enter(key)
        for table in self.known.tables if self.known else ():
            sketch = self.sketch((table.store, table.name))
            if sketch.owned and table.action != "ignore" and (sketch.decided or self.told_by_a_human(sketch)):
                self.enter(sketch.key)
        self.go()

    def each(self, find: Callable[[Key], tuple[list[Told], str]]) -> None:
        """Takes in the tables that are not reached yet and of which `find` knows a reference or a doubt."""
        for key in self.graph.tables:
            if key in self.sketches:
                continue
            found, doubt = find(key)
            if found or doubt:
                sketch = self.sketch(key)
                sketch.references += found
                sketch.doubts += [doubt] if doubt else []
                if sketch.leads_on:
                    self.enter(key)
                    self.go()

    def sketch(self, key: Key) -> Sketch:
        if key not in self.sketches:
            table = _begun(self.known, key)
            told = [Told(reference) for reference in table.references] if table else []
            self.sketches[key] = Sketch(key, table, told, root=bool(table and table.root))
        return self.sketches[key]

    def enter(self, key: Key) -> None:
        if key not in self.entered:
            self.entered.add(key)
            self.waiting.append(key)

    def go(self) -> None:
        while self.waiting:
            for link in self.graph.incoming[self.waiting.popleft()]:
                self.follow(link)

    def follow(self, link: Link) -> None:
        sketch = self.sketch(link.child)
        if sketch.known and sketch.known.action == "ignore":
            return
        found = self.told(link)
        for number, told in enumerate(sketch.references):
            if not self.same(told.reference, found.reference):
                continue
            agreed = told.reference.kind == found.reference.kind
            doubt = found.doubt if agreed and not sketch.decided else ""
            sketch.references[number] = Told(told.reference, found.why if agreed else "", doubt, link)
            break
        else:
            if sketch.decided and (found.doubt or found.reference.kind == "owner"):
                sketch.notes.append(
                    f"new since this was decided: `{', '.join(link.columns)}` leads to `{link.parent[1]}`"
                )
                return
            sketch.references.append(found)
        if sketch.leads_on and sketch.key not in self.graph.roots:
            self.enter(link.child)

    def told_by_a_human(self, sketch: Sketch) -> bool:
        """Whether some reference of an undecided table is none that a draft would have proposed."""
        return any(
            not told.reference.identifier
            and not any(
                self.same(told.reference, self.told(link).reference) for link in self.graph.outgoing[sketch.key]
            )
            for told in sketch.references
        )

    def same(self, one: Reference, other: Reference) -> bool:
        """Whether both are about the same columns, here and over there."""
        if (one.store, one.table, one.path) != (other.store, other.table, ()):
            return False
        key = self.graph.tables[other.store, other.table].primary_key
        pairs = [set(zip(each.columns, each.match or key, strict=False)) for each in (one, other)]
        return pairs[0] == pairs[1]

    def told(self, link: Link) -> Told:
        meaning = kinds.meaning(self.graph, link, self.personal, self.entered)
        back = any(
            told.reference.columns == link.match and told.reference.match == link.columns
            for told in (self.sketches[link.parent].references if link.parent in self.sketches else ())
        )
        if back and meaning.kind == "owner":  # else the walk would go from the row to every other that shares its part
            meaning = kinds.mention(link, f"`{link.parent[1]}` is reached from here")
        match = () if link.match == self.graph.tables[link.parent].primary_key else link.match
        reference = Reference(
            columns=link.columns,
            place=NOWHERE,
            kind=meaning.kind,
            store=link.parent[0],
            table=link.parent[1],
            match=match,
            none=link.none,
        )
        why = meaning.why if link.declared else f"{meaning.why}; no foreign key, but the name says so"
        return Told(reference, why, meaning.doubt, link)


def _begun(known: DataMap | None, key: Key) -> TableMap | None:
    """What a human wrote of a table, or let stand of an earlier draft.

    That rows are kept as long as those of a parent, and no more, is no decision where the parent is not kept.
    """
    table = known.table(*key) if known else None
    if known is None or table is None or (table.basis and not table.inherited_basis):
        return table
    source = known.source(table)
    if source in (None, table) or source.action in ("keep", "undecided") or table.reason or table.anonymise:
        return table
    return replace(table, action="undecided", until=None)


def _email(graph: Graph, key: Key) -> tuple[list[Told], str]:
    table = graph.tables[key]
    columns = [column.name for column in table.columns if column.family == "text" and is_email(column.name)]
    surely = [*map(words.words, columns)] in ([("email",)], [("email", "address")]) and bool(
        (words.SESSION | words.NOTICE | words.MAILING) & set(words.words(key[1]))
    )
    doubt = "" if surely else "whether the address makes the row the person's own is for a human to say"
    return [
        Told(
            Reference((name,), NOWHERE, identifier="email"),
            "holds an e-mail address, and nothing else leads here",
            doubt,
        )
        for name in columns
    ], ""


def _username(graph: Graph, called: str, key: Key) -> tuple[list[Told], str]:
    """The column that is called like the one of the people's user names."""
    doubt = "whether the user name makes the row the person's own is for a human to say"
    return [
        Told(Reference((column.name,), NOWHERE, identifier="username"), "called like the people's user name", doubt)
        for column in graph.tables[key].columns
        if column.family == "text" and column.name.casefold() == called.casefold() and not column.generated
    ], ""


def is_email(column: str) -> bool:
    """Whether a column is named like one that holds an e-mail address."""
    found = words.words(column)
    return bool(found) and (found[-1] in words.EMAIL or (found[-1] == "address" and bool(words.EMAIL & set(found))))


def guests(graph: Graph, sketch: Sketch) -> Told | None:
    """How rows are found that only an e-mail address ties to a person: those of somebody who had no account yet."""
    optional = any(
        told.link
        and told.link.parent in graph.roots
        and told.reference.kind == "owner"
        and (told.reference.none or not told.link.required)
        for told in sketch.references
    )
    if not optional or any(told.reference.identifier for told in sketch.references):
        return None
    found, _ = _email(graph, sketch.key)
    return replace(found[0], why="rows of people without an account hold only their address") if found else None


def _addresses(graph: Graph, sketch: Sketch) -> list[Told]:
    """The addresses in rows that are only part of a person's: a list that somebody shared, a ticket for a friend."""
    theirs = [told for told in sketch.references if told.reference.kind != "mention"]
    if sketch.known or sketch.root or not theirs or any(told.reference.identifier for told in theirs):
        return []
    if any(told.link is None or told.link.parent in graph.roots for told in theirs):
        return []
    why = "rows of others that hold the person's address; take this out if they stay"
    return [replace(told, why=why, doubt="") for told in _email(graph, sketch.key)[0]]


def _polymorphic(graph: Graph, key: Key) -> tuple[list[Told], str]:
    pair = polymorphic_pair(graph.tables[key])
    if not pair:
        return [], ""
    kind, name = pair
    return [], (
        f"`{kind}` and `{name}` may lead to a person: if so, write "
        f"references: [{{column: {name}, to: …, when: {{{kind}: …}}}}]"
    )


def _unreached(graph: Graph, personal: Personal, sketches: Mapping[Key, Sketch], key: Key) -> tuple[list[Told], str]:
    found = personal[key]
    if not found:
        return [], ""
    shown = ", ".join(f"`{name}`" for name in found[:3]) + (", …" if len(found) > 3 else "")
    doubt = f"looks personal ({shown}), and no reference leads here: write one, or ignore it with a reason"
    incoming = [link for link in graph.incoming[key] if link.declared]
    theirs = all(link.child in sketches and sketches[link.child].owned for link in incoming)
    if not incoming or not theirs or not (len(found) > 1 or words.ADDRESS & set(words.words(key[1]))):
        return [], doubt
    return [
        Told(
            Reference(link.match, NOWHERE, store=key[0], table=link.child[1], match=link.columns),
            f"`{link.child[1]}` refers to it",
            "whether only one person's rows refer to it is for a human to say",
        )
        for link in incoming
    ], ""
