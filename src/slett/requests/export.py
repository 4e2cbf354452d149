"""A copy of everything about one person: the same rows that an erasure would find, in a zip they can read.

`index.html` to look at, `data/<store>/<table>.json` exact, `data/<store>/<table>.csv` for a spreadsheet. Other people's
rows that merely name the person are not theirs to take, and are left out.
"""

import csv
import html
import io
import json
import os
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import IO, Any

from slett.execute import Walk
from slett.ledger.requests import State
from slett.plan.steps import selected
from slett.requests.refuse import doubled
from slett.requests.service import Service
from slett.requests.subject import Subject, SubjectError, collected
from slett.stores.operations import Rows

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run


class ExportError(Exception):
    """The copy cannot be made."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A copy that was made."""

    reference: str
    path: Path
    tables: dict[str, int]  # `store/table` → rows


def export(service: Service, subject: Subject, path: Path) -> Exported | None:
    """The copy, or None when nobody was found. The file appears whole or not at all.

    Raises:
        ExportError: the file is there already.
        SubjectError: several people share what was given.
        StoreError: a store failed.
    """
    if path.exists():
        raise ExportError(f"{path}: there already; give another name with --output")
    with draft_copy(service, subject, path) as (draft, tables):
        if not tables:
            return None
        draft.replace(path)
    return Exported(_record(service, subject, tables), path, tables)


@contextmanager
def draft_copy(service: Service, subject: Subject, path: Path) -> Iterator[tuple[Path, dict[str, int]]]:
    """The file that is to appear at `path`, and the rows of each `store/table` in it; none when nobody was found.

    It is whole, it is beside `path` under a name that nobody else writes to, and at the end of the `with` it is gone
    unless it was moved. No request is filed.

    Raises:
        SubjectError, StoreError, ExportError: as `export`.
    """
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, [subject])
        for refusal in doubled(walk).values():
            raise SubjectError(refusal.reason)
        try:
            descriptor, name = mkstemp(".part", f".{path.name}.", path.parent)
        except OSError as error:
            raise ExportError(f"{path}: cannot be written ({error.strerror})") from None
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                tables = {name: rows for name, rows in _write_tables(service, walk, archive) if rows}
                archive.writestr("index.html", _index(service, tables))
            yield draft, tables
        finally:
            draft.unlink(missing_ok=True)


def _record(service: Service, subject: Subject, tables: dict[str, int]) -> str:
    promise = timedelta(hours=service.settings.promise_hours)
    with service.ledger.write() as page:
        (request,) = page.requests.file("export", [subject.hash(service.ledger.keys)], service.datamap.digest, promise)
        way: tuple[State, ...] = ("verified", "scheduled", "running", "verifying")
        page.requests.move([request.reference], "filed", "fulfilled", through=way)
        page.requests.count({request.reference: {name: {"export": rows} for name, rows in tables.items()}})
        page.log.append([{"event": "exported", "request": request.reference}])
    return request.reference


def _write_tables(service: Service, walk: Walk, archive: zipfile.ZipFile) -> Iterator[tuple[str, int]]:
    for name, mapped in service.relations.tables.items():
        ways = service.relations.ways(name)
        if not ways:
            continue
        live = service.relations.live(name)
        columns = tuple(each.name for each in live.columns if each.name not in mapped.omit)
        found = [rows for rows, _ in selected(service.relations, walk.plan.keysets, name)]
        order = live.primary_key or columns[:1]
        rows = Rows(
            mapped.name,
            tuple(link for each in found for link in each.links),
            found[0].among,
            found[0].key,
            unless=found[0].unless,
        )
        walk.bring(mapped.store, rows)
        yield name, _write_table(archive, name, columns, walk.sessions[mapped.store].read(rows, columns, order))


def _write_table(archive: zipfile.ZipFile, name: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Two files of one table; rows pass one at a time, so that memory stays flat."""
    count = 0
    with TemporaryFile("w+", encoding="utf-8") as exact, TemporaryFile("w+", encoding="utf-8", newline="") as cells:
        sheet = csv.writer(cells)
        sheet.writerow(columns)
        for row in rows:
            values = {column: _plain(value) for column, value in zip(columns, row, strict=True)}
            exact.write((",\n " if count else "[\n ") + json.dumps(values, ensure_ascii=False))
            sheet.writerow([_cell(value) for value in values.values()])
            count += 1
        if count:
            exact.write("\n]\n")
            _add(archive, f"data/{name}.json", exact)
            _add(archive, f"data/{name}.csv", cells)
    return count


def _add(archive: zipfile.ZipFile, name: str, source: IO[str]) -> None:
    source.seek(0)
    with archive.open(name, "w") as target, io.TextIOWrapper(target, encoding="utf-8", newline="") as text:
        while block := source.read(1 << 16):
            text.write(block)


def _plain(value: Any) -> Any:
    """A value as JSON has it; bytes as base64."""
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(value)).decode()
    return value if isinstance(value, str | int | float | bool | list | dict) or value is None else str(value)


def _cell(value: Any) -> Any:
    """A value as a spreadsheet may show it: text that would run as a formula is quoted."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _index(service: Service, tables: dict[str, int]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td>{count}</td><td><a href="data/{html.escape(name, quote=True)}.csv">'
        f'table</a> · <a href="data/{html.escape(name, quote=True)}.json">exact</a></td></tr>\n'
        for name, count in tables.items()
    )
    title = f"Your data at {html.escape(service.settings.service)}"
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }}
  body {{ max-width: 45rem; margin: 2rem auto; padding: 0 1rem }}
  table {{ border-collapse: collapse; width: 100% }}
  th, td {{ text-align: start; padding: .4rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, #0000) }}
</style>
<h1>{title}</h1>
<p>This is a copy of everything stored about you, made on {service.today.isoformat()}.
   A <em>table</em> opens in a spreadsheet; <em>exact</em> is the same for another service to read.</p>
<table>
<tr><th>What</th><th>Rows</th><th>Files</th></tr>
{rows}</table>
</html>
"""
