"""A PostgreSQL server with a standby that replays what the primary writes, or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.servers.postgresql import PLACES
from tests.servers.process import ServerMissingError, ServerProcess, find_program

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "wal_receiver_status_interval": "1s",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Replicated:
    """Both, running."""

    primary: str  # its URL
    standby: str


@contextmanager
def replicated() -> Iterator[Replicated]:
    """A primary and its standby.

    Raises:
        ServerMissingError: PostgreSQL's programs are not here.
    """
    initdb, postgres = find_program("initdb", *PLACES), find_program("postgres", *PLACES)
    copy = find_program("pg_basebackup", *PLACES)
    if not initdb or not postgres or not copy:
        raise ServerMissingError("no PostgreSQL here: apt install postgresql, or brew install postgresql")
    first, second = ServerProcess("primary", "postgres"), ServerProcess("standby", "postgres")
    data = [str(each.folder / "data") for each in (first, second)]
    urls = [f"postgresql://slett@127.0.0.1:{each.port}/postgres" for each in (first, second)]
    options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    try:
        first.run(initdb, "--pgdata", data[0], "--username=slett", "--auth=trust", "--no-sync", "--encoding=UTF8")
        first.start(postgres, "-D", data[0], "-p", str(first.port), *options, ready=lambda: _answers(urls[0]))
        second.run(copy, "-d", urls[0], "-D", data[1], "--checkpoint=fast", "--write-recovery-conf", "--no-sync")
        second.start(postgres, "-D", data[1], "-p", str(second.port), *options, ready=lambda: _answers(urls[1]))
        yield Replicated(*urls)
    finally:
        second.stop()
        first.stop()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
