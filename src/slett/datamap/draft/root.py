"""Finding the root: the table that has one row per person."""

import math
from collections.abc import Mapping
from difflib import get_close_matches

from slett.datamap.draft.graph import Graph, Key
from slett.datamap.draft.words import ACCOUNT, BESIDE, EMAIL, PASSWORD, PERSON, PHONE, USERNAME, words
from slett.stores.schema import Schema

LEAST = 5.0  # below this nothing is called a root: a name and an e-mail column, or as much
CLOSE = 1.5  # candidates this near to each other are for a human to tell apart


class DraftError(Exception):
    """No map can be drafted before a human says more."""


def find_root(schemas: Mapping[str, Schema], named: str | None = None) -> Key:
    """The root that was named (`users` or `store/users`), or the one that stands out.

    Raises:
        DraftError: there is no such table, none looks like people, or several do.
    """
    graph = Graph(schemas)
    if named:
        return _named(graph, named)
    scores = {key: score(graph, key) for key in graph.tables}
    best = sorted((key for key in scores if scores[key] >= LEAST), key=lambda key: (-scores[key], key))
    if not best:
        raise DraftError(f"no table looks like one row per person; name it with --root TABLE{_without_key(schemas)}")
    rivals = [
        key
        for key in best[1:]
        if scores[best[0]] - scores[key] < CLOSE and all(link.parent != best[0] for link in graph.outgoing[key])
    ]
    if rivals:
        listed = ", ".join(f"`{_shown(schemas, key)}`" for key in (best[0], *rivals[:4]))
        raise DraftError(f"several tables look like one row per person: {listed}; choose one with --root TABLE")
    return best[0]


def _without_key(schemas: Mapping[str, Schema]) -> str:
    """What to add where a table would look like people if it had a primary key."""
    if keyless := [
        f"{store}/{name}" if len(schemas) > 1 else name
        for store, schema in sorted(schemas.items())
        for name, table in sorted(schema.tables.items())
        if not table.primary_key and _name_points(words(name.rpartition(".")[2])) > 0
    ]:
        return f" (`{keyless[0]}` has no primary key, by which a person could be named: give it one)"
    return ""


def score(graph: Graph, key: Key) -> float:
    """How much a table looks like one row per person."""
    table = graph.tables[key]
    if not table.primary_key or not table.columns:
        return 0.0
    name = words(key[1].rpartition(".")[2])
    points = _name_points(name)
    found = [words(column.name) for column in table.columns]
    texts = [words(column.name) for column in table.columns if column.family == "text"]
    if any(EMAIL & set(text[-2:]) for text in texts):
        points += 3
    if any(PASSWORD & set(text) for text in texts):
        points += 2
    if any(text[:2] in (("last", "login"), ("last", "seen"), ("login", "at")) for text in found):
        points += 1
    if any((PHONE | USERNAME) & set(text) or text in (("first", "name"), ("birth", "date")) for text in found):
        points += 1
    if name and any(word in PERSON | ACCOUNT for word in name):
        referring = {link.child for link in graph.incoming[key]}
        points += min(4.0, math.log2(1 + len(referring)))
    for link in graph.outgoing[key]:
        if link.required and table.is_unique(link.columns) and _name_points(words(link.parent[1])) > 0:
            points -= 4  # an extension of another table of people, row by row
    return points


def _name_points(name: tuple[str, ...]) -> float:
    if not name or name[-1] not in PERSON | ACCOUNT:
        return 0.0
    points = 4.0 if name[-1] in PERSON else 3.0
    return points - 3.0 * bool(BESIDE & set(name[:-1])) - 0.5 * max(0, len(name) - 2)


def _named(graph: Graph, named: str) -> Key:
    store, _, table = named.rpartition("/")
    found = [key for key in graph.tables if key[1] == table and store in ("", key[0])]
    if len(found) == 1:
        return found[0]
    if found:
        listed = " or ".join(f"`{key[0]}/{key[1]}`" for key in sorted(found))
        raise DraftError(f"several stores have a table `{table}`: write --root {listed}")
    near = get_close_matches(table, sorted({key[1] for key in graph.tables}), n=1)
    raise DraftError(f"there is no table `{named}`" + (f"; did you mean `{near[0]}`?" if near else "; check --root"))


def _shown(schemas: Mapping[str, Schema], key: Key) -> str:
    return key[1] if len(schemas) == 1 else f"{key[0]}/{key[1]}"
