"""The demo: a marketplace is built, one person is erased from it, and the proof is left to look at."""

import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa

from examples.torget.seed import build_town, store

ROOT = Path(__file__).parents[2]
MAP = Path(__file__).with_name("slett.yaml")
KARI = "kari@nordmann.example"  # not the letter case she signed up with


@click.command()
@click.option("--once", is_flag=True, help="End when the last step is done, as the demo always does so far.")
def main(once: bool) -> None:  # noqa: ARG001 - a name to rely on: the demo will stay and serve pages one day
    """Erase Kari from Torget and Konsern, in build/demo."""
    show(ROOT / "build" / "demo")


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


def _build(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    town = build_town(datetime.now(UTC).date())
    engines = {store: sa.create_engine(_url(folder, store)) for store in ("torget", "konsern")}
    store(town, engines)
    for engine in engines.values():
        engine.dispose()
    rows = sum(map(len, town.rows.values()))
    click.echo("Torget is a marketplace. Konsern, its owner, knows the same people under keys of its own.")
    click.echo(f"{len(town.people)} made-up people, {len(town.rows)} tables, {rows:,} rows.")
    click.echo("One of them is Kari, and she wants to leave.")


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
