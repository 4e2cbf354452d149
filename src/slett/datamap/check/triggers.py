"""Triggers: code in the database that runs when rows change, and may copy what is to be erased."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import TableMap
from slett.datamap.problem import Problem, error, quoted, suggestion


def problems(context: Context) -> Iterator[Problem]:
    """Triggers that would fire and that nobody has looked at."""
    for mapped, table in context.decided:
        names = {trigger.name for trigger in table.triggers}
        for number, name in enumerate(mapped.triggers):
            if name not in names:
                message = f"table {quoted(table.name)} has no trigger {quoted(name)}"
                yield error("unknown-trigger", mapped.at("triggers", number), message, suggestion(name, names))
        events = {"DELETE": context.goes(mapped), "INSERT": False, "UPDATE": _changed(context, mapped)}
        for trigger in table.triggers:
            if events[trigger.event] and trigger.name not in mapped.triggers:
                verb = "deleted" if trigger.event == "DELETE" else "changed"
                message = f"trigger {quoted(trigger.name)} runs when rows of {quoted(mapped)} are {verb}"
                hint = (
                    f"look at what it does, above all whether it keeps copies; then write `triggers: [{trigger.name}]`"
                )
                yield error("trigger", mapped.place, message, hint)


def _changed(context: Context, mapped: TableMap) -> bool:
    """Whether anything of the map updates rows of the table."""
    return (
        context.stays(mapped)
        or any(change != "delete" for _, change in mapped.lighter)
        or any(reference.anonymise or context.taken(mapped, reference) for reference in mapped.references)
    )
