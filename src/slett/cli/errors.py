"""Every foreseeable failure leaves as one sentence on standard error, and a status."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

FAILED = 1
NOT_FOUND = 3
PARTLY = 4


class Failure(click.ClickException):
    """A sentence for the person at the terminal."""

    exit_code = FAILED

    def show(self, file: object = None) -> None:
        del file
        click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
        from slett.cli.terminal import harmless  # Rich, which most commands that end well never need

        click.echo(harmless(self.message), err=True)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the exceptions of every room of the house into sentences."""
    from slett.certify import CertificateError
    from slett.datamap.problem import MapError
    from slett.ledger import LedgerError
    from slett.plan import PlanError
    from slett.requests.export import ExportError
    from slett.requests.hold import HoldError
    from slett.requests.subject import SubjectError
    from slett.requests.way_back import NoWayBack
    from slett.settings import SettingsError
    from slett.stores.errors import StoreError
    from slett.vault.identity import VaultError

    try:
        yield
    except MapError as error:
        raise Failure("the map cannot be used\n" + "\n".join(map(str, error.problems))) from None
    except (
        SettingsError,
        PlanError,
        StoreError,
        LedgerError,
        SubjectError,
        HoldError,
        CertificateError,
        ExportError,
        NoWayBack,
        VaultError,
    ) as error:
        raise Failure(str(error)) from None
