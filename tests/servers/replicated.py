"""A server with a second one that repeats what the first one writes, or not: of PostgreSQL, and of MariaDB."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pymysql

from tests.servers.mariadb import FAST, PLAIN, MariaDB
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
_REPEATED = "SELECT MASTER_POS_WAIT(%s, %s, 60)"


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


@contextmanager
def replicated_mariadb() -> Iterator[Replicated]:
    """A primary with an empty database, and its replica.

    Raises:
        ServerMissingError: MariaDB's programs are not here.
    """
    with ExitStack() as stack:
        first = MariaDB({**FAST, "server-id": "1", "log-bin": "bin"})
        stack.callback(first.stop)
        second = MariaDB({**FAST, "server-id": "2"})
        stack.callback(second.stop)
        source = stack.enter_context(connected(first.url("")))
        replica = stack.enter_context(connected(second.url("")))
        start = _written(source)
        replica.execute(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %s, MASTER_USER = 'slett',"
            " MASTER_LOG_FILE = %s, MASTER_LOG_POS = %s",
            (urlsplit(first.url("")).port, *start),
        )
        replica.execute("START SLAVE")
        primary = first.create()
        replica.execute(_REPEATED, _written(source))
        yield Replicated(primary, second.url(primary.rpartition("/")[2]))


def until_repeated(pair: Replicated) -> None:
    """Wait until a replica of MariaDB has done all that its primary did."""
    with connected(pair.primary) as source, connected(pair.standby) as replica:
        replica.execute(_REPEATED, _written(source))
        assert replica.fetchone() != (-1,), "the replica does not come that far"


def _written(source: "pymysql.cursors.Cursor") -> tuple[str, int]:
    """How far its log goes by now."""
    source.execute("SHOW MASTER STATUS")
    log, place, *_ = source.fetchone() or ()
    return log, place


@contextmanager
def connected(url: str) -> Iterator["pymysql.cursors.Cursor"]:
    """A cursor on a MariaDB of the tests; each statement commits."""
    at = urlsplit(url)
    with (
        pymysql.connect(
            host=at.hostname, port=at.port or 0, user=at.username, database=at.path[1:], autocommit=True, **PLAIN
        ) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
