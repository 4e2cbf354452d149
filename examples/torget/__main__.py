"""The demo: a marketplace is built, one person is erased from it, and then it is served, to be left in a browser."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import click
import sqlalchemy as sa

from examples.torget.oracle import wrong
from examples.torget.seed import build_town, store
from examples.torget.town import Town
from examples.torget.web.place import MAP, Place, open_place
from examples.torget.web.walk import WentWrong, erase

ROOT = Path(__file__).parents[2]
STORES = ("torget", "konsern")
KARI = "kari@nordmann.example"  # not the letter case she signed up with


PORTS = (8000, 8001)  # of Torget and of the portal; any others where these are taken


@click.command()
@click.option(
    "--once", is_flag=True, help="Walk the whole path and end, as always where nobody looks: CI, or no terminal."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="This machine's own address in your network, to try it from a phone there.",
)
def main(once: bool, host: str) -> None:
    """Erase Kari from Torget and Konsern, in build/demo; then serve Torget, so that she can leave by herself."""
    if not host.strip("0.:"):
        raise click.BadParameter(
            "links need an address that a phone can open, such as 192.168.1.20", param_hint="--host"
        )
    folder = ROOT / "build" / "demo"
    show(folder)
    somebody_looks = sys.stdout.isatty() and os.environ.get("CI") != "true"
    if once or not somebody_looks:
        walk(folder / "web")
    else:
        stay(folder / "web", host)


def show(folder: Path) -> None:
    """Run the demo in a folder, which it clears first.

    Raises:
        SystemExit: a step failed.
    """
    _build(folder)
    _step(folder, "Does the map know every table that concerns a person?", "check")
    _step(folder, "What would go, what would stay, and why?", "plan", "--email", KARI)
    _step(folder, "Erase her.", "erase", "--email", KARI, "--yes")
    _step(folder, "Is anything left? Look again, in every database.", "verify", "--email", KARI)
    certificate = max((folder / ".slett" / "certificates").glob("*.json"), key=lambda file: file.stat().st_mtime)
    _say("Done. The signed certificate, which names nobody, can be checked with one more command:")
    home, verify = _here(folder / ".slett"), [_here(_slett()), "certificate", "verify", _here(certificate)]
    click.secho(f"$ SLETT_HOME={shlex.quote(home)} {shlex.join(verify)}", fg="cyan")
    click.echo(f"\nThe databases are in {_here(folder)} to look at, and the map is {_here(MAP)}.")


def walk(folder: Path) -> None:
    """Let Kari leave over HTTP, from a town built anew in a folder, which is cleared first.

    Raises:
        SystemExit: a step failed, or a row is not as it must be.
    """
    _say("Now Kari leaves by herself: Torget, the portal and a mail server are running, the databases are whole again.")
    town = _town(folder)
    with _opened(folder, "127.0.0.1", (0, 0)) as place:
        try:
            for step in erase(place, town.kari):
                click.echo(f"  {step}")
        except (WentWrong, TimeoutError) as error:
            raise SystemExit(f"{error}; so the demo ends here.") from None
    with _engines(folder) as engines:
        rows = wrong(town, engines, town.kari)
    if rows:
        raise SystemExit(f"{len(rows)} rows are not as they must be, so the demo ends here.")
    _say("Done. In both databases nothing of hers is left, and not a row of anybody else has changed.")


def stay(folder: Path, host: str) -> None:
    """Serve Torget and its portal, from a town built anew in a folder, until Ctrl+C.

    Raises:
        SystemExit: the address is not one of this machine.
    """
    _town(folder)
    with ExitStack() as stack:
        try:
            place = stack.enter_context(_opened(folder, host, PORTS))
        except OSError:
            try:
                place = stack.enter_context(_opened(folder, host, (0, 0)))
            except OSError as error:
                raise SystemExit(f"Nothing can listen on {host} ({error.strerror}).") from None
        _say("Now leave yourself. The databases are whole again, and Kari is back:")
        click.echo("  Torget    ", nl=False)
        click.secho(place.torget, fg="cyan")
        click.echo(f"  mailbox   {place.torget}/mailbox    every mail that Torget would have sent")
        click.echo(f"  portal    {place.portal}    where one leaves; the guide is at {place.portal}/guide")
        if host == "127.0.0.1":
            click.echo("\nFrom a phone in the same network, with this machine's own address: ", nl=False)
            click.echo('make demo ARGS="--host ADDRESS"')
        click.echo("Ctrl+C ends it.")
        with suppress(KeyboardInterrupt):
            Event().wait()


def _opened(folder: Path, host: str, ports: tuple[int, int]) -> AbstractContextManager[Place]:
    return open_place(folder / ".slett", {store: _url(folder, store) for store in STORES}, host, ports)


def _build(folder: Path) -> None:
    town = _town(folder)
    rows = sum(map(len, town.rows.values()))
    click.echo("Torget is a marketplace. Konsern, its owner, knows the same people under keys of its own.")
    click.echo(f"{len(town.people)} made-up people, {len(town.rows)} tables, {rows:,} rows.")
    click.echo("One of them is Kari, and she wants to leave.")


def _town(folder: Path) -> Town:
    """A new town, stored in a folder that is cleared first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    town = build_town(datetime.now(UTC).date())
    with _engines(folder) as engines:
        store(town, engines)
    return town


@contextmanager
def _engines(folder: Path) -> Iterator[dict[str, sa.Engine]]:
    engines = {store: sa.create_engine(_url(folder, store)) for store in STORES}
    yield engines
    for engine in engines.values():
        engine.dispose()


def _step(folder: Path, why: str, *words: str) -> None:
    _say(why)
    click.secho(f"$ slett {shlex.join(words)}", fg="cyan")
    sys.stdout.flush()
    settings = {
        "SLETT_HOME": _here(folder / ".slett"),
        "SLETT_MAP": _here(MAP),
        "SLETT_SERVICE": "Torget",
        "TORGET_URL": _url(folder, "torget"),
        "KONSERN_URL": _url(folder, "konsern"),
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("SLETT_")}
    status = subprocess.run([_slett(), *words], env=others | settings, check=False).returncode
    if status:
        raise SystemExit(f"`slett {words[0]}` ended with status {status}, so the demo ends here.")


def _say(line: str) -> None:
    click.secho(f"\n{line}", bold=True)


def _slett() -> Path:
    return Path(sys.executable).parent / "slett"


def _url(folder: Path, store: str) -> str:
    return f"sqlite:///{_here(folder / store)}.db"


def _here(path: Path) -> str:
    """The path as one would type it."""
    return os.path.relpath(path)


if __name__ == "__main__":
    main()
