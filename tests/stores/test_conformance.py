"""SQLite, PostgreSQL and MariaDB answer the operations alike."""

from collections.abc import Iterator

import pytest

from tests.stores.conformance import Conformance, Shop, opened


class TestSQLDatabases(Conformance):
    @pytest.fixture
    def shop(self, database: str) -> Iterator[Shop]:
        with opened(database) as shop:
            yield shop
