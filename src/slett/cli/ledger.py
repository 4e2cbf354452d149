"""`slett status`, `certificate` and `ledger`: what was asked for, what came of it, and that nobody changed it since."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from slett.cli.errors import FAILED, Failure, sentences
from slett.cli.opened import opened_ledger, opened_page


@click.command()
@click.argument("reference", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def status(settings: Any, reference: str | None, as_json: bool) -> None:
    """Show the requests, newest first, or one with its steps."""
    from slett.cli.show import show_pauses, show_request, show_requests

    with opened_page(settings) as page:
        if reference is None:
            if not as_json:
                show_pauses(page.pauses.standing())
            show_requests(page.requests.find(limit=50), page.batches.dead(), as_json=as_json)
            return
        request = page.requests.get(reference)
        if request is None:
            raise Failure(f"there is no request {reference}; `slett status` lists them")
        batch = page.batches.get(request.batch) if request.batch else None
        show_request(request, page.steps.of(batch.number) if batch else (), batch, as_json=as_json)


@click.group()
def certificate() -> None:
    """Read or check the certificate of a request."""


@certificate.command("show")
@click.argument("which")
@click.pass_obj
def certificate_show(settings: Any, which: str) -> None:
    """Print a certificate, a file or that of a request's reference, for a person to read. Does not check it."""
    from slett.cli.show import show_certificate

    file = _certificate_file(settings, which)
    try:
        body = json.loads(file.read_bytes())["body"]
        show_certificate(body)
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{file}: not a certificate of Slett") from None


@certificate.command("verify")
@click.argument("which")
@click.option("--key", type=click.Path(path_type=Path), help="Public key (default: signing.pub in the home folder).")
@click.pass_obj
def certificate_verify(settings: Any, which: str, key: Path | None) -> None:
    """Check a certificate, a file or that of a request's reference, with the public key alone, offline.

    Status 1 if it does not hold.
    """
    from slett.certify import verify as run
    from slett.cli.show import show_verdict

    file = _certificate_file(settings, which)
    path = key or settings.home / "signing.pub"
    with sentences():
        try:
            public = path.read_bytes()
        except OSError as error:
            raise Failure(f"{path}: cannot be read ({error.strerror}); give the public key with --key") from None
        verdict = run(file.read_bytes(), public)
    show_verdict(verdict)
    sys.exit(0 if verdict.good else FAILED)


def _certificate_file(settings: Any, which: str) -> Path:
    """The file that is named, or that of the request; of one that has none yet it is written now."""
    from slett.certify import certificate_path, write_certificates
    from slett.ledger.references import read_reference

    if Path(which).is_file():
        return Path(which)
    if (reference := read_reference(which)) is None:
        raise click.BadParameter(f"File '{which}' does not exist; name a file, or a request.")
    folder = settings.home / "certificates"
    file = certificate_path(folder, reference)
    if not file.exists():
        with opened_ledger(settings) as ledger:
            if not write_certificates(ledger, folder, [reference]):
                raise Failure(f"there is no certificate of {reference}; `slett status {reference}` says how it is")
    return file


@click.group()
def ledger() -> None:
    """Look after the ledger."""


@ledger.command("check")
@click.pass_obj
def ledger_check(settings: Any) -> None:
    """Recompute the whole log; status 1 and the first bad place if it was tampered with."""
    with opened_page(settings) as page:
        tampering = page.log.check()
        head = page.log.head()
    if tampering:
        raise Failure(f"the log was changed: {tampering}")
    click.echo(f"The log holds: {head.size} entries, root {head.root.hex()}")
