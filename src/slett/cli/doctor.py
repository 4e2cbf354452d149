"""`slett doctor`: what is well, what is not, and what to do."""

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from slett.cli.errors import FAILED


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def doctor(settings: Any, as_json: bool) -> None:
    """Say on one page what is well and what is not. Status 1 if somebody has to do something."""
    from slett.cli.show import show_findings
    from slett.requests.doctor import examine

    found = examine(settings)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        show_findings(found)
    sys.exit(0 if all(each.good for each in found) else FAILED)
