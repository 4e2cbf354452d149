"""Putting away and bringing back: what a run takes out of the stores can return for a while.

`identity` makes the key that opens a vault, and wraps it for the person's recovery code or for the service. `fill`
takes in rows, durably, before their deletion commits; `parts` says how they are written, `place` where large ones go.
`giving` puts them back.

It promises:

* What comes back is equal byte for byte, parents first. What cannot come back is named, and stays sealed.
* Nobody's row is overwritten by one that returns.
* With the person's key alone, nobody but they can open their vault. When the wrapped keys are destroyed, nobody can.
* Memory does not grow with what is put away.

It does not decide who may return, or until when: `requests` does.
"""

from slett.vault.fill import Filling
from slett.vault.giving import CannotGoBack, Given, Opened, put_back
from slett.vault.identity import (
    Made,
    VaultError,
    WrongCode,
    draw_code,
    make_identity,
    read_code,
    unwrap_for_person,
    unwrap_for_service,
    wrap_for_person,
    wrap_for_service,
)
from slett.vault.place import Place

__all__ = [
    "CannotGoBack",
    "Filling",
    "Given",
    "Made",
    "Opened",
    "Place",
    "VaultError",
    "WrongCode",
    "draw_code",
    "make_identity",
    "put_back",
    "read_code",
    "unwrap_for_person",
    "unwrap_for_service",
    "wrap_for_person",
    "wrap_for_service",
]
