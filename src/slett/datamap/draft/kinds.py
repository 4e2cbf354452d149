"""What a link means: whose the row is, and how sure that is."""

from collections.abc import Set
from dataclasses import dataclass

from slett.datamap.draft import words
from slett.datamap.draft.graph import Graph, Key, Link
from slett.datamap.draft.sketch import Personal
from slett.datamap.model import Kind
from slett.stores.schema import Table


@dataclass(frozen=True, slots=True)
class Meaning:
    """The kind that is proposed for a link, and why; `doubt` keeps its table undecided."""

    kind: Kind
    why: str
    doubt: str = ""


def meaning(graph: Graph, link: Link, personal: Personal, owned: Set[Key]) -> Meaning:
    """What a link to the root, or to a table of a person's own rows, seems to say.

    Args:
        personal: the columns of every table that look personal.
        owned: the tables that are known to hold a person's own rows.
    """
    if link.to_itself:
        return mention(link, "another row of the same table")
    if link.child in graph.roots:  # a person is nobody's own row
        return mention(link, f"a person's choice among rows of `{link.parent[1]}`")
    if link.parent in graph.roots:
        return _to_root(graph, link, personal)
    return _to_owned(graph, link, personal, owned)


def is_membership(graph: Graph, key: Key) -> bool:
    """Whether a table does nothing but tie rows of two tables together: two links, and nothing said about them."""
    table = graph.tables[key]
    links = graph.outgoing[key]
    tied = {column for link in links for column in link.columns}
    if len({link.columns for link in links}) < 2 or not any(
        set(unique) <= tied and sum(set(link.columns) <= set(unique) for link in links) > 1
        for unique in (table.primary_key, *table.unique)
    ):
        return False
    return all(
        column.name in tied or column.name in table.primary_key or column.family in ("timestamp", "date", "boolean")
        for column in table.columns
    )


def shared_by_members(graph: Graph, key: Key) -> str:
    """What a human may want to add, when a table says who the members of something are."""
    if not is_membership(graph, key):
        return ""
    named = set(words.words(key[1])[-1:])
    for link in graph.outgoing[key]:
        several = named & words.MEMBERSHIP or set(words.words(link.parent[1])[-1:]) & words.CONTAINER
        if several and link.parent not in graph.roots and len(link.match) == 1:
            reference = f"{{column: {link.match[0]}, to: {key[1]}, match: {link.columns[0]}, kind: shared}}"
            return f"is `{link.parent[1]}` to go with its last member? Then map it, with references: [{reference}]"
    return ""


def others_below(graph: Graph, key: Key) -> list[Key]:
    """The tables that hang on this one and may hold other people's rows: they name the person in a way of their own."""
    return sorted(
        {
            link.child
            for link in graph.incoming[key]
            if link.child != key and (_several_people(graph, link) or _has_an_owner_besides(graph, link.child, key))
        }
    )


def _several_people(graph: Graph, link: Link) -> bool:
    """Whether people themselves belong to the row: those of a firm, or of a household."""
    return link.child in graph.roots and not graph.tables[link.child].is_unique(link.columns)


def _has_an_owner_besides(graph: Graph, key: Key, parent: Key) -> bool:
    if key in graph.roots:
        return False
    for link in graph.outgoing[key]:
        if link.parent in graph.roots and not _is_mention(graph, link):
            return True
        if link.parent not in (parent, key) and link.required:
            onward = graph.outgoing[link.parent]
            if any(other.parent in graph.roots and not _is_mention(graph, other) for other in onward):
                return True
    return False


