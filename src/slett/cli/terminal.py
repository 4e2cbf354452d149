"""What a terminal is shown: names and reasons come from databases, and none of them may command it."""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)  # and what turns text round


def harmless(text: str) -> str:
    """The text with every character that a terminal would obey written out: `\\x1b`."""
    return COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Shown(Console):
    """A console on which only Rich itself moves or colours anything."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for each in super().render(renderable, options):
            yield each if each.control else Segment(harmless(each.text), each.style)
