"""A map as text: what was decided as it was, what is proposed with its reason at the line."""

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml

from slett.datamap.draft.sketch import Sketch
from slett.datamap.model import OTHER, Ceiling, Change, DataMap, Reference, Rule, TableMap, Until, Words

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ ./-][A-Za-z0-9_]+)*")
VARIABLE = re.compile(r"\$\{\w+(:-[\w:/.?=&%+-]*)?\}")
NOT_PLAIN = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])  # in YAML 1.1 or 1.2

HEAD = """\
# yaml-language-server: $schema=slett.schema.json
#
# The data map: where this service holds personal data, and what becomes of it when a person leaves.
# Drafted by `slett map`. What is sure has its reason beside it; the rest is `action: undecided` and yours to decide:
#
#   delete      the rows go                        anonymise  they stay, and these columns no longer name anybody
#   keep        they stay until, on a legal basis  ignore     no person's data: reason, owner and review say why
#
# A reference says whose a row is: `owner` (the default) theirs, `shared` several people's, `mention` somebody else's,
# which stays and no longer names the person (its column becomes null, or what `set` says).
# What is kept `until: {as: parent}` follows its parent, in its basis too: decide the parent, and look at the part.
# When a parent is to go after all, or the schema has changed, run `slett map URL --into FILE`: what you decided stays,
# what is new is added, and what follows a table follows it (not where you gave a `reason`). Comments are written anew,
# so put yours under `reason`. `slett check` says what is still open.
"""


def write(stores: Mapping[str, tuple[str, Iterable[Sketch]]], known: DataMap | None) -> str:
    """The text of a map: of every store its URL, `${NAME}`, and its tables; and what was known besides."""
    return "\n".join([HEAD, *_document(stores, known), ""])


def _document(stores: Mapping[str, tuple[str, Iterable[Sketch]]], known: DataMap | None) -> Iterator[str]:
    yield "slett: 1"
    if known:
        yield from _known(known)
    yield "stores:"
    for number, (name, (url, sketches)) in enumerate(stores.items()):
        if number:
            yield ""
        yield f"  {scalar(name)}:"
        yield f"    url: {url if VARIABLE.fullmatch(url) else scalar(url)}"
        tables = [line for sketch in sketches for line in ("", *_table(sketch))]
        yield from ["    tables:", *tables[1:]] if tables else ["    tables: {}"]


def _known(known: DataMap) -> Iterator[str]:
    """What a human wrote above the stores."""
    if known.ceiling != Ceiling():
        yield f"ceiling: {flow({'rows': known.ceiling.rows, 'share': known.ceiling.share})}"
    if known.closing != "hide":
        yield f"closing: {known.closing}"
    if known.backup_days is not None:
        yield f"backups: {flow({'days': known.backup_days})}"
    if known.categories:
        yield "categories:"
        for name, label in known.categories.items():
            yield f"  {scalar(name)}: {flow(_words(label))}"
    if known.recipients:
        yield "recipients:"
        for each in known.recipients:
            country = {"country": each.country} if each.country else {}
            yield f"  - {flow({'name': each.name, 'what': _words(each.what), **country})}"


def _words(words: Words) -> object:
    texts = dict(words.texts)
    return texts.get("", texts)


def _table(sketch: Sketch) -> Iterator[str]:
    yield f"      {scalar(sketch.key[1])}:"
    for note in sketch.notes:
        yield f"        # {_line(note)}"
    for line in _entries(sketch):
        yield f"        {line}"


