"""Looking again: after the work is done, every store is asked anew, and only its answer can say `fulfilled`.

The look goes its own way: it reads the map, not the plan's steps; it uses connections of its own; and it takes the
persons' keys from the sealed scope in the ledger rather than from the memory of whoever did the work.

The deep look goes further and asks not even the map: it reads every text there is, for what people are known by.
"""

from slett.verify.deep import Hits, Search
from slett.verify.look import Expectation, Left, expect, look_again
from slett.verify.needles import Needle, gather

__all__ = ["Expectation", "Hits", "Left", "Needle", "Search", "expect", "gather", "look_again"]
