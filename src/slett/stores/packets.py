"""Large results of MariaDB's, read as fast as its protocol allows: rows as they come over the wire.

PyMySQL spends some twenty calls on each row, more than the server spends on making it. Here it is three, or, where many
rows are taken at once and few of them understood, none; on the same buffered socket, in between the query that PyMySQL
sends and the end of the result. What is used of its inside has been the same since its version 0.7, and the tests of
capturing and of these packets would fail without it.

The protocol: https://mariadb.com/kb/en/result-set-packets/
"""

from collections.abc import Generator
from contextlib import closing
from typing import Any

LONGEST = 0xFFFFFF  # bytes of a packet; the next one goes on where it ends
ERROR, END, NULL = 0xFF, 0xFE, 0xFB  # first bytes
PREFIXES = {0xFC: 3, 0xFD: 4, 0xFE: 9}  # bytes that say how long a value is, where one does not suffice
HEADER = 4  # bytes before each packet: its size in three, and its number
READ = 1 << 18  # bytes that are taken from the network at once


def only_column(driver: Any, statement: str, parameters: tuple[Any, ...]) -> Generator[bytes | None, None, None]:
    """The values of a statement's only column, which is binary; memory does not grow with them.

    Raises:
        MySQLError: of PyMySQL.
    """
    from pymysql.cursors import SSCursor
    from pymysql.protocol import MysqlPacket

    with closing(driver.cursor(SSCursor)) as cursor:
        cursor.execute(statement, parameters)
        result = cursor._result
        while True:
            payload = _read(driver)
            first = payload[0]
            if first == ERROR:
                result.unbuffered_active = False
                MysqlPacket(payload, driver.encoding).raise_for_error()
            if first == END and len(payload) < PREFIXES[END]:
                result._check_packet_is_eof(MysqlPacket(payload, driver.encoding))
                result.unbuffered_active, result.connection = False, None
                return
            yield None if first == NULL else payload[PREFIXES.get(first, 1) :]


def read_rows(driver: Any, query: str) -> Generator[list[bytes], None, None]:
    """The rows of a query, as many as have come, or none yet; memory does not grow with them.

    Whoever stops before the end must close the connection: the server goes on sending.

    Raises:
        MySQLError: the server refuses, breaks off, or is lost.
    """
    from pymysql import err

    driver.query(query, unbuffered=True)
    driver._result.unbuffered_active = False  # what is left of it is read here
    try:
        yield from _in_bulk(driver._rfile)
    except (EOFError, OSError):
        driver._force_close()
        raise err.OperationalError(2013, "Lost connection to MySQL server during query") from None


def cells_of(row: bytes) -> list[bytes]:
    """The texts of one row; of null, an empty one."""
    cells = []
    at = 0
    while at < len(row):
        size = row[at]
        at += 1
        if size == NULL:
            size = 0
        elif prefix := PREFIXES.get(size):
            size = int.from_bytes(row[at : at + prefix - 1], "little")
            at += prefix - 1
        cells.append(row[at : at + size])
        at += size
    return cells


def _read(driver: Any) -> bytes:
    """The next packet."""
    from pymysql.err import OperationalError

    whole = b""
    try:
        while True:
            head = driver._rfile.read(4)
            size = int.from_bytes(head[:3], "little")
            part: bytes = driver._rfile.read(size)
            if len(head) < 4 or head[3] != driver._next_seq_id or len(part) < size:
                break
            driver._next_seq_id = (head[3] + 1) % 256
            whole = whole + part if whole else part
            if size < LONGEST:
                return whole
    except OSError:
        pass
    driver._force_close()
    raise OperationalError(2013, "the connection was lost while rows were read")


def _in_bulk(file: Any) -> Generator[list[bytes], None, None]:
    from pymysql import err

    held = b""
    long: list[bytes] = []  # the parts of a row that takes several packets
    while True:
        rows: list[bytes] = []
        at = 0
        while (begin := at + HEADER) <= len(held):
            size = int.from_bytes(held[at : at + 3], "little")
            if begin + size > len(held):
                break
            row = held[begin : begin + size]
            at = begin + size
            if size == LONGEST or long:
                long.append(row)
                if size == LONGEST:
                    continue
                row, long = b"".join(long), []
            elif row[0] == END and size < PREFIXES[END]:  # as the size of a text, that byte has eight more after it
                yield rows
                return
            elif row[0] == ERROR:
                err.raise_mysql_exception(row)
            rows.append(row)
        yield rows
        held = held[at:]
        rest = HEADER + int.from_bytes(held[:3], "little") - len(held) if len(held) >= HEADER else 0
        if rest > READ:  # at once, rather than with the beginning copied again and again
            more = file.read(rest)
        else:
            rest, more = 1, file.read1(READ)
        if len(more) < rest:
            raise EOFError
        held += more
