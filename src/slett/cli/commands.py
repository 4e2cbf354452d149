"""The commands, in the order in which a newcomer needs them."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slett import __version__
from slett.cli.doctor import doctor
from slett.cli.errors import FAILED, NOT_FOUND, PARTLY, Failure, sentences
from slett.cli.hold import hold
from slett.cli.people import find_subjects, names_people
from slett.cli.serve import serve
from slett.cli.worker import worker

if TYPE_CHECKING:
    from datetime import datetime

    from slett.ledger import Ledger, Page
    from slett.requests.erase import Outcome
    from slett.requests.service import Service

# Imports that cost time stand inside the commands: `slett --help` must answer at once.


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="slett")
@click.option("--settings", "settings_file", type=click.Path(path_type=Path), help="Settings (default: slett.toml).")
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="Data map (default: slett.yaml).")
@click.pass_context
def main(context: click.Context, settings_file: Path | None, map_file: Path | None) -> None:
    """Erase a person from every database of a service, and prove it.

    Begin with `slett map URL`, finish the map by hand, and keep it true with `slett check`.
    """
    from slett.settings import read_settings

    with sentences():
        settings = read_settings(settings_file)
        context.obj = settings.model_copy(update={"map": map_file}) if map_file else settings


@main.command("map")
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


@main.command()
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


@main.command()
@names_people
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.pass_obj
def plan(settings: Any, named: list[tuple[str, str]], root: str, as_json: bool) -> None:
    """Show what an erasure would do, with live counts. Changes nothing."""
    from slett.cli.show import show_preview
    from slett.requests.preview import preview

    with _service(settings, starting=True) as service:
        found = preview(service, find_subjects(service, named, root))
        show_preview(service, found, as_json=as_json)
        if found.refusals:
            states = {refusal.state for refusal in found.refusals.values()}
            sys.exit(NOT_FOUND if states == {"not_found"} else FAILED)


@main.command()
@names_people
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@click.pass_obj
def erase(settings: Any, named: list[tuple[str, str]], root: str, yes: bool, as_json: bool) -> None:
    """Erase people, for good; then look again, and certify it."""
    from slett.cli.show import progress, show_outcomes
    from slett.requests.erase import erase as run

    with _service(settings, starting=True) as service:
        subjects = find_subjects(service, named, root)
        if not yes:
            people = "1 person" if len(subjects) == 1 else f"{len(subjects)} people"
            hours = settings.vault.undo_window_hours
            back = f"`slett restore` can undo it for {hours} hours" if hours else "There is no way back"
            click.confirm(f"Erase {people} for good? {back}", abort=True, err=True)
        with _resumable(), progress(quiet=as_json) as watch:
            outcomes = run(service, subjects, watch)
        show_outcomes(service, outcomes, as_json=as_json)
    sys.exit(_status(outcomes))


@main.command()
@click.option("--force", is_flag=True, help="Take over at once: the process that held the work is known to be dead.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@click.pass_obj
def resume(settings: Any, force: bool, as_json: bool) -> None:
    """Finish what a crash or a failing database interrupted."""
    from slett.cli.show import progress, show_outcomes
    from slett.requests.erase import resume as run

    with _service(settings) as service:
        with _resumable(), progress(quiet=as_json) as watch:
            outcomes = run(service, watch, force=force)
        if not outcomes and not as_json:
            click.echo("Nothing was interrupted.")
        else:
            show_outcomes(service, outcomes, as_json=as_json)
    sys.exit(_status(outcomes))


@main.command()
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
    with _service(settings) as service:
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


@main.command()
@names_people
@click.option("--output", type=click.Path(path_type=Path), help="The zip to write (default: slett-export.zip).")
@click.pass_obj
def export(settings: Any, named: list[tuple[str, str]], root: str, output: Path | None) -> None:
    """Give one person a copy of everything about them, as a zip with JSON and CSV."""
    from slett.requests.export import export as run

    with _service(settings) as service:
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


@main.command()
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
    with _service(settings) as service:
        found = look(service, find_subjects(service, named, root))
    show_found(found, as_json=as_json)
    if any(each.left for each in found):
        sys.exit(FAILED)


def _verify_deep(
    settings: Any, named: list[tuple[str, str]], root: str, also: tuple[str, ...], *, as_json: bool
) -> None:
    from slett.cli.show import searching, show_deep
    from slett.requests.deep import look_deep

    with _service(settings) as service:
        subjects = find_subjects(service, named, root)
        if also and len(subjects) != 1:
            raise click.UsageError("name one person with --also: the text is theirs")
        with searching(quiet=as_json) as watch:
            found = look_deep(service, subjects, also, watch)
    show_deep(found, as_json=as_json)
    if not found.clean:
        sys.exit(FAILED)


@main.command()
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
    with _service(settings) as service:
        if dry_run:
            done = look_back(service, moment, doubtful=doubtful)
        else:
            with _resumable("slett replay"), progress(quiet=as_json) as watch:
                done = run(service, moment, doubtful=doubtful, watch=watch, force=force)
        show_replayed(service, done, dry_run=dry_run, as_json=as_json)
    sys.exit(_status(list(done.outcomes)) or (PARTLY if done.doubts else 0))


@main.command()
@click.pass_obj
def sweep(settings: Any) -> None:
    """Erase kept rows whose time has come, and what was written late. Run it once a day."""
    from slett.requests.due import catch_up
    from slett.requests.expire import expire
    from slett.requests.late import look_late

    with _service(settings) as service:
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


@main.command()
@click.argument("store", required=False, default="")
@click.option("--reason", required=True, help="Why; shown to whoever meets the pause. Nobody's data.")
@click.pass_obj
def pause(settings: Any, store: str, reason: str) -> None:
    """Stop all work, or that in one store, before its next transaction. Nothing is lost."""
    _known_store(settings, store)
    with sentences(), _open_ledger(settings) as ledger, ledger.write() as page:
        page.pauses.add(store, reason, getuser())
    click.echo(
        f"Paused: {f'store {store}' if store else 'all work'}. `{f'slett unpause {store}'.strip()}` lets it go on."
    )


@main.command()
@click.argument("store", required=False, default="")
@click.pass_obj
def unpause(settings: Any, store: str) -> None:
    """Let work go on, in one store or, without a name, wherever all of it was paused."""
    with sentences(), _open_ledger(settings) as ledger:
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


@main.command()
@click.argument("reference", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def status(settings: Any, reference: str | None, as_json: bool) -> None:
    """Show the requests, newest first, or one with its steps."""
    from slett.cli.show import show_pauses, show_request, show_requests

    with _ledger(settings) as page:
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


main.add_command(serve)
main.add_command(worker)
main.add_command(hold)
main.add_command(doctor)


@main.group()
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
        with _open_ledger(settings) as ledger:
            if not write_certificates(ledger, folder, [reference]):
                raise Failure(f"there is no certificate of {reference}; `slett status {reference}` says how it is")
    return file


@main.group()
def ledger() -> None:
    """Look after the ledger."""


@ledger.command("check")
@click.pass_obj
def ledger_check(settings: Any) -> None:
    """Recompute the whole log; status 1 and the first bad place if it was tampered with."""
    with _ledger(settings) as page:
        tampering = page.log.check()
        head = page.log.head()
    if tampering:
        raise Failure(f"the log was changed: {tampering}")
    click.echo(f"The log holds: {head.size} entries, root {head.root.hex()}")


@contextmanager
def _ledger(settings: Any) -> "Iterator[Page]":
    with _open_ledger(settings) as ledger, ledger.read() as page:
        yield page


@contextmanager
def _open_ledger(settings: Any) -> "Iterator[Ledger]":
    """The ledger that is there: whoever only looks makes none."""
    from slett.ledger import open_ledger

    if not settings.ledger_url and not (settings.home / "ledger.db").exists():
        raise Failure(f"{settings.home}: no ledger is kept there; go to the service's folder, or set SLETT_HOME")
    with sentences(), open_ledger(settings) as ledger:
        yield ledger


@contextmanager
def _service(settings: Any, *, starting: bool = False) -> "Iterator[Service]":
    from slett.requests.service import open_service

    with sentences(), open_service(settings, starting=starting) as service:
        yield service


@contextmanager
def _resumable(again: str = "slett resume") -> "Iterator[None]":
    """A store that fails on the way: what was begun waits in the ledger."""
    from slett.requests.hold import HeldBack
    from slett.requests.pause import Paused
    from slett.stores.errors import StoreError

    try:
        yield
    except Paused as error:
        raise Failure(f"{error}\nNothing is lost: `{again}` goes on then.") from None
    except HeldBack as error:
        raise Failure(str(error)) from None
    except StoreError as error:
        raise Failure(f"{error}\nNothing is lost: when the store answers again, `{again}` goes on.") from None


def _status(outcomes: "list[Outcome]") -> int:
    """The worst of them decides."""
    states = {outcome.state for outcome in outcomes if not outcome.erased_before}
    if states & {"refused", "held"}:
        return FAILED
    if "partially_fulfilled" in states:
        return PARTLY
    return NOT_FOUND if "not_found" in states else 0


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
