"""Schemas and rows that nobody here wrote: two whole applications, erased from as their operators would.

django-oscar (a shop) and pretix (ticket sales) are installed from `NAME.txt` into environments of their own,
their migrations run, and `NAME_seed.py` makes customers with the application's own code. `NAME_own.py` lets the
application erase one customer its own way, to compare with. The `NAME_*.py` scripts run in those environments and
import nothing of Slett. `NOTES-NAME.md` says what is whose, table by table.

What was installed and seeded is kept under `build/realworld`, so only the first run is slow.
"""
