"""What a person at a terminal sees. Prints, and decides nothing."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from slett.cli.terminal import Shown

if TYPE_CHECKING:
    from datetime import date

    from slett.certify import Verdict
    from slett.datamap.model import DataMap
    from slett.datamap.problem import Problem
    from slett.ledger import Batch, Request, Step
    from slett.ledger.holds import Hold
    from slett.ledger.pauses import Pause
    from slett.requests.deep import DeepLook, Seen
    from slett.requests.deep import Watch as Searched
    from slett.requests.doctor import Finding
    from slett.requests.erase import Outcome, Watch
    from slett.requests.look import Found
    from slett.requests.preview import Line, Preview
    from slett.requests.replay import Replayed
    from slett.requests.service import Service
    from slett.stores.schema import Schema

WORDS = {
    "disable": "closed first",
    "detach": "let go",
    "delete": "deleted",
    "anonymise": "anonymised",
    "keep": "kept, anonymised",
    "expire": "deleted, time is up",
    "export": "copied",
}
STAGES = {
    "collect": "Finding",
    "change": "Erasing",
    "wait": "Giving way",
    "verify": "Looking again",
    "certify": "Certifying",
}
COUNTED = ("Rows", "People", "Would stay")
COLOURS = {
    "fulfilled": "green",
    "partially_fulfilled": "yellow",
    "refused": "red",
    "held": "yellow",
    "waiting": "yellow",
    "not_found": "yellow",
}


def _console() -> Console:
    """Made anew each time: the terminal may have been replaced. Nothing that a service's data says is markup."""
    return Shown(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())


