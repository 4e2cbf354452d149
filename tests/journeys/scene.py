"""A small service to erase people from: real databases, a map, and settings of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import sqlalchemy as sa

from slett.requests.erase import Outcome, erase, resume
from slett.requests.service import Service, open_service
from slett.requests.subject import Subject, by_identifier, by_key
from slett.settings import Settings
from tests.servers.mariadb import PLAIN

TODAY = date(2026, 11, 22)
Rows = list[tuple[Any, ...]]


def engine_of(url: str) -> sa.Engine:
    """A plain connection to a test database, beside Slett."""
    parsed = sa.make_url(url)
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}.get(parsed.drivername, parsed.drivername)
    plain = PLAIN if parsed.drivername == "mariadb" else {}
    return sa.create_engine(parsed.set(drivername=driver), poolclass=sa.NullPool, connect_args=plain)


@dataclass
class Scene:
    """One service: `urls` by store, a map written as the YAML of each store's tables."""

    folder: Path
    urls: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    today: date = TODAY

    def sql(self, *statements: str, store: str = "shop") -> None:
        """Run statements as the service itself would."""
        engine = engine_of(self.urls[store])
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def rows(self, query: str, store: str = "shop") -> Rows:
        """What a query gives now."""
        engine = engine_of(self.urls[store])
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(query)]
        engine.dispose()
        return found

    def snapshot(self) -> dict[str, Rows]:
        """Every row of every table of every store, in a fixed order."""
        found: dict[str, Rows] = {}
        for store, url in self.urls.items():
            engine = engine_of(url)
            with engine.connect() as connection:
                for name in sorted(sa.inspect(connection).get_table_names()):
                    quoted = connection.dialect.identifier_preparer.quote(name)
                    rows = connection.exec_driver_sql(f"SELECT * FROM {quoted}")
                    found[f"{store}/{name}"] = sorted((tuple(row) for row in rows), key=repr)
            engine.dispose()
        return found

    def map(self, head: str = "", **tables: str) -> None:
        """Write slett.yaml: for each store the YAML under its `tables:`; `head` stands before the stores."""
        lines = ["slett: 1", dedent(head).strip(), "stores:"]
        for store, body in tables.items():
            lines += [
                f"  {store}:",
                f"    url: {self.urls[store]}",
                "    tables:",
                indent(dedent(body).strip(), "      "),
            ]
        (self.folder / "slett.yaml").write_text("\n".join(line for line in lines if line), encoding="utf-8")

    @contextmanager
    def open(self) -> Iterator[Service]:
        settings = Settings(map=self.folder / "slett.yaml", home=self.folder / ".slett", **self.settings)
        with open_service(settings, self.today) as service:
            yield service

    def erase(self, *keys: Any, email: str | Sequence[str] = (), root: str = "") -> list[Outcome]:
        """Erase people by key of a root, or by e-mail."""
        with self.open() as service:
            return erase(service, subjects(service, keys, email, root))

    def resume(self) -> list[Outcome]:
        with self.open() as service:
            return resume(service, force=True)


def subjects(
    service: Service, keys: Sequence[Any] = (), email: str | Sequence[str] = (), root: str = ""
) -> list[Subject]:
    addresses = [email] if isinstance(email, str) else list(email)
    return [by_key(service.plan, str(key), root) for key in keys] + [
        by_identifier(service.plan, "email", address) for address in addresses
    ]
