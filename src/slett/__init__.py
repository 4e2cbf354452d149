"""Slett: erase a person from every database of a service, and prove it.

The path is `data map → request → plan → execute → verify → certify`, and every word of it is a
package here, in that order. Start reading at `slett.requests`, which walks the whole path once.
"""

__version__ = "0.1.0"
