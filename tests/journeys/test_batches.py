"""Several people at once, with some among them who are unknown or cannot be erased: the others go, and only they."""

from collections import Counter

import pytest

from slett.certify import verify, write_certificates
from tests.journeys.crowd import expect_gone, fill
from tests.journeys.difference import difference, erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.scene import Scene


def test_several_people_by_key_and_by_email(scene: Scene) -> None:
    fill(scene, 50)
    outcomes = scene.erase(1, 2, 11, 20, email=["U30@X.no", "u31@x.no"])
    assert [each.state for each in outcomes] == ["fulfilled"] * 6
    expect_gone(scene, 50, {1, 2, 11, 20, 30, 31})


def test_thirty_people_with_some_unknown_and_one_twice_among_them(scene: Scene) -> None:
    fill(scene, 60)
    outcomes = scene.erase(*range(1, 57, 2), 5, 1000, 1001, email=["u7@x.no", "nobody@x.no"])
    assert Counter(each.state for each in outcomes) == {"fulfilled": 30, "not_found": 3}
    expect_gone(scene, 60, set(range(1, 57, 2)))


def test_the_certificates_of_a_large_batch_are_made_when_they_are_asked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(scene, 4)
    monkeypatch.setattr("slett.requests.ending.FILES", 2)
    outcomes = scene.erase(1, 2, 3)
    assert [(each.state, each.certificate) for each in outcomes] == [("fulfilled", None)] * 3
    folder = scene.folder / ".slett" / "certificates"
    assert not list(folder.glob("*.json"))
    with scene.open() as service:
        files = write_certificates(service.ledger, folder, [each.reference for each in outcomes])
    public = (folder.parent / "signing.pub").read_bytes()
    assert all(verify(files[each.reference].read_bytes(), public).good for each in outcomes)


def test_who_shares_an_email_with_somebody_is_refused_and_the_others_go(scene: Scene) -> None:
    """The refused one keeps what they share with those who go."""
    fill(scene, 12)
    scene.sql("UPDATE users SET email = 'U2@x.no' WHERE id = 9", "UPDATE orders SET user_id = 2 WHERE id = 3")
    before = scene.snapshot()
    outcomes = scene.erase(1, 2, 3, 99)
    assert [each.state for each in outcomes] == ["fulfilled", "refused", "fulfilled", "not_found"]
    changed = difference(before, scene.snapshot())
    assert [row[0] for row in changed.pop("-users")] == [1, 3]
    assert [row[0] for row in changed.pop("-orders")] == [4, 5, 9, 10, 11]
    assert [row[0] for row in changed.pop("-items")] == [4, 5, 9, 10, 11]
    assert changed.pop("-notes") == [(1, 1, 2), (2, 2, 3), (3, 3, 4), (12, 12, 1)]
    assert changed.pop("+notes") == [(2, 2, None), (12, 12, None)]
    assert not changed


def test_two_with_one_email_are_refused_by_it_and_by_key_and_go_together(scene: Scene) -> None:
    """A guest's order under that address could be of either, as long as one of them stays."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, guest_email VARCHAR(80))",
        "INSERT INTO users VALUES (1, 'home@x.no'), (2, 'Home@x.no'), (3, 'liv@x.no')",
        "INSERT INTO orders VALUES (1, 'home@x.no'), (2, 'HOME@x.no'), (3, 'liv@x.no')",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
"""
    )
    before = scene.snapshot()
    (by_email,) = scene.erase(email="home@x.no")
    assert (by_email.state, "share" in by_email.reason) == ("refused", True)
    (by_key,) = scene.erase(1)
    assert (by_key.state, "same email" in by_key.reason) == ("refused", True)
    assert "home" not in by_email.reason + by_key.reason
    assert scene.snapshot() == before
    assert erased(scene, 1, 2) == {
        "-orders": [(1, "home@x.no"), (2, "HOME@x.no")],
        "-users": [(1, "home@x.no"), (2, "Home@x.no")],
    }


def test_two_with_one_email_are_told_apart_by_key_where_nothing_hangs_on_it(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO users VALUES (1, 'home@x.no'), (2, 'home@x.no')",
        "INSERT INTO orders VALUES (1, 1), (2, 2)",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: delete
"""
    )
    assert scene.erase(email="home@x.no")[0].state == "refused"
    assert erased(scene, 1) == {"-orders": [(1, 1)], "-users": [(1, "home@x.no")]}
