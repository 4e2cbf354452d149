"""The command line: what every command shares, and which there are."""

from pathlib import Path

import click

from slett import __version__
from slett.cli.afterwards import replay, restore, sweep
from slett.cli.doctor import doctor
from slett.cli.erase import erase, plan, resume
from slett.cli.errors import sentences
from slett.cli.hold import hold
from slett.cli.ledger import certificate, ledger, status
from slett.cli.look import export, verify
from slett.cli.maps import check, draft
from slett.cli.pause import pause, unpause
from slett.cli.serve import serve
from slett.cli.worker import worker

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


for _command in (
    *(draft, check, plan, erase, resume, verify, export),
    *(status, certificate, ledger, doctor, serve, worker),
    *(hold, pause, unpause, restore, replay, sweep),
):
    main.add_command(_command)
