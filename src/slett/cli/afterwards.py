"""`slett restore`, `replay` and `sweep`: what may follow an erasure."""

import sys
from typing import TYPE_CHECKING, Any

import click

from slett.cli.errors import PARTLY, Failure
from slett.cli.opened import opened_service, resumable, worst

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@click.argument("reference")
@click.option("--partly", is_flag=True, help="Bring back what can, and leave the rest put away.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restore(settings: Any, reference: str, partly: bool, yes: bool) -> None:
    """Undo an erasure while its undo window is open. Status 4 if something could not come back."""
    from slett.ledger import read_reference
    from slett.requests.undo import account, undo
    from slett.requests.way_back import say_rows

    if (known := read_reference(reference)) is None:
        raise click.BadParameter(f"`{reference}` is not the reference of a request, like S-7K4M-2Q9X")
    with opened_service(settings) as service:
        if not yes:
            click.confirm(f"Bring back what {known} erased?", abort=True, err=True)
        found = undo(service, known, account(), partly=partly)
    if found.waiting_for:
        click.echo("Noted. Another person must run the same command, from their own account, within a day.")
        return
    for each in found.blocked:
        click.echo(f"cannot come back: {say_rows(each.rows)} of {each.store}/{each.table}: {each.why}", err=True)
    if not found.reference:
        raise Failure("nothing was changed; mend what stands in the way, or bring back the rest with --partly")
    click.echo(f"{found.reference}: {say_rows(found.rows)} as before {known}.")
    sys.exit(PARTLY if found.blocked else 0)


@click.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]),
    metavar="MOMENT",
    help="When the backup was made, in UTC: who was erased before that cannot have come back with it.",
)
@click.option("--doubtful", is_flag=True, help="Erase those too whose rows may be somebody else's by now.")
@click.option("--dry-run", is_flag=True, help="Say how many are back. Change nothing.")
@click.option("--force", is_flag=True, help="Take over at once: the process that held unfinished work is dead.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def replay(settings: Any, since: "datetime | None", doubtful: bool, dry_run: bool, force: bool, as_json: bool) -> None:
    """After a restore from backup, erase again whoever was erased. Run it before the service opens."""
    from datetime import UTC

    from slett.cli.show import progress, show_replayed
    from slett.requests.replay import look_back
    from slett.requests.replay import replay as run

    moment = since.replace(tzinfo=UTC) if since else None
    with opened_service(settings) as service:
        if dry_run:
            done = look_back(service, moment, doubtful=doubtful)
        else:
            with resumable("slett replay"), progress(quiet=as_json) as watch:
                done = run(service, moment, doubtful=doubtful, watch=watch, force=force)
        show_replayed(service, done, dry_run=dry_run, as_json=as_json)
    sys.exit(worst(list(done.outcomes)) or (PARTLY if done.doubts else 0))


@click.command()
@click.pass_obj
def sweep(settings: Any) -> None:
    """Erase kept rows whose time has come, and what was written late. Run it once a day."""
    from slett.requests.due import catch_up
    from slett.requests.expire import expire
    from slett.requests.late import look_late

    with opened_service(settings) as service:
        expired = expire(service)
        looked = look_late(service)
        caught_up = catch_up(service)
    for each in expired:
        rows = "1 row was" if each.rows == 1 else f"{each.rows:,} rows were"
        click.echo(f"{each.store}/{each.table}: {rows} due, and erased.")
    if not expired:
        click.echo("No kept row is due.")
    for late in looked:
        for table, done in late.erased.items():
            many = sum(done.values())
            click.echo(f"{table}: {'1 row was' if many == 1 else f'{many:,} rows were'} written late, and erased.")
        for reference, why in late.left.items():
            click.echo(f"{reference}: rows written late are left: {why}.")
    if caught_up:
        click.echo(f"{'1 request' if caught_up == 1 else f'{caught_up} requests'} whose turn had come: done.")
