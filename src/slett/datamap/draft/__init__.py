"""Drafting a first map from live schemas: what is sure is proposed with its reason, the rest is left undecided.

`root` finds the table of people, `walk` follows the references from there (`graph` has them, `kinds` says what each
means), `actions` proposes what becomes of the rows, `text` writes it down; `words` is what names tell.

Promises: pure; the same schemas give the same text; what a human decided stays as it is. A delete is proposed only for
rows that are the person's by every sign there is, and never while something undecided needs them; no rule that changes
columns is ever proposed. The text loads, and `check` finds nothing in it but what a human must decide.

Does not: look at rows, or decide for the human. A wrong delete costs data, an open question a minute.
"""

import re
from collections.abc import Mapping

from slett.datamap.draft import actions, columns, kinds
from slett.datamap.draft.graph import Graph, Key
from slett.datamap.draft.root import DraftError as DraftError
from slett.datamap.draft.root import find_root
from slett.datamap.draft.sketch import Sketch, Told
from slett.datamap.draft.text import write
from slett.datamap.draft.walk import guests, walk
from slett.datamap.model import DataMap
from slett.datamap.personal import looks_personal
from slett.stores.schema import Schema

VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}@]*)?\}")


def draft_map(
    schemas: Mapping[str, Schema],
    urls: Mapping[str, str],
    root: str | None = None,
    known: DataMap | None = None,
) -> str:
    """The text of a data map of these schemas.

    Args:
        schemas: by name of the store.
        urls: by name of the store; one that is not a reference to the environment, `${NAME}`, is written as
            `${STORE_URL}`, so that no password comes into the map.
        root: the table that has one row per person, `users` or `store/users`; else it is looked for.
        known: a map that a human has begun. It is kept, and what it lacks is added.

    Raises:
        DraftError: the root cannot be told.
    """
    roots = [(table.store, table.name) for table in known.roots] if known else []
    if root or not roots:
        roots = list(dict.fromkeys([*roots, find_root(schemas, root)]))
    graph = Graph(schemas, [key for key in roots if key[0] in schemas and key[1] in schemas[key[0]].tables])
    personal = {
        key: tuple(column.name for column in table.columns if looks_personal(table, column))
        for key, table in graph.tables.items()
    }
    found = {key: _identifiers(graph, known, key) for key in graph.roots}
    names = {name: column for identifiers in found.values() for name, column in identifiers}
    sketches = walk(graph, known, personal, names)
    actions.decide(graph, sketches, personal)
    for sketch in sketches.values():
        _finish(graph, sketch, found)
        if sketch.verdict.action == "undecided":
            sketch.references += sketch.addresses
        if "email" in names and not sketch.decided and (told := guests(graph, sketch)):
            _add_guests(sketch, told)
    stores = {store: _url(store, urls.get(store, "")) for store in schemas}
    if known:
        stores = {store.name: store.written for store in known.stores.values()} | {
            store: url for store, url in stores.items() if store not in known.stores
        }
    return write(
        {
            store: (url, [sketch for key, sketch in sketches.items() if key[0] == store])
            for store, url in stores.items()
        },
        known,
    )


def _identifiers(graph: Graph, known: DataMap | None, key: Key) -> tuple[tuple[str, str], ...]:
    table = known.table(*key) if known else None
    return table.identifiers if table else columns.identifiers(graph.tables[key])


def _finish(graph: Graph, sketch: Sketch, identifiers: Mapping[Key, tuple[tuple[str, str], ...]]) -> None:
    """Fills in what concerns single columns and triggers."""
    if sketch.known:
        sketch.identifiers = identifiers.get(sketch.key, sketch.known.identifiers)
        sketch.disable, sketch.omit = sketch.known.disable, sketch.known.omit
    table = graph.tables.get(sketch.key)
    if not table:
        return
    if not sketch.known:
        sketch.omit = columns.omit(table)
        if note := kinds.shared_by_members(graph, sketch.key):
            sketch.notes.append(note)
        if sketch.root:
            sketch.identifiers, sketch.disable = identifiers[sketch.key], columns.disable(table) or None
        elif sketch.verdict.action == "delete" and sketch.owned and columns.signs_in(table):
            referenced = any(link.declared for link in graph.incoming[sketch.key])
            sketch.disable = None if referenced else "delete"
    looked_at = sketch.known.triggers if sketch.known else ()
    deleted = sketch.owned and sketch.verdict.action == "delete"
    changed = isinstance(sketch.disable, tuple) or any(told.reference.kind == "mention" for told in sketch.references)
    fires = {"DELETE": deleted, "INSERT": False, "UPDATE": changed}
    for trigger in table.triggers:
        if trigger.name not in looked_at and fires[trigger.event]:
            event = "deleted" if trigger.event == "DELETE" else "changed"
            sketch.notes.append(f"trigger `{trigger.name}` runs when a row is {event}: look at it, then list it here")


def _add_guests(sketch: Sketch, told: Told) -> None:
    if sketch.verdict.action == "undecided":
        sketch.references.append(told)
    else:
        name = told.reference.columns[0]
        sketch.notes.append(f"{told.why}? Then add {{column: {name}, identifier: email}} to its references")


def _url(store: str, text: str) -> str:
    if VARIABLE.fullmatch(text):
        return text
    return "${" + re.sub(r"\W+", "_", store, flags=re.ASCII).upper() + "_URL}"
