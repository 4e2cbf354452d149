"""`slett verify` and `export`: what there is of a person, for the operator and for them."""

import sys
from pathlib import Path
from typing import Any

import click

from slett.cli.errors import FAILED, NOT_FOUND
from slett.cli.opened import opened_service
from slett.cli.people import find_subjects, names_people


@click.command()
@names_people
@click.option("--output", type=click.Path(path_type=Path), help="The zip to write (default: slett-export.zip).")
@click.pass_obj
def export(settings: Any, named: list[tuple[str, str]], root: str, output: Path | None) -> None:
    """Give one person a copy of everything about them, as a zip with JSON and CSV."""
    from slett.requests.export import export as run

    with opened_service(settings) as service:
        subjects = find_subjects(service, named, root)
        if len(subjects) != 1:
            raise click.UsageError("name one person: a copy is for one")
        found = run(service, subjects[0], output or Path("slett-export.zip"))
    if found is None:
        click.echo("Nobody was found by what was given, in any store.", err=True)
        sys.exit(NOT_FOUND)
    click.echo(
        f"Wrote {found.path}: {sum(found.tables.values())} rows of {len(found.tables)} tables ({found.reference})."
    )


@click.command()
@names_people
@click.option("--deep", is_flag=True, help="Search every text of every table for what people are known by.")
@click.option("--also", multiple=True, metavar="TEXT", help="With --deep: search for this too, of the one person.")
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.pass_obj
def verify(
    settings: Any, named: list[tuple[str, str]], root: str, deep: bool, also: tuple[str, ...], as_json: bool
) -> None:
    """Look whether anything of a person is left, in every store. Status 1 if so."""
    from slett.cli.show import show_found
    from slett.requests.look import look

    if deep:
        _verify_deep(settings, named, root, also, as_json=as_json)
        return
    if also:
        raise click.UsageError("--also is for --deep")
    with opened_service(settings) as service:
        found = look(service, find_subjects(service, named, root))
    show_found(found, as_json=as_json)
    if any(each.left for each in found):
        sys.exit(FAILED)


def _verify_deep(
    settings: Any, named: list[tuple[str, str]], root: str, also: tuple[str, ...], *, as_json: bool
) -> None:
    from slett.cli.show import searching, show_deep
    from slett.requests.deep import look_deep

    with opened_service(settings) as service:
        subjects = find_subjects(service, named, root)
        if also and len(subjects) != 1:
            raise click.UsageError("name one person with --also: the text is theirs")
        with searching(quiet=as_json) as watch:
            found = look_deep(service, subjects, also, watch)
    show_deep(found, as_json=as_json)
    if not found.clean:
        sys.exit(FAILED)
