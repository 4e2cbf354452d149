"""Two references to the root in one table: a message has a sender and a recipient."""

from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, OLA, PEOPLE, USERS
from tests.journeys.scene import Scene


def messages(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE messages (id INT PRIMARY KEY, sender_id INT REFERENCES users (id), "
        "recipient_id INT REFERENCES users (id))",
        "INSERT INTO messages VALUES (1, 1, 2), (2, 2, 1), (3, 1, 1), (4, 2, 3), (5, 3, 2), (6, NULL, 1), (7, 2, NULL)",
    )


def test_what_i_sent_goes_and_what_i_got_stays_without_me(scene: Scene) -> None:
    """A message to oneself is both, and goes."""
    messages(scene)
    scene.map(
        shop=USERS
        + """
messages:
  references: [{column: sender_id, to: users}, {column: recipient_id, to: users, kind: mention}]
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-messages": [(1, 1, 2), (2, 2, 1), (3, 1, 1), (6, None, 1)],
        "+messages": [(2, 2, None), (6, None, None)],
        "-users": [KARI],
    }
    assert erased(scene, 2) == {
        "-messages": [(2, 2, None), (4, 2, 3), (5, 3, 2), (7, 2, None)],
        "+messages": [(5, 3, None)],
        "-users": [OLA],
    }


def test_two_who_wrote_to_each_other_leave_at_once(scene: Scene) -> None:
    messages(scene)
    scene.map(
        shop=USERS
        + """
messages:
  references: [{column: sender_id, to: users}, {column: recipient_id, to: users, kind: mention}]
  action: delete
"""
    )
    assert erased(scene, 1, 2) == {
        "-messages": [(1, 1, 2), (2, 2, 1), (3, 1, 1), (4, 2, 3), (5, 3, 2), (6, None, 1), (7, 2, None)],
        "+messages": [(5, 3, None), (6, None, None)],
        "-users": [KARI, OLA],
    }


def test_a_row_that_is_mine_either_way_goes_once(scene: Scene) -> None:
    messages(scene)
    scene.map(
        shop=USERS
        + """
messages:
  references: [{column: sender_id, to: users}, {column: recipient_id, to: users}]
  action: delete
"""
    )
    before = scene.rows("SELECT count(*) FROM messages")
    outcomes = scene.erase(1)
    assert [(each.state, each.rows) for each in outcomes] == [("fulfilled", 5)]
    assert before == [(7,)]
    assert scene.rows("SELECT id FROM messages ORDER BY id") == [(4,), (5,), (7,)]
    assert erased(scene, 2, 3) == {
        "-messages": [(4, 2, 3), (5, 3, 2), (7, 2, None)],
        "-users": [OLA, (3, "liv@x.no")],
    }
