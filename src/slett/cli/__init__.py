"""Slett at a terminal. No rule of the domain lives here: each command reads its words, asks `requests`, and prints.

Exit status: 0 it is as asked · 1 refused or failed, and the message says why · 2 the command line is wrong ·
3 nobody was found · 4 partly done.
"""

from slett.cli.commands import main

__all__ = ["main"]
