"""Kari, Ola and Liv: the people of most journeys, as a table and as a map."""

from tests.journeys.scene import Scene
from tests.servers.databases import dialect_of

PEOPLE = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'liv@x.no')",
)
KARI, OLA, LIV = (1, "kari@x.no"), (2, "ola@x.no"), (3, "liv@x.no")
USERS = """
users:
  root: true
  identifiers: {email: email}
  action: delete
"""


def kind(scene: Scene) -> str:
    """Which database the shop is in."""
    return dialect_of(scene.urls["shop"])
