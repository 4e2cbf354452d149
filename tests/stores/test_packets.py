"""What MariaDB sends is read to its end, however the network cuts it."""

import io
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from slett.stores import packets
from slett.stores.packets import cells_of, read_rows

END = b"\xfe\0\0\x02\0"
Row = list[bytes | None]
TWO = "(SELECT seq UNION SELECT 'b')"  # of which there may be only one
LONGEST = 600  # here, of a packet: so that rows of several packets are short


def sized(cell: bytes | None) -> bytes:
    if cell is None:
        return b"\xfb"
    if len(cell) < 251:
        return bytes([len(cell)]) + cell
    return b"\xfc" + len(cell).to_bytes(2, "little") + cell


def packed(payload: bytes, largest: int) -> bytes:
    """A payload in packets; one that is full has another after it, if need be an empty one."""
    parts = [payload[at : at + largest] for at in range(0, len(payload) + 1, largest)]
    return b"".join(len(part).to_bytes(3, "little") + b"\x07" + part for part in parts)


class Network(io.RawIOBase):
    """Gives what there is in pieces of any size."""

    def __init__(self, content: bytes, dice: random.Random) -> None:
        self.left, self.dice = content, dice

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = self.left[: self.dice.choice((1, 3, 50, 5_000, 5_000))][: len(into)]
        into[: len(piece)], self.left = piece, self.left[len(piece) :]
        return len(piece)


cells = st.none() | st.binary(max_size=20) | st.builds(bytes.__mul__, st.binary(min_size=1, max_size=3), st.just(400))
rows_of_cells = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), max_size=12))


@settings(deadline=None)
@given(rows=rows_of_cells, end=st.sampled_from((END, None)), dice=st.randoms(use_true_random=False))
def test_every_row_arrives_once_and_in_its_order_or_the_loss_is_said(
    rows: list[Row], end: bytes | None, dice: random.Random
) -> None:
    """Rows of one packet and of several, and a connection that ends too soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "LONGEST", LONGEST)
        patch.setattr(packets, "READ", dice.choice((1, 40, 4_000)))
        sent = b"".join(packed(b"".join(map(sized, row)), LONGEST) for row in rows)
        file = io.BufferedReader(Network(sent + (packed(end, LONGEST) if end else b""), dice), 64)
        found: list[list[bytes]] = []
        with pytest.raises(EOFError) if not end else closing(io.BytesIO()):
            for some in packets._in_bulk(file):
                found += map(cells_of, some)
    assert found == [[cell or b"" for cell in row] for row in rows]


@contextmanager
def connected(url: str) -> Iterator["pymysql.Connection[Any]"]:
    at = make_url(url)
    with closing(
        pymysql.connect(host=at.host or "", port=at.port or 0, user=at.username, database=at.database)
    ) as connection:
        yield connection


def test_rows_that_end_in_an_error_end_in_it_and_the_connection_lives_on(mariadb_database: str) -> None:
    with connected(mariadb_database) as connection:
        rows = read_rows(connection, f"SELECT REPEAT('x', 1000), IF(seq < 9999, 'a', {TWO}) FROM seq_1_to_10000")
        assert cells_of(next(filter(None, rows))[0]) == [b"x" * 1000, b"a"]
        with pytest.raises(pymysql.MySQLError, match="more than 1 row"):
            list(rows)
        after = [cells_of(row) for rows in read_rows(connection, "SELECT 'a', NULL") for row in rows]
        assert after == [[b"a", b""]]


def test_a_server_that_goes_away_between_rows_is_noticed(mariadb_database: str) -> None:
    with connected(mariadb_database) as connection, connected(mariadb_database) as other:
        rows = read_rows(connection, "SELECT REPEAT('x', 1000) FROM seq_1_to_100000")
        next(rows)
        other.kill(connection.thread_id())
        with pytest.raises(pymysql.MySQLError):
            list(rows)
