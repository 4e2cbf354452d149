"""Values inside JSON columns: found at their path, let go there, and the rest of the document stays."""

import json
from typing import Any

from tests.journeys.difference import difference, erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, OLA, PEOPLE, USERS, kind
from tests.journeys.scene import Scene

DOCUMENTS = {
    1: '{"user": {"id": 1}, "what": "login"}',
    2: '{"user": {"id": "1"}}',
    3: '{"user": {"id": 2}}',
    4: '{"user": {"id": 10}}',
    5: '{"user": {"id": null}}',
    6: '{"user": null}',
    7: '{"user": 1}',
    8: '{"id": 1}',
    9: "{}",
    10: "[1]",
    11: '"1"',
    12: "null",
    13: '{"user": {"id": ""}}',
    14: '{"user": [{"id": 1}]}',
}


def events(scene: Scene, users: tuple[str, ...] = PEOPLE) -> None:
    type_ = "JSONB" if kind(scene) == "postgresql" else "JSON"
    scene.sql(
        *users,
        f"CREATE TABLE events (id INT PRIMARY KEY, payload {type_})",
        "INSERT INTO events VALUES (0, NULL)",
        *(f"INSERT INTO events VALUES ({id_}, '{text}')".replace(":", ": ") for id_, text in DOCUMENTS.items()),
    )


def document(value: Any) -> Any:
    """A JSON column as Python has it, whatever the driver makes of it."""
    return json.loads(value) if isinstance(value, str) else value


def test_a_number_in_json_is_found_as_number_and_as_text(scene: Scene) -> None:
    events(scene)
    scene.map(shop=f"{USERS}events: {{references: [{{column: payload, path: user.id, to: users}}], action: delete}}")
    changed = erased(scene, 1)
    assert [row[0] for row in changed.pop("-events")] == [1, 2]
    assert changed == {"-users": [KARI]}
    changed = erased(scene, 2, 3)
    assert [row[0] for row in changed["-events"]] == [3]


def test_text_in_json_is_found_and_null_is_nobody_even_for_a_person_called_null(scene: Scene) -> None:
    events(
        scene,
        (
            "CREATE TABLE users (id VARCHAR(20) PRIMARY KEY, email VARCHAR(80))",
            "INSERT INTO users VALUES ('null', 'null@x.no'), ('1', 'kari@x.no'), ('2', 'ola@x.no')",
        ),
    )
    scene.map(shop=f"{USERS}events: {{references: [{{column: payload, path: user.id, to: users}}], action: delete}}")
    assert erased(scene, "null") == {"-users": [("null", "null@x.no")]}
    assert [row[0] for row in erased(scene, "1")["-events"]] == [1, 2]


def test_a_mention_in_json_becomes_null_there_and_the_rest_of_the_document_stays(scene: Scene) -> None:
    type_ = "JSONB" if kind(scene) == "postgresql" else "JSON"
    text = '{"by": {"user-id": %s, "name": "K"}, "n": [1, 2.5, {"x": null}], "t": "æ \\\\ \\" 1", "on": true, "e": {}}'
    scene.sql(*PEOPLE, f"CREATE TABLE log (id INT PRIMARY KEY, entry {type_})")
    rows = {1: "1", 2: '"1"', 3: "2", 4: "null", 5: "10"}
    escaped = text.replace("\\", "\\\\") if kind(scene) == "mariadb" else text
    scene.sql(
        *(f"INSERT INTO log VALUES ({id_}, '{escaped % value}')".replace(":", ": ") for id_, value in rows.items())
    )
    scene.map(
        shop=f"{USERS}log: {{references: [{{column: entry, path: by.user-id, to: users, kind: mention}}]}}",
    )
    before = scene.snapshot()
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 3)
    changed = difference(before, scene.snapshot())
    assert changed.pop("-users") == [KARI]
    expected = document(text % "null")
    assert [(id_, document(entry)) for id_, entry in changed.pop("+log")] == [(1, expected), (2, expected)]
    assert [id_ for id_, _ in changed.pop("-log")] == [1, 2]
    assert not changed
    assert scene.erase(1)[0].erased_before


def test_a_mention_in_json_may_become_a_ghost(scene: Scene) -> None:
    events(scene)
    scene.map(
        shop=f"{USERS}events: {{references: "
        "[{column: payload, path: user.id, to: users, kind: mention, set: nobody}]}"
    )
    changed = erased(scene, 1, 2)
    assert changed.pop("-users") == [KARI, OLA]
    assert [row[0] for row in changed.pop("-events")] == [1, 2, 3]
    ghost = {"user": {"id": "nobody"}}
    assert [document(row[1]) for row in changed.pop("+events")] == [ghost | {"what": "login"}, ghost, ghost]
    assert not changed


def test_an_email_in_json_is_found_in_any_letter_case(scene: Scene) -> None:
    type_ = "JSON"  # on PostgreSQL: text that is kept as it was written
    scene.sql(
        *PEOPLE,
        f"CREATE TABLE mails (id INT PRIMARY KEY, head {type_})",
        *(
            f"""INSERT INTO mails VALUES ({id_}, '{{"to": {{"Address": "{address}"}}}}')""".replace(":", ": ")
            for id_, address in enumerate(("KARI@x.no", "kari@x.no", "kari@x.nor", "", "ola@x.no", "kári@x.no"), 1)
        ),
    )
    scene.map(
        shop=f"{USERS}mails: {{references: [{{column: head, path: to.Address, identifier: email}}], action: delete}}"
    )
    changed = erased(scene, email="Kari@X.no")
    assert [row[0] for row in changed.pop("-mails")] == [1, 2]
    assert changed == {"-users": [KARI]}
