"""Closing an account and ending its mail: steps on the keys of an erasure that take nothing away for good.

The same selections also say what stands in a person's way, and which rows of others would let go of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from slett.datamap.model import Block, Rule, Scalar
from slett.plan.links import Relations, is_through
from slett.plan.model import Step, What
from slett.plan.steps import detaching, mention_changes, selected
from slett.stores.operations import Change, Delete, KeySet, Link, Rows, Update, Write

CLOSING: tuple[What, ...] = ("disable", "unsubscribe", "close")  # in this order


@dataclass(frozen=True, slots=True)
class Blocking:
    """Rows of a person that must be settled first: those that hold all of these."""

    store: str
    table: str
    block: Block
    rows: Rows
    holding: tuple[Write, ...]


def closing(relations: Relations, keysets: Mapping[str, KeySet]) -> tuple[Step, ...]:
    """The steps that close an account: disable, end the mail, then the rest.

    What two of them say of one column is done as the last of them says.
    """
    return tuple(_steps(relations, keysets, CLOSING))


def unsubscribing(relations: Relations, keysets: Mapping[str, KeySet]) -> tuple[Step, ...]:
    """The steps that end commercial mail."""
    return tuple(_steps(relations, keysets, ("unsubscribe",)))


def _steps(relations: Relations, keysets: Mapping[str, KeySet], keys: Sequence[What]) -> Iterator[Step]:
    for place, key in enumerate(keys):
        for name, mapped in relations.tables.items():
            said = dict(mapped.lighter)
            if key not in said:
                continue
            rules = said[key]
            later = {column for each in keys[place + 1 :] for column, _ in _columns(said.get(each))}
            writes = tuple(Write(column, rule) for column, rule in _columns(rules) if column not in later)
            for rows, why in selected(relations, dict(keysets), name):
                change: Change = Delete(rows) if rules == "delete" else Update(rows, writes)
                if rules == "delete" or writes:
                    yield lighter_step(mapped.store, mapped.name, key, change, why)


def lighter_step(store: str, table: str, key: What, change: Change, why: str) -> Step:
    """The step of one of the keys: what disables shares no transaction with what comes after."""
    return Step(store, table, "disable" if key == "disable" else "change", key, change, why)


def _columns(said: object) -> tuple[tuple[str, Rule], ...]:
    return said if isinstance(said, tuple) else ()


def remembered(relations: Relations, name: str) -> KeySet:
    """The key set of those rows of a table (`store/table`) whose values were put aside."""
    live = relations.live(name)
    families = tuple(column.family for each in live.primary_key if (column := live.column(each)))
    return KeySet(f"remembered {name}", "", "", live.primary_key, families, live.primary_key)


def by_key(relations: Relations, name: str) -> Rows:
    """Those rows, whoever's they are by now."""
    key = relations.live(name).primary_key
    return Rows(relations.tables[name].name, (Link(key, remembered(relations, name).name, key),), key=key)


def blocking(relations: Relations) -> tuple[Blocking, ...]:
    """What may stand in the way of a person, in the order of the map."""
    return tuple(
        Blocking(mapped.store, mapped.name, block, _standing(relations, name, block), _holding(block))
        for name, mapped in relations.tables.items()
        for block in mapped.blocks
    )


def _standing(relations: Relations, name: str, block: Block) -> Rows:
    shared = relations.shared.get(name, [])
    ways = shared if block.alone else [*relations.owned.get(name, ()), *shared]
    links = tuple(dict.fromkeys(way.link for way in ways))
    holders = tuple(dict.fromkeys(holder for way in shared for holder in way.holders)) if block.alone else ()
    return Rows(relations.tables[name].name, links, key=relations.live(name).primary_key, unless=holders)


def _holding(block: Block) -> tuple[Write, ...]:
    return tuple(Write(column, _rule(value)) for column, value in block.when)


def _rule(value: Scalar) -> Rule:
    return Rule("null") if value is None else Rule("constant", value)


def releasing(relations: Relations) -> tuple[Step, ...]:
    """What an erasure takes out of rows that are not, or not only, the person's own: each row counted once."""
    return tuple(_releasing(relations))


def _releasing(relations: Relations) -> Iterator[Step]:
    for name, mapped in relations.tables.items():
        seen = tuple(way.link for way in relations.owned.get(name, ()))
        for way in relations.shared.get(name, ()):
            if not is_through(relations, way):
                key = relations.live(name).primary_key
                rows = Rows(mapped.name, (way.link,), key=key, unless=way.holders, held=True, earlier=seen)
                writes = detaching(relations.live(name), way)
                yield Step(mapped.store, mapped.name, "detach", "detach", Update(rows, writes), way.why)
            seen = (*seen, way.link)
        for way in relations.mentions.get(name, ()):
            *_, widest = (None, *mention_changes(relations, name, way))
            if widest:
                change = Update(replace(widest[0], earlier=seen), widest[1])
                yield Step(mapped.store, mapped.name, "detach", "detach", change, way.why)
            seen = (*seen, way.link)
