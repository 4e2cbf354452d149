"""`slett hold`: what must stay, on what basis, and until somebody releases it."""

import sys
from datetime import UTC, datetime
from getpass import getuser
from typing import Any

import click

from slett.cli.errors import FAILED, NOT_FOUND, Failure
from slett.cli.opened import opened_service
from slett.cli.people import find_subjects, names_people


@click.group()
def hold() -> None:
    """Keep a person, or some tables' rows of theirs, from being erased."""


@hold.command("add")
@names_people
@click.option("--basis", required=True, help="The law or the case. Nobody's data: it is shown to the person.")
@click.option(
    "--until", "review", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day to look at it again."
)
@click.option("--table", "tables", multiple=True, metavar="STORE/TABLE", help="Hold only rows of this table.")
@click.pass_obj
def add(
    settings: Any, named: list[tuple[str, str]], root: str, basis: str, review: datetime, tables: tuple[str, ...]
) -> None:
    """Hold people from this moment on, until somebody releases them."""
    from slett.requests.hold import place
    from slett.requests.refuse import Refused

    with opened_service(settings) as service:
        for subject in find_subjects(service, named, root):
            try:
                number = place(service, subject, basis, review.date(), tables, getuser())
            except Refused as refused:
                click.echo(f"{refused}.", err=True)
                sys.exit(NOT_FOUND if refused.refusal.state == "not_found" else FAILED)
            what = ", ".join(tables) if tables else "everything"
            click.echo(f"Hold {number} on {what} of that person; `slett hold release {number}` ends it.")


@hold.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, released ones too.")
@click.pass_obj
def show(settings: Any, as_json: bool) -> None:
    """Show the holds that stand."""
    from slett.cli.show import show_holds

    with opened_service(settings) as service, service.ledger.read() as page:
        show_holds(page.holds.all(), datetime.now(UTC).date(), as_json=as_json)


@hold.command("release")
@click.argument("number", type=int)
@click.pass_obj
def release(settings: Any, number: int) -> None:
    """End a hold: what it suspended goes on."""
    from slett.requests.hold import release as run

    with opened_service(settings) as service:
        waiting = run(service, number)
    if waiting is None:
        raise Failure(f"there is no hold {number} that stands; `slett hold list` shows them")
    requests = "1 request waits for its turn" if waiting == 1 else f"{waiting} requests wait for their turn"
    click.echo(f"Released. {requests} now: `slett serve` comes to it by itself, or `slett sweep`.")
