"""What will be done: a map and a live schema become ordered, set-based steps.

A plan is pure. It holds no person and no value: the same map and schema give the same plan, for one person or ten
thousand. It says which keys to collect, top-down, and which rows to change, bottom-up. Nothing here does I/O, looks
at the clock or knows a driver.
"""

from slett.plan.links import Relations, relate
from slett.plan.model import Keeping, Named, Plan, PlanError, Step
from slett.plan.steps import make_plan

__all__ = ["Keeping", "Named", "Plan", "PlanError", "Relations", "Step", "make_plan", "relate"]