def _entries(sketch: Sketch) -> Iterator[str]:
    known, verdict = sketch.known, sketch.verdict
    if sketch.root:
        yield "root: true  # one row per person"
    if sketch.identifiers:
        yield f"identifiers: {flow(dict(sketch.identifiers))}"
    if sketch.references:
        yield "references:"
        for told in sketch.references:
            yield _commented(f"  - {flow(_reference(sketch, told.reference))}", told.why)
    if sketch.disable is not None:
        yield f"disable: {_change(sketch.disable)}"
    if known:
        yield from _leaving(known)
    if sketch.owned or verdict.action != "delete" or not sketch.references:
        yield _commented(f"action: {verdict.action}", verdict.why)
    if verdict.until:
        yield f"until: {flow(_until(verdict.until))}"
    if verdict.basis:
        yield f"basis: {scalar(verdict.basis)}"
    if known and known.columns:
        yield f"columns: {flow(known.columns)}"
    if known and known.anonymise:
        yield f"anonymise: {flow(_rules(known.anonymise))}"
    if known and known.reason:
        yield f"reason: {scalar(known.reason)}"
    if known and known.owner:
        yield f"owner: {scalar(known.owner)}"
    if known and known.review:
        yield f"review: {known.review.isoformat()}"
    if known and known.triggers:
        yield f"triggers: {flow(known.triggers)}"
    if sketch.omit:
        yield f"omit: {flow(sketch.omit)}"
    if known and known.dropped:
        yield f"dropped: {flow(known.dropped)}"


def _leaving(known: TableMap) -> Iterator[str]:
    if known.close is not None:
        yield f"close: {_change(known.close)}"
    if known.unsubscribe is not None:
        yield f"unsubscribe: {_change(known.unsubscribe)}"
    if known.category != OTHER or ("category",) in known.places:
        yield f"category: {scalar(known.category)}"
    if known.blocks:
        yield "blocks:"
        for block in known.blocks:
            which = ({"when": dict(block.when)} if block.when else {}) | ({"alone": True} if block.alone else {})
            yield f"  - {flow({**which, 'text': _words(block.text), 'link': block.link})}"


def _change(change: Change) -> str:
    return change if isinstance(change, str) else flow(_rules(change))


def _reference(sketch: Sketch, reference: Reference) -> dict[str, object]:
    one = len(reference.columns) == 1
    said: dict[str, object] = {"column": reference.columns[0]} if one else {"columns": reference.columns}
    if reference.identifier:
        said["identifier"] = reference.identifier
    else:
        elsewhere = reference.store != sketch.key[0] or "/" in reference.table
        said["to"] = f"{reference.store}/{reference.table}" if elsewhere else reference.table
    if reference.match:
        said["match"] = reference.match[0] if len(reference.match) == 1 else reference.match
    if reference.kind != "owner":
        said["kind"] = reference.kind
    if reference.fold:
        said["fold"] = True
    if reference.path:
        said["path"] = ".".join(reference.path)
    if reference.when:
        said["when"] = dict(reference.when)
    if reference.none:
        said["none"] = reference.none[0] if len(reference.none) == 1 else reference.none
    if reference.set:
        said["set"] = reference.set[0] if len(reference.set) == 1 else reference.set
    if reference.anonymise:
        said["anonymise"] = _rules(reference.anonymise)
    return said


def _rules(rules: Iterable[tuple[str, Rule]]) -> dict[str, object]:
    return {column: _rule(rule) for column, rule in rules}


def _rule(rule: Rule) -> object:
    match rule.how:
        case "null":
            return None
        case "constant":
            return rule.value
        case "hash":
            return {"hash": True}
        case "year" | "month":
            return {"cut": rule.how}
        case _:
            return {rule.how: rule.value}


def _until(until: Until) -> dict[str, object]:
    if until.table:
        return {"as": until.table}
    years, months = divmod(until.months, 12)
    number, unit = (until.months, "month") if months else (years, "year")
    said: dict[str, object] = {"column": until.column, "add": f"{number} {unit}{'s' if number > 1 else ''}"}
    return said | {"from": "year-end"} if until.year_end else said


def flow(value: object) -> str:
    """A value on one line: `{column: user_id, to: users}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def scalar(value: object) -> str:
    """One value as YAML, quoted where it would be read as something else."""
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and value.lower() not in NOT_PLAIN:
            return value
        written = yaml.safe_dump(value, default_style='"', width=float("inf"), allow_unicode=True)
        return str(written).removesuffix("\n")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _commented(line: str, comment: str) -> str:
    return f"{line}  # {_line(comment)}" if comment else line


def _line(text: str) -> str:
    """The text on one line, whatever the names in it are made of."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
