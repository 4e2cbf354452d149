"""Everything that `make demo` serves, started together: Torget, the portal, and the mail server."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from examples.torget.web.app import create_torget
from examples.torget.web.hosting import address_of, serve, take_port
from examples.torget.web.leaving import Door, make_key
from examples.torget.web.mailbox import Mailbox, open_mailbox
from slett.settings import Mail, Portal, Settings
from slett.web import create_app

MAP = Path(__file__).parents[1] / "slett.yaml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it all is."""

    torget: str  # addresses
    portal: str
    mailbox: Mailbox
    settings: Settings  # of the portal


@contextmanager
def open_place(
    home: Path, urls: Mapping[str, str], host: str = "127.0.0.1", ports: tuple[int, int] = (0, 0), **portal: Any
) -> Iterator[Place]:
    """Torget and its portal, each a server of its own, until the block ends.

    Args:
        home: the folder of the portal's ledger, keys and certificates. It is made.
        urls: the databases, by store.
        host: the address to listen on.
        ports: of Torget and of the portal; 0 for any that is free.
        portal: settings of the portal that differ from those here.

    Raises:
        OSError: a port is taken, or the address is not one of this machine.
    """
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found_by_the_map = {f"{store.upper()}_URL": url for store, url in urls.items()}
        stack.enter_context(patch.dict(os.environ, found_by_the_map))
        doors = [stack.enter_context(take_port(host, port)) for port in ports]
        torget, portal_url = map(address_of, doors)
        mailbox = stack.enter_context(open_mailbox())
        private, public = make_key(home)
        given: dict[str, Any] = {
            "url": portal_url,
            "service_url": torget,
            "sign_in_url": f"{torget}/sign-in",
            "support": f"{torget}/privacy",
            "handoff_key": public,
        }
        settings = Settings(
            map=MAP,
            home=home,
            service="Torget",
            portal=Portal(**given | portal),
            mail=Mail(url=mailbox.url, sender="hei@torget.example", sender_name="Torget"),
        )
        engine = sa.create_engine(urls["torget"])
        stack.callback(engine.dispose)
        door = Door(torget, portal_url, private)
        stack.enter_context(serve(create_app(settings, run=True), doors[1]))
        stack.enter_context(serve(create_torget(engine, door, mailbox), doors[0]))
        yield Place(torget, portal_url, mailbox, settings)
