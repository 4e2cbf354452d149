"""Doing it: keys are collected top-down, rows are changed bottom-up, in short transactions that may all be repeated.

`walk` finds the persons' keys in every store, `scope` writes them so that they can be sealed, `run` applies the
steps of a plan. Nothing here decides what is a person's: the plan does. Nothing here says that it is done: a second
look does.
"""

from slett.execute.pace import Gates, Pace
from slett.execute.run import Done, Run
from slett.execute.walk import Walk

__all__ = ["Done", "Gates", "Pace", "Run", "Walk"]