def _to_root(graph: Graph, link: Link, personal: Personal) -> Meaning:
    name = ", ".join(link.columns)
    table = graph.tables[link.child]
    role = _role(link)
    a_mention = _is_mention(graph, link)
    if is_membership(graph, link.child) and (role & words.RECEIVER or not a_mention):
        return Meaning("owner", "ties the person to something else")
    if a_mention:
        return mention(link, f"`{name}` names somebody who had to do with the row")
    others = () if words.is_passing(link.child[1]) else others_below(graph, link.child)
    if others and not words.is_accounting(link.child[1]):
        below = f"`{others[0][1]}`" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
        if _is_container(link.child, role, len(others)):
            return mention(link, f"opened by a person, and others have rows in it ({below})")
        return Meaning(
            "owner",
            f"named like the person; others may have rows below it ({below})",
            "if it goes, other people's rows go with it",
        )
    if role & words.AUTHOR:
        return Meaning("owner", "written by the person", "what a person wrote may be part of something of others")
    if link.on_delete == "SET NULL" and link.emptyable:
        return Meaning("owner", "named like the person", "the database empties it and keeps the row")
    if role & words.RECEIVER and words.NOTICE & set(words.words(link.child[1])):
        return Meaning("owner", "theirs: it was sent to them")
    if role & (words.OWNER | words.ACCOUNT | set(words.words(link.parent[1])[-1:])) or _is_extension(table, link):
        return Meaning("owner", "theirs" if link.required else "theirs where it is set")
    if link.emptyable and not personal[link.child] and _has_a_clear_owner(graph, link):
        return Meaning("mention", "names one more person")
    return Meaning("owner", "leads to the person", f"what `{name}` says of the person is not clear from its name")


def _has_a_clear_owner(graph: Graph, link: Link) -> bool:
    return any(
        other.required and other.parent == link.parent and words.OWNER & _role(other) and not _is_mention(graph, other)
        for other in graph.outgoing[link.child]
    )


def _to_owned(graph: Graph, link: Link, personal: Personal, owned: Set[Key]) -> Meaning:
    child, parent = words.words(link.child[1]), words.words(link.parent[1])
    if link.required:
        return Meaning("owner", f"part of `{link.parent[1]}`")
    if link.on_delete == "CASCADE" or child[: len(parent)] == parent:
        return Meaning("owner", f"part of `{link.parent[1]}` where it is set")
    theirs = any(
        other.parent in owned and other.parent != link.parent and (other.required or other.parent in graph.roots)
        for other in graph.outgoing[link.child]
        if not (other.parent in graph.roots and _is_mention(graph, other))
    )
    if link.emptyable and (theirs or (words.SELECTED & _role(link) and not personal[link.child])):
        return Meaning("mention", f"optional: the row stands without `{link.parent[1]}`")
    has_content = bool(personal[link.child]) or words.is_accounting(link.child[1])
    kind: Kind = "owner" if has_content or not link.emptyable else "mention"
    doubt = f"whether the row is part of `{link.parent[1]}` is not clear"
    return Meaning(kind, f"leads to `{link.parent[1]}`", doubt)


def mention(link: Link, why: str) -> Meaning:
    """A mention, in doubt where the reference cannot be emptied."""
    if link.emptyable:
        return Meaning("mention", why)
    return Meaning(
        "mention", why, f"`{', '.join(link.columns)}` cannot be null: say what to `set`, or choose another kind"
    )


def _is_mention(graph: Graph, link: Link) -> bool:
    role = _role(link)
    if words.NOTICE & set(words.words(link.child[1])) and any(
        words.RECEIVER & _role(other) for other in graph.outgoing[link.child] if other.parent == link.parent
    ):
        return not words.RECEIVER & role
    if words.BY & role or role & words.MENTION:
        return not role & words.DONE_BY_OWNER
    return False


def _is_container(key: Key, role: frozenset[str], below: int) -> bool:
    if words.CONTAINER & set(words.words(key[1])[-1:]):
        return True
    return below > 1 and bool(role & (words.AUTHOR | words.MENTION))


def _is_extension(table: Table, link: Link) -> bool:
    return link.required and table.is_unique(link.columns)


def _role(link: Link) -> frozenset[str]:
    """The words of the columns, without a tenant's that is the same on both sides."""
    own = [column for column in link.columns if column not in link.match] or link.columns
    return frozenset(word for column in own for word in words.stem(column))
