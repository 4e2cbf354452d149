"""`slett plan`, `erase` and `resume`: what would be done, doing it, and going on with it."""

import sys
from typing import Any

import click

from slett.cli.errors import FAILED, NOT_FOUND
from slett.cli.opened import opened_service, resumable, worst
from slett.cli.people import find_subjects, names_people


@click.command()
@names_people
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.pass_obj
def plan(settings: Any, named: list[tuple[str, str]], root: str, as_json: bool) -> None:
    """Show what an erasure would do, with live counts. Changes nothing."""
    from slett.cli.show import show_preview
    from slett.requests.preview import preview

    with opened_service(settings, starting=True) as service:
        found = preview(service, find_subjects(service, named, root))
        show_preview(service, found, as_json=as_json)
        if found.refusals:
            states = {refusal.state for refusal in found.refusals.values()}
            sys.exit(NOT_FOUND if states == {"not_found"} else FAILED)


@click.command()
@names_people
@click.option("--now", is_flag=True, help="At once also whoever is put away since they closed their account.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@click.pass_obj
def erase(settings: Any, named: list[tuple[str, str]], root: str, now: bool, yes: bool, as_json: bool) -> None:
    """Erase people, for good; then look again, and certify it."""
    from slett.cli.show import progress, show_outcomes
    from slett.requests.erase import erase as run
    from slett.requests.put_away import erase_sealed, find_sealed
    from slett.requests.undo import account

    with opened_service(settings, starting=True) as service:
        subjects = find_subjects(service, named, root)
        sealed = find_sealed(service, subjects) if now else {}
        if not yes:
            question = _question(len(subjects), len(sealed), settings.vault.undo_window_hours)
            click.confirm(question, abort=True, err=True)
        with resumable(), progress(quiet=as_json) as watch:
            others = run(service, [one for number, one in enumerate(subjects) if number not in sealed], watch)
            ended = erase_sealed(service, list(sealed.values()), account(), watch) if sealed else []
        rest, away = iter(others), dict(zip(sealed, ended, strict=True))
        outcomes = [away[number] if number in away else next(rest) for number in range(len(subjects))]
        show_outcomes(service, outcomes, as_json=as_json)
    sys.exit(worst(outcomes))


def _question(people: int, sealed: int, undo_hours: int) -> str:
    """What is asked before anybody is erased."""
    many = "1 person" if people == 1 else f"{people} people"
    if not undo_hours or sealed == people:
        back = "There is no way back"
    else:
        back = f"`slett restore` can undo it for {undo_hours} hours"
        back += f", but not of the {sealed} who closed their account" if sealed else ""
    return f"Erase {many} for good? {back}"


@click.command()
@click.option("--force", is_flag=True, help="Take over at once: the process that held the work is known to be dead.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@click.pass_obj
def resume(settings: Any, force: bool, as_json: bool) -> None:
    """Finish what a crash or a failing database interrupted."""
    from slett.cli.show import progress, show_outcomes
    from slett.requests.erase import resume as run

    with opened_service(settings) as service:
        with resumable(), progress(quiet=as_json) as watch:
            outcomes = run(service, watch, force=force)
        if not outcomes and not as_json:
            click.echo("Nothing was interrupted.")
        else:
            show_outcomes(service, outcomes, as_json=as_json)
    sys.exit(worst(outcomes))
