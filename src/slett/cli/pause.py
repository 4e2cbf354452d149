"""`slett pause` and `unpause`: all work, or one store."""

from getpass import getuser
from typing import Any

import click

from slett.cli.errors import Failure, sentences
from slett.cli.opened import opened_ledger


@click.command()
@click.argument("store", required=False, default="")
@click.option("--reason", required=True, help="Why; shown to whoever meets the pause. Nobody's data.")
@click.pass_obj
def pause(settings: Any, store: str, reason: str) -> None:
    """Stop all work, or that in one store, before its next transaction. Nothing is lost."""
    _known_store(settings, store)
    with sentences(), opened_ledger(settings) as ledger, ledger.write() as page:
        page.pauses.add(store, reason, getuser())
    click.echo(
        f"Paused: {f'store {store}' if store else 'all work'}. `{f'slett unpause {store}'.strip()}` lets it go on."
    )


@click.command()
@click.argument("store", required=False, default="")
@click.pass_obj
def unpause(settings: Any, store: str) -> None:
    """Let work go on, in one store or, without a name, wherever all of it was paused."""
    with sentences(), opened_ledger(settings) as ledger:
        with ledger.write() as page:
            lifted = page.pauses.lift(store)
        with ledger.read() as page:
            standing = page.pauses.standing()
    if not lifted:
        click.echo(f"{f'Store {store}' if store else 'All work together'} was not paused.")
    for each in standing:
        click.echo(f"Still paused: {f'store {each.store}' if each.store else 'all work'}: {each.reason}")
    if lifted and not standing:
        click.echo("Work goes on; `slett resume` takes up what was stopped on its way.")


def _known_store(settings: Any, store: str) -> None:
    """A name that is not in the map would pause nothing."""
    from slett.datamap.load import load_map

    if store:
        with sentences():
            known = load_map(settings.map).stores
        if store not in known:
            raise Failure(f"the map has no store `{store}`; it has {', '.join(known)}")
