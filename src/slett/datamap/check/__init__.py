"""Whether a map is true: compared with what the databases really look like, before anything is planned or run.

One module a subject, each with one function `problems(context)`; none stops at the first. What a mistake makes
meaningless is not complained about a second time.

Promises: pure, no I/O and no clock; a map without errors names only what exists, decides about every table and column
that it must, and asks the database for nothing that a declared constraint would refuse.

Does not: look at rows. Whether undeclared references hold what the map says shows in `slett plan`.
"""

from collections.abc import Mapping
from datetime import date

from slett.datamap.check import (
    comparisons,
    completeness,
    costs,
    cycles,
    decisions,
    deletions,
    leaving,
    names,
    references,
    rules,
    triggers,
)
from slett.datamap.check.context import Context
from slett.datamap.model import DataMap
from slett.datamap.problem import Problem, in_order
from slett.stores.schema import Schema

SUBJECTS = (names, decisions, references, comparisons, costs, rules, leaving, deletions, cycles, triggers, completeness)


def check_map(datamap: DataMap, schemas: Mapping[str, Schema], today: date) -> list[Problem]:
    """Everything that is wrong with the map, by place; empty when it may be used.

    Args:
        schemas: by name of the store; tables of a store that is not among them are not compared.
        today: decides which reviews have expired.
    """
    context = Context(datamap, schemas, today)
    return list(in_order(problem for subject in SUBJECTS for problem in subject.problems(context)))
