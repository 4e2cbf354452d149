"""`slett map` and `slett check`: the first map, and whether it still is true."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from slett.cli.errors import FAILED, Failure, sentences


@click.command("map")
@click.argument("urls", nargs=-1, required=True, metavar="[NAME=]URL...")
@click.option("--root", metavar="TABLE", help="The table that has one row per person, when it cannot be guessed.")
@click.option("--into", type=click.Path(path_type=Path), help="Complete this map: what stands in it is kept.")
@click.option("--output", type=click.Path(path_type=Path), help="Write here (default: standard output).")
@click.pass_obj
def draft(settings: Any, urls: tuple[str, ...], root: str | None, into: Path | None, output: Path | None) -> None:
    """Write a first map from live databases; what is not sure is left `undecided`."""
    from slett.datamap import jsonschema
    from slett.datamap.draft import DraftError, draft_map
    from slett.datamap.load import load_map, load_text
    from slett.requests.service import open_stores

    target = output or into
    if output and output.exists() and output != into:
        raise Failure(f"{output}: there already; complete it with --into {output}, or choose another name")
    with sentences():
        named = _named_urls(urls)
        environ = {**os.environ, **_url_variables(named)}
        known = load_map(into, environ) if into and into.exists() else None
        with open_stores(named, settings) as (_, schemas):
            try:
                text = draft_map(schemas, named, root=root, known=known)
            except DraftError as error:
                raise Failure(str(error)) from None
        drafted = load_text(text, str(target), environ)
    if target is None:
        click.echo(text, nl=False)
        return
    schema = target.with_name(jsonschema.FILE.name)  # where the map's first line says it is
    _write(schema, jsonschema.text())
    _write(target, text)
    match sum(table.action == "undecided" for table in drafted.tables):
        case 0:
            waiting = "no table waits"
        case 1:
            waiting = "1 table waits"
        case number:
            waiting = f"{number} tables wait"
    click.echo(f"Wrote {target}, and {schema} for editors: {waiting} for your decision.")
    click.echo(f"Then run: slett --map {target} check")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.pass_obj
def check(settings: Any, as_json: bool) -> None:
    """Compare the map with the live databases; status 1 if anything is undecided or wrong."""
    from datetime import UTC, datetime

    from slett.cli.show import show_problems
    from slett.datamap.check import check_map
    from slett.datamap.load import load_map
    from slett.plan import make_plan, relate
    from slett.requests.service import open_stores, urls_of

    with sentences():
        datamap = load_map(settings.map)
        with open_stores(urls_of(datamap), settings) as (_, schemas):
            problems = check_map(datamap, schemas, datetime.now(UTC).date())
        failed = any(problem.severity == "error" for problem in problems)
        if not failed:
            make_plan(relate(datamap, schemas))
    show_problems(datamap, schemas, problems, as_json=as_json)
    sys.exit(FAILED if failed else 0)


def _named_urls(texts: tuple[str, ...]) -> dict[str, str]:
    """The URLs by the names of their stores."""
    named: dict[str, str] = {}
    for text in texts:
        name, url = _named_url(text)
        if name in named:
            raise click.UsageError(f"two stores would be called {name}; give each a name: NAME=URL")
        named[name] = url
    return named


def _named_url(text: str) -> tuple[str, str]:
    """`NAME=URL`, or a URL whose database gives the name."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from slett.datamap.document import STORE

    name, sign, url = text.partition("=")
    if sign and "://" not in name:
        if not re.fullmatch(STORE, name):
            raise click.UsageError("the name of a store has letters, digits, _ and -, and a letter first: NAME=URL")
        return name, url
    try:
        database = Path(make_url(text).database or "").stem
    except (ArgumentError, ValueError):
        raise Failure("that is not a database URL; write postgresql://user@host/name or sqlite:///file") from None
    return re.sub(r"^[^A-Za-z]+|[^A-Za-z0-9_-]+", "", database) or "store", text


def _url_variables(named: dict[str, str]) -> dict[str, str]:
    return {f"{name.upper().replace('-', '_')}_URL": url for name, url in named.items()}


def _write(file: Path, text: str) -> None:
    """Write a file, which appears whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise Failure(f"{file}: cannot be written ({error.strerror}); check the folder") from None
    finally:
        part.unlink(missing_ok=True)
