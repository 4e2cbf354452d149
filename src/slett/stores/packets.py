"""Results of one column, read from MariaDB as fast as its protocol allows.

PyMySQL spends some twenty calls on each row, more than the server spends on making it. Here it is three, on the same
buffered socket, in between the query that PyMySQL sends and the end of the result that it notes. What is used of its
inside has been the same since its version 0.7, and the tests of capturing would fail without it.

The protocol: https://mariadb.com/kb/en/result-set-packets/
"""

from collections.abc import Generator
from contextlib import closing
from typing import Any

LONGEST = 0xFFFFFF  # bytes of a packet; the next one goes on where it ends
ERROR, END, NULL = 0xFF, 0xFE, 0xFB  # first bytes
PREFIXES = {0xFC: 3, 0xFD: 4, 0xFE: 9}  # bytes that say how long a value is, where one does not suffice


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
