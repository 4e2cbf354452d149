"""A small shop to type commands at: one database, a map beside it, and everything in a folder of its own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from slett.cli import main
from tests.journeys.scene import Scene

TABLES = """
CREATE TABLE users (id integer PRIMARY KEY, email varchar(80) UNIQUE, phone varchar(20) UNIQUE, name varchar(80),
    password varchar(80), active boolean NOT NULL DEFAULT true);
CREATE TABLE sessions (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id), token varchar(40));
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id), placed_at date NOT NULL,
    total integer NOT NULL, ship_name varchar(80));
CREATE TABLE order_lines (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id),
    product varchar(80));
CREATE TABLE messages (id integer PRIMARY KEY, sender_id integer NOT NULL REFERENCES users (id),
    recipient_id integer REFERENCES users (id), body varchar(200));
CREATE TABLE products (id integer PRIMARY KEY, title varchar(80))
"""
PEOPLE = (  # the orders that stay lie far ahead, so that no test fails on a certain day
    "INSERT INTO users VALUES (1, 'Kari.Nordmann@example.org', '+47 900 00 001', 'Kari Nordmann', 'pbkdf2-kari', true)",
    "INSERT INTO users VALUES (2, 'ola@example.org', '+47 900 00 002', 'Ola Hansen', 'pbkdf2-ola', true)",
    "INSERT INTO sessions VALUES (1, 1, 'token-kari'), (2, 2, 'token-ola')",
    "INSERT INTO orders VALUES (1, 1, '2090-02-01', 200, 'Kari Nordmann'), (2, 1, '2001-02-01', 100, 'Kari Nordmann'),"
    " (3, 2, '2090-03-01', 300, 'Ola Hansen')",
    "INSERT INTO order_lines VALUES (1, 1, 'Skis'), (2, 2, 'Poles'), (3, 3, 'Boots')",
    "INSERT INTO messages VALUES (1, 1, 2, '=HYPERLINK(\"https://example.org\")'), (2, 2, 1, 'Hei Kari'),"
    " (3, 2, NULL, 'To nobody')",
    "INSERT INTO products VALUES (1, 'Skis')",
)
MAP = """
users:
  root: true
  identifiers: {email: email, phone: phone}
  disable: {active: false}
  action: delete
  omit: [password]
sessions:
  references: [{column: user_id, to: users}]
  disable: delete
  action: delete
  omit: [token]
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_at, add: 5 years, from: year-end}
  basis: Bookkeeping Act § 13
  columns: [id, placed_at, total]
  anonymise: {ship_name: null}
order_lines:
  references: [{column: order_id, to: orders}]
  action: keep
  until: {as: orders}
messages:
  references:
    - {column: sender_id, to: users}
    - {column: recipient_id, to: users, kind: mention}
  action: delete
"""
PERSONAL = ("kari", "nordmann", "900 00 001", "pbkdf2", "token-", "ola@", "ola hansen", "900 00 002")


@dataclass(frozen=True)
class Said:
    """What a command printed, and its status."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both, the output first."""
        return self.out + self.err


@dataclass
class Shop(Scene):
    """The shop, and a terminal in its folder."""

    environ: dict[str, str] = field(default_factory=dict)

    def fill(self) -> None:
        """Make the tables, the people and the map."""
        self.sql(*(statement.strip() for statement in TABLES.split(";")), *PEOPLE)
        self.map(shop=MAP)

    def slett(self, *arguments: str | Path, stdin: str = "") -> Said:
        """Run a command. An exception that would have been a traceback is raised."""
        words = [str(each) for each in arguments]
        done = CliRunner().invoke(main, words, input=stdin, env=self.environ, prog_name="slett")
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, "".join(_without_bar(done.stderr.splitlines(keepends=True))))

    def succeed(self, *arguments: str | Path, stdin: str = "") -> str:
        """What a command printed that must not fail."""
        said = self.slett(*arguments, stdin=stdin)
        assert said.status == 0, said.all
        return said.out

    def reference(self) -> str:
        """The newest request's."""
        found = re.search(r"S-\w{4}-\w{4}", self.succeed("status"))
        assert found
        return found[0]


def _without_bar(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if " rows" not in line or "━" not in line)
