"""What an erasure would do, with live counts; nothing is changed, and nothing is written to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from slett.execute import Run
from slett.requests.refuse import Refusal, find_refusals
from slett.requests.service import Service
from slett.requests.subject import Subject, collected
from slett.requests.way_back import insist_on_a_way_back


@dataclass(frozen=True, slots=True)
class Line:
    """One step, as it would be carried out."""

    store: str
    table: str
    phase: str
    what: str
    rows: int
    why: str
    basis: str  # of what is kept
    reason: str  # as the map gives it
    cost: float  # as the database's planner estimates it, in its own unit


@dataclass(frozen=True, slots=True)
class Preview:
    lines: tuple[Line, ...]  # in the order in which they would be done; steps that touch no row are left out
    steps: int  # of the whole plan
    statements: int  # asked of the stores to find this out
    refusals: dict[int, Refusal]

    @property
    def rows(self) -> int:
        """Rows that would be touched."""
        return sum(line.rows for line in self.lines)


def preview(service: Service, subjects: Sequence[Subject]) -> Preview:
    """The dry run.

    Raises:
        StoreError: a store does not answer, the account could not carry the plan out, or it could not be undone.
    """
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, subjects)
        counts, people = Run(walk, service.settings.chunk_rows).count_people()
        refusals = find_refusals(service, walk, subjects, people)
        if service.settings.vault.undo_window_hours:
            insist_on_a_way_back(sessions, service.plan.steps)
        lines = []
        for step, rows in zip(service.plan.steps, counts, strict=True):
            ((cost, _),) = sessions[step.store].rehearse([step.change])
            if not rows:
                continue
            mapped = service.relations.tables[f"{step.store}/{step.table}"]
            basis = mapped.basis if step.what == "keep" else ""
            lines.append(
                Line(step.store, step.table, step.phase, step.what, rows, step.why, basis, mapped.reason, cost)
            )
        statements = sum(session.statements for session in sessions.values())
    return Preview(tuple(lines), len(service.plan.steps), statements, refusals)
