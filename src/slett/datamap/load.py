"""Reading a map file: text → source (with places) → document (validated) → the frozen model."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slett.datamap.complaints import problems_of
from slett.datamap.document import (
    BlockEntry,
    Document,
    ReferenceEntry,
    RuleEntry,
    TableEntry,
    UntilDate,
    UntilParent,
)
from slett.datamap.model import (
    Action,
    Block,
    Ceiling,
    Change,
    DataMap,
    Place,
    Recipient,
    Reference,
    Rule,
    StoreMap,
    TableMap,
    Until,
    Words,
)
from slett.datamap.problem import MapError, Problem, quoted
from slett.datamap.source import Path as Steps
from slett.datamap.source import Source, read_source

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")


def load_map(path: Path | str, environ: Mapping[str, str] | None = None) -> DataMap:
    """The data map of that file; `environ` (default: the process's) fills in the URLs.

    Raises:
        MapError: with every problem of the file's form. Whether it fits the databases is for `check_map`.
    """
    start = Place(str(path), 1, 1)
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        message = f"the map cannot be read ({error.strerror})"
        hint = "check the name, or write a first map with `slett map URL`"
        raise MapError([Problem("unreadable", "error", start, message, hint)]) from None
    except UnicodeDecodeError:
        message = "the map is not a text in UTF-8"
        raise MapError([Problem("unreadable", "error", start, message, "save it as UTF-8")]) from None
    return _load(text, str(path), hashlib.sha256(content).hexdigest(), environ)


def load_text(text: str, name: str = "slett.yaml", environ: Mapping[str, str] | None = None) -> DataMap:
    """The data map of that text, as `load_map`; `name` stands for the file in messages."""
    content = text.encode("utf-8", "surrogatepass")
    return _load(text, name, hashlib.sha256(content).hexdigest(), environ)


def _load(text: str, name: str, digest: str, environ: Mapping[str, str] | None) -> DataMap:
    source = read_source(text, name)
    try:
        document = Document.model_validate(source.values)
    except ValidationError as error:
        raise MapError(problems_of(error, source)) from None
    return _Maker(source, os.environ if environ is None else environ).datamap(document, name, digest)


class _Maker:
    """Turns a valid document into the model, and remembers what the environment lacks."""

    def __init__(self, source: Source, environ: Mapping[str, str]) -> None:
        self.source = source
        self.environ = environ
        self.problems: list[Problem] = []
        self.places: defaultdict[Steps, dict[Steps, Place]] = defaultdict(dict)  # of each table, by the path inside it
        for path, place in source.places.items():
            self.places[path[:4]][path[4:]] = place

    def datamap(self, document: Document, name: str, digest: str) -> DataMap:
        stores = {}
        for store, entry in document.stores.items():
            path = ("stores", store)
            tables = {table: self.table(store, table, written) for table, written in entry.tables.items()}
            url = self.url(entry.url, self.source.at((*path, "url")))
            tables |= {table: _with_basis(mapped, tables) for table, mapped in tables.items()}
            stores[store] = StoreMap(store, url, entry.url, tables, self.source.at(path))
        if self.problems:
            raise MapError(self.problems)
        return DataMap(
            name,
            digest,
            stores,
            Ceiling(document.ceiling.rows, document.ceiling.share, document.ceiling.per_day),
            {category: _words(label) for category, label in document.categories.items()},
            tuple(Recipient(each.name, _words(each.what), each.country) for each in document.recipients),
            document.backups.days if document.backups else None,
            document.closing,
            self.source.places,
        )

    def table(self, store: str, name: str, entry: TableEntry) -> TableMap:
        path = ("stores", store, "tables", name)
        references = tuple(
            self.reference(store, reference, self.source.at((*path, "references", number)))
            for number, reference in enumerate(entry.references)
        )
        return TableMap(
            store=store,
            name=name,
            action=_action(entry),
            place=self.source.at(path),
            root=entry.root,
            identifiers=tuple(entry.identifiers.items()),
            references=references,
            anonymise=_rules(entry.anonymise),
            columns=tuple(entry.columns),
            until=_until(entry.until),
            basis=entry.basis,
            reason=entry.reason,
            owner=entry.owner,
            review=entry.review,
            disable=_change(entry.disable),
            close=_change(entry.close),
            unsubscribe=_change(entry.unsubscribe),
            category=entry.category,
            blocks=tuple(
                _block(block, self.source.at((*path, "blocks", number))) for number, block in enumerate(entry.blocks)
            ),
            triggers=tuple(entry.triggers),
            omit=tuple(entry.omit),
            dropped=tuple(entry.dropped),
            places=self.places[path],
        )

    def reference(self, store: str, entry: ReferenceEntry, place: Place) -> Reference:
        other, _, table = entry.to.rpartition("/")
        return Reference(
            columns=tuple(entry.columns) or (entry.column,),
            place=place,
            kind=entry.kind,
            store=(other or store) if table else "",
            table=table,
            match=tuple(entry.match),
            identifier=entry.identifier,
            fold=entry.fold,
            path=tuple(entry.path.split(".")) if entry.path else (),
            when=tuple(entry.when.items()),
            none=tuple(entry.none),
            set=tuple(entry.set),
            anonymise=_rules(entry.anonymise),
        )

    def url(self, text: str, place: Place) -> str:
        def filled(found: re.Match[str]) -> str:
            name, has_default, default = found.groups()
            if value := self.environ.get(name) or default:
                return value
            if not has_default:
                self.missing(place, f"the environment has no {quoted(name)}", f"set it, or write `${{{name}:-…}}`")
            return ""

        if "${" in VARIABLE.sub("", text):
            self.missing(place, "`${` begins no variable here", "write `${NAME}` or `${NAME:-default}`")
        return VARIABLE.sub(filled, text)

    def missing(self, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem("missing-variable", "error", place, message, hint))


def _action(entry: TableEntry) -> Action:
    """The action, or what it means that none is written.

    Rows that only mention somebody stay and shared ones go with their last owner; whatever is a person's own needs an
    explicit decision.
    """
    if entry.action:
        return entry.action
    kinds = {reference.kind for reference in entry.references}
    return "undecided" if entry.root or not kinds or "owner" in kinds else "delete"


def _with_basis(mapped: TableMap, tables: Mapping[str, TableMap]) -> TableMap:
    """A row that is kept as long as its parent is kept on the parent's basis, unless the map gives it another."""
    table, seen = mapped, {mapped.name}
    while (
        not table.basis.strip() and table.action == "keep" and table.until and table.until.table in tables.keys() - seen
    ):
        table = tables[table.until.table]
        seen.add(table.name)
    return mapped if table is mapped else replace(mapped, basis=table.basis, inherited_basis=bool(table.basis))


def _change(entry: object) -> Change | None:
    return _rules(entry) if isinstance(entry, dict) else "delete" if entry == "delete" else None


def _words(entry: Mapping[str, str] | str) -> Words:
    return Words((("", entry),) if isinstance(entry, str) else tuple(entry.items()))


def _block(entry: BlockEntry, place: Place) -> Block:
    return Block(_words(entry.text), place, tuple(entry.when.items()), bool(entry.alone), entry.link)


def _rules(entries: Mapping[str, object]) -> tuple[tuple[str, Rule], ...]:
    return tuple((column, _rule(entry)) for column, entry in entries.items())


def _rule(entry: object) -> Rule:
    if not isinstance(entry, RuleEntry):
        return _constant(entry)
    match next(iter(entry.model_fields_set)):
        case "hash":
            return Rule("hash")
        case "template":
            return Rule("template", entry.template)
        case "cut":
            return Rule(entry.cut)
        case "prefix":
            return Rule("prefix", entry.prefix)
        case _:
            return _constant(entry.value)


def _constant(value: Any) -> Rule:
    return Rule("null") if value is None else Rule("constant", value)


def _until(entry: UntilDate | UntilParent | None) -> Until | None:
    match entry:
        case UntilDate():
            number, unit = entry.add.rstrip("s").split()
            months = int(number) * (12 if unit == "year" else 1)
            return Until(column=entry.column, months=months, year_end=entry.from_ == "year-end")
        case UntilParent():
            return Until(table=entry.as_)
        case None:
            return None