def _many(count: int, noun: str) -> str:
    """`1 row`, `1,000 rows`."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def show_problems(
    datamap: "DataMap", schemas: "Mapping[str, Schema]", problems: "Sequence[Problem]", *, as_json: bool
) -> None:
    if as_json:
        _json([{**asdict(problem), "place": str(problem.place)} for problem in problems])
        return
    console = _console()
    for problem in problems:
        colour = "red" if problem.severity == "error" else "yellow"
        line = Text.assemble(
            f"{problem.place}: ", (problem.severity, colour), f": {problem.message} ", (f"[{problem.code}]", "dim")
        )
        console.print(line)
        if problem.hint:
            console.print(Text(f"    {problem.hint}", "dim"))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    live = sum(len(schema.tables) for schema in schemas.values())
    verdict = (f"{errors} to decide or mend", "bold red") if errors else ("every decision is made", "bold green")
    console.print(
        Text.assemble(
            f"{datamap.file}: {len(datamap.tables)} of {_many(live, 'table')} mapped",
            f" in {_many(len(schemas), 'store')}: ",
            verdict,
            f", {_many(warnings, 'warning')}" if warnings else "",
        )
    )


def show_preview(service: "Service", found: "Preview", *, as_json: bool) -> None:
    if as_json:
        _json(
            {
                "rows": found.rows,
                "statements": found.statements,
                "steps": [asdict(line) for line in found.lines],
                "refusals": [asdict(refusal) for refusal in found.refusals.values()],
            }
        )
        return
    console = _console()
    table = _table("Store", "Table", "Rows", "What happens", "Because", right=["Rows"])
    for (store, name, what), lines in _by_table(found).items():
        why = "; ".join(dict.fromkeys(line.why for line in lines))
        table.add_row(store, name, f"{sum(line.rows for line in lines):,}", WORDS[what], why)
    if found.lines:
        console.print(table)
    stays = dict.fromkeys((line.store, line.table, line.basis, line.reason) for line in found.lines if line.basis)
    for store, name, basis, reason in stays:
        console.print(Text.assemble(f"{store}/{name} stays for a time: ", (basis, "bold"), f" {reason}".rstrip()))
    cost = sum(line.cost for line in found.lines)
    for refusal in found.refusals.values():
        console.print(Text.assemble((f"{refusal.state}: ", COLOURS[refusal.state]), refusal.reason))
    console.print(
        f"{_many(found.rows, 'row')} in {_many(len({(line.store, line.table) for line in found.lines}), 'table')} of "
        f"{_many(len(service.stores), 'store')}; planner's cost {cost:,.0f}. Nothing was changed."
    )


def _by_table(found: "Preview") -> "dict[tuple[str, str, str], list[Line]]":
    """The steps, those of one table that do the same thing together."""
    grouped: dict[tuple[str, str, str], list[Line]] = {}
    for line in found.lines:
        grouped.setdefault((line.store, line.table, line.what), []).append(line)
    return grouped


@contextmanager
def progress(*, quiet: bool) -> "Iterator[Watch]":
    """A bar on standard error while people are erased; none where that is a file."""
    console = Console(stderr=True, highlight=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("Finding", total=None)

        def watch(stage: str, done: int, total: int) -> None:
            if stage == "change":
                bar.update(task, description=STAGES[stage], completed=done, total=total)
            else:
                bar.update(task, description=STAGES[stage])
            if stage == "certify":
                bar.update(task, completed=bar.tasks[0].total)

        yield watch


def show_outcomes(service: "Service", outcomes: "Sequence[Outcome]", *, as_json: bool) -> None:
    if as_json:
        _json([asdict(outcome) for outcome in outcomes])
        return
    console = _console()
    if len(outcomes) > 20:
        states: dict[str, int] = {}
        for outcome in outcomes:
            states[outcome.state] = states.get(outcome.state, 0) + 1
        console.print(", ".join(f"{count:,} {state}" for state, count in states.items()))
        if any(outcome.certificate for outcome in outcomes):
            console.print(f"Certificates: {service.settings.home / 'certificates'}")
        else:
            console.print(
                "Certificates: in the ledger; `slett certificate show REFERENCE` prints one and writes its file"
            )
        return
    for outcome in outcomes:
        parts: list[Any] = [(outcome.reference, "bold"), " ", (outcome.state, COLOURS.get(outcome.state, ""))]
        if outcome.reason:
            parts.append(f": {outcome.reason.removeprefix(f'{outcome.state}: ')}")
        elif outcome.state == "fulfilled":
            parts.append(f": {_many(outcome.rows, 'row')}; a second look found nothing left")
        console.print(Text.assemble(*parts))
        for left in outcome.left:
            console.print(f"  left: {_many(left.rows, 'row')} in {left.store}/{left.table} ({left.why})")
        if outcome.certificate:
            console.print(f"  certificate: {outcome.certificate}")
            console.print(f"  check it:    slett certificate verify {outcome.certificate}")


def show_replayed(service: "Service", done: "Replayed", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        _json(asdict(done))
        return
    console = _console()
    if done.outcomes:
        show_outcomes(service, done.outcomes, as_json=False)
    people = "1 erased person" if done.people == 1 else f"{done.people:,} erased people"
    came = "would be erased again" if dry_run else "came back"
    console.print(f"{people} {came}, with {_many(done.rows, 'row')}." if done.people else "Nobody came back.")
    if done.due_again:
        console.print(f"{_many(done.due_again, 'kept row')} came back after their day; `slett sweep` erases them.")
    for doubt in done.doubts:
        people = "1 person" if doubt.people == 1 else f"{doubt.people:,} people"
        by = "a key of" if "/" in doubt.named_by else "an"
        console.print(
            f"left: {people} with {by} `{doubt.named_by}` that was erased, and who may be somebody else by now; "
            "look, then erase them with --doubtful"
        )


def show_found(found: "Sequence[Found]", *, as_json: bool) -> None:
    if as_json:
        _json([asdict(each) for each in found])
        return
    console = _console()
    for each in found:
        if each.request and each.erased_at:
            console.print(f"Erased on {each.erased_at:%Y-%m-%d} by request {each.request}.")
        if not each.left:
            known = "Nothing is left in any store." if each.request else "Nothing is there, and no erasure is known."
            console.print(Text(known, "green" if each.request else "yellow"))
        for left in each.left:
            where = f"{_many(left.rows, 'row')} in {left.store}/{left.table} ({left.why})"
            console.print(Text.assemble(("still there: ", "red"), where))


@contextmanager
def searching(*, quiet: bool) -> "Iterator[Searched]":
    """A bar on standard error while tables are searched; none where that is a file."""
    columns = (SpinnerColumn(), TextColumn("Searching"), BarColumn(), MofNCompleteColumn(), TextColumn("tables"))
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show_deep(found: "DeepLook", *, as_json: bool) -> None:
    if as_json:
        _json(
            {
                **asdict(found),
                "seen": [{**asdict(each), "left": each.left, "accounted": each.accounted} for each in found.seen],
                "clean": found.clean,
            }
        )
        return
    out = _console()
    if found.seen:
        lines = _table("Store", "Table", "Column", "Rows", "People", "Would stay", "What the map says", right=COUNTED)
        for each in found.seen:
            counts = (f"{each.rows:,}", f"{each.people:,}", f"{each.left:,}")
            says = Text(_says(each), "" if each.accounted else "red")
            lines.add_row(each.store, each.table, each.column, *counts, says)
        out.print(lines)
    for unread in found.unread:
        out.print(Text.assemble(("not searched: ", "red"), f"{unread.store}/{unread.table}: {unread.why}"))
    if found.unknown_people:
        people = _many(found.unknown_people, "person").replace("persons", "people")
        out.print(Text.assemble(("not searched for: ", "red"), f"{people}, of whom nothing is known to search for"))
    if found.short:
        out.print(f"{_many(found.short, 'text')} left out: so short that every table holds it")
    out.print(
        f"{_many(found.needles, 'text')} searched for in {_many(found.columns, 'column')} of"
        f" {_many(found.tables, 'table')}, {found.size / 1e6:,.1f} MB. Nothing was changed."
    )
    verdict = ("Nothing was found.", "green") if not found.seen else ("The map answers for all of it.", "green")
    out.print(Text(*verdict) if found.clean else Text("The map does not answer for all of it.", "bold red"))


def _says(seen: "Seen") -> str:
    match seen.map:
        case "ignored":
            return f"ignored: {seen.because}"
        case "stays":
            return f"may stay: {seen.because}".removesuffix(": ")
        case "unknown":
            return "nothing"
        case _:
            if not seen.left:
                return "goes with the person"
            return "these rows are not theirs" if seen.told_apart else "goes, if the row is theirs: it has no key"


def show_holds(holds: "Sequence[Hold]", today: "date", *, as_json: bool) -> None:
    if as_json:
        _json([asdict(each) for each in holds])
        return
    standing = [each for each in holds if each.released_at is None]
    table = _table("Hold", "Holds", "Basis", "Placed", "By", "Look again", right=["Hold"])
    for each in standing:
        review = Text(f"{each.review}", "red" if each.review < today else "")
        what = ", ".join(each.tables) or "everything"
        table.add_row(str(each.number), what, each.basis, f"{each.placed_at:%Y-%m-%d}", each.by, review)
    _console().print(table if standing else "Nobody is held.")


def show_findings(found: "Sequence[Finding]") -> None:
    console = _console()
    for each in found:
        mark = ("✓", "green") if each.good else ("✗", "red")
        console.print(Text.assemble(mark, f" {each.name}: {each.sentence}"))
        if each.remedy:
            console.print(Text(f"    {each.remedy}", "dim"))


def show_pauses(pauses: "Sequence[Pause]") -> None:
    console = _console()
    for each in pauses:
        what = f"store {each.store}" if each.store else "all work"
        console.print(Text.assemble(("paused: ", "yellow"), f"{what} since {each.at:%Y-%m-%d %H:%M}: {each.reason}"))


def show_requests(requests: "Sequence[Request]", dead: "Sequence[Batch]", *, as_json: bool) -> None:
    if as_json:
        _json([asdict(request) for request in requests])
        return
    table = _table("Request", "Kind", "State", "Filed", "Finished", "Due")
    for request in requests:
        table.add_row(
            request.reference,
            request.kind,
            Text(request.state, COLOURS.get(request.state, "")),
            f"{request.filed_at:%Y-%m-%d %H:%M}",
            f"{request.finished_at:%Y-%m-%d %H:%M}" if request.finished_at else "",
            f"{request.due_at:%Y-%m-%d %H:%M}",
        )
    _console().print(table if requests else "No request was filed yet.")
    for batch in dead:
        _console().print(Text.assemble((f"dead letter: batch {batch.number}", "bold red"), f": {batch.reason}"))
    if dead:
        _console().print("Mend the reason; then `slett resume` tries again.")


def show_request(request: "Request", steps: "Sequence[Step]", batch: "Batch | None" = None, *, as_json: bool) -> None:
    failed = batch if batch and not batch.is_over and batch.reason else None
    if as_json:
        waits = {"reason": failed.reason, "again": failed.next_at, "dead": failed.dead_at} if failed else None
        _json({**asdict(request), "steps": [asdict(step) for step in steps], "failed": waits})
        return
    console = _console()
    state = (request.state, COLOURS.get(request.state, ""))
    console.print(Text.assemble((request.reference, "bold"), f" {request.kind}, ", state))
    if request.reason:
        console.print(request.reason)
    if failed:
        again = f"tried again after {failed.next_at:%Y-%m-%d %H:%M:%S}" if failed.next_at else "being tried again"
        then = "a dead letter: mend the reason, then `slett resume` tries again" if failed.dead_at else again
        console.print(Text.assemble((failed.reason, "red"), f"; {then}"))
    filed, promised = f"{request.filed_at:%Y-%m-%d %H:%M}", f"{request.due_at:%Y-%m-%d %H:%M}"
    console.print(f"filed {filed}, promised by {promised}, by law {request.law_due}")
    table = _table("Store", "Table", "What happens", "Planned", "Done", "State", right=["Planned", "Done"])
    for step in steps:
        if step.planned or step.done:
            table.add_row(
                step.store,
                step.table,
                WORDS.get(step.name, step.name),
                f"{step.planned:,}",
                f"{step.done:,}",
                step.state,
            )
    if table.row_count:
        console.print(table)


def show_certificate(body: dict[str, Any]) -> None:
    from slett.certify import sections

    console = _console()
    for section in sections(body):
        console.print(Text(section.title, "bold"))
        if not section.columns:
            for row in section.rows:
                console.print(f"  {row[0]:<22} {' '.join(row[1:])}")
            continue
        table = _table(*section.columns)
        for row in section.rows:
            table.add_row(*row)
        console.print(table)


def show_verdict(verdict: "Verdict") -> None:
    console = _console()
    for finding in verdict.findings:
        mark = ("✓", "green") if finding.good else ("✗", "red")
        console.print(Text.assemble(mark, f" {finding.name}: {finding.sentence}"))
    console.print(Text("The certificate holds." if verdict.good else "Do not believe this certificate.", "bold"))
