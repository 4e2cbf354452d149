"""Rows of several people: they stay while somebody is left, and go with the last one, whoever that is."""

from collections.abc import Iterator
from itertools import permutations

from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.scene import Scene

CIRCLES = [tuple(10 * number + each for each in order) for number, order in enumerate(permutations((1, 2, 3)), 1)]
"""Three people for each order in which three can leave: (11, 12, 13), (21, 23, 22), (32, 31, 33) …"""
LIV = 99  # who never leaves

Groups = dict[int, set[int]]  # shared row → who shares it


def groups() -> Groups:
    """A row for every one, two or three of each circle, one with a stranger too, and one of the stranger alone."""
    found: Groups = {900: {LIV}}
    for number, circle in enumerate(CIRCLES, 1):
        one, two, three = sorted(circle)
        sets = ({one}, {two}, {three}, {one, two}, {two, three}, {one, three}, {one, two, three}, {one, LIV})
        found |= {100 * number + place: members for place, members in enumerate(sets)}
    return found


def people() -> list[int]:
    return [LIV, *(person for circle in CIRCLES for person in circle)]


def values(rows: Iterator[tuple[object, ...]]) -> str:
    return ", ".join(str(row).replace("None", "NULL").replace(",)", ")") for row in rows)


def one_by_one() -> Iterator[list[int]]:
    """The first of every circle, then the second ones, then the last ones; those of one circle each alone."""
    for place in range(3):
        yield [CIRCLES[2][place]]
        yield [circle[place] for circle in CIRCLES if circle is not CIRCLES[2]]


def at_once() -> Iterator[list[int]]:
    """Of every circle one and then two, two and then one, or all three in one batch."""
    yield [person for n, circle in enumerate(CIRCLES) for person in circle[: 1 + n % 3]]
    yield [person for n, circle in enumerate(CIRCLES) for person in circle[1 + n % 3 :]]


LINKED = """
users: {root: true, action: delete}
projects:
  references: [{column: id, to: members, match: project_id, kind: shared}]
  action: delete
members:
  references: [{column: user_id, to: users}]
  action: delete
tasks:
  references: [{column: project_id, to: projects}]
  action: delete
"""


def linked(scene: Scene) -> None:
    """Everybody is a member twice, as a writer and as a reader: that makes nobody two people."""
    rows = groups()
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE projects (id INT PRIMARY KEY)",
        "CREATE TABLE members (project_id INT REFERENCES projects (id), user_id INT REFERENCES users (id), "
        "part CHAR(1), PRIMARY KEY (project_id, user_id, part))",
        "CREATE TABLE tasks (id INT PRIMARY KEY, project_id INT NOT NULL REFERENCES projects (id))",
        f"INSERT INTO users VALUES {values((each,) for each in people())}",
        f"INSERT INTO projects VALUES {values((each,) for each in rows)}",
        f"INSERT INTO members VALUES {values((row, one, part) for row in rows for one in rows[row] for part in 'ab')}",
        f"INSERT INTO tasks VALUES {values((row * 10 + n, row) for row in rows for n in range(3))}",
    )
    scene.map(shop=LINKED)


def leave_linked(scene: Scene, batches: Iterator[list[int]]) -> None:
    left = groups()
    for batch in batches:
        changed = erased(scene, *batch)
        gone = [row for row, members in left.items() if members and members <= set(batch)]
        links = sum(2 * len(members & set(batch)) for members in left.values())
        assert changed.get("-projects", []) == [(row,) for row in sorted(gone)]
        assert changed.get("-tasks", []) == [(row * 10 + n, row) for row in sorted(gone) for n in range(3)]
        assert len(changed["-members"]) == links
        assert set(changed) <= {"-users", "-members", "-projects", "-tasks"}
        left = {row: members - set(batch) for row, members in left.items()}
    assert scene.rows("SELECT id FROM users") == [(LIV,)]
    assert {row for (row,) in scene.rows("SELECT id FROM projects")} == {row for row, some in left.items() if some}


def test_what_a_link_table_shares_goes_with_the_last_one_by_one(scene: Scene) -> None:
    linked(scene)
    leave_linked(scene, one_by_one())


def test_what_a_link_table_shares_goes_with_the_last_of_a_batch(scene: Scene) -> None:
    linked(scene)
    leave_linked(scene, at_once())


OWNED = """
users: {root: true, action: delete}
albums:
  references:
    - {column: owner_a, to: users, kind: shared, NOBODY}
    - {column: owner_b, to: users, kind: shared, NOBODY}
    - {column: owner_c, to: users, kind: shared, NOBODY}
  action: delete
photos:
  references: [{column: album_id, to: albums}]
  action: delete
"""


def owned(scene: Scene, nobody: str) -> None:
    """Owners stand in any of three columns; the others hold nobody."""
    keys = "NOT NULL" if nobody == "0" else "REFERENCES users (id)"
    empty = 0 if nobody == "0" else None
    rows = {row: _spread(row, members, empty) for row, members in groups().items()}
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        f"CREATE TABLE albums (id INT PRIMARY KEY, owner_a INT {keys}, owner_b INT {keys}, owner_c INT {keys})",
        "CREATE TABLE photos (id INT PRIMARY KEY, album_id INT NOT NULL REFERENCES albums (id))",
        f"INSERT INTO users VALUES {values((each,) for each in people())}",
        f"INSERT INTO albums VALUES (1, {nobody}, {nobody}, {nobody})",
        f"INSERT INTO albums VALUES {values((row, *owners) for row, owners in rows.items())}",
        f"INSERT INTO photos VALUES {values((row * 10 + n, row) for row in rows for n in range(2))}",
    )
    scene.map(shop=OWNED.replace("NOBODY", "none: 0, set: 0") if nobody == "0" else OWNED.replace(", NOBODY", ""))


def _spread(row: int, members: set[int], empty: int | None) -> list[int | None]:
    owners: list[int | None] = [*sorted(members), empty, empty][:3]
    return owners[row % 3 :] + owners[: row % 3]


def leave_owned(scene: Scene, batches: Iterator[list[int]], nobody: int | None) -> None:
    left: dict[int, list[int | None]] = {number: owners for number, *owners in scene.rows("SELECT * FROM albums")}
    for batch in batches:
        changed = erased(scene, *batch)
        touched = {number: owners for number, owners in left.items() if set(owners) & set(batch)}
        after = {number: [nobody if each in batch else each for each in owners] for number, owners in touched.items()}
        gone = {number for number, owners in after.items() if set(owners) == {nobody}}
        assert changed.get("-albums", []) == [(number, *touched[number]) for number in sorted(touched)]
        assert changed.get("+albums", []) == [(number, *after[number]) for number in sorted(set(after) - gone)]
        assert changed.get("-photos", []) == [(number * 10 + n, number) for number in sorted(gone) for n in range(2)]
        assert set(changed) <= {"-users", "-albums", "+albums", "-photos"}
        left = {number: after.get(number, owners) for number, owners in left.items() if number not in gone}
    assert scene.rows("SELECT id FROM users") == [(LIV,)]


def test_what_columns_share_goes_with_the_last_one_by_one(scene: Scene) -> None:
    owned(scene, "NULL")
    leave_owned(scene, one_by_one(), None)


def test_what_columns_share_goes_with_the_last_of_a_batch_where_zero_is_nobody(scene: Scene) -> None:
    owned(scene, "0")
    leave_owned(scene, at_once(), 0)


def test_what_i_did_in_a_shared_project_follows_its_own_rule(scene: Scene) -> None:
    """A task is of the project, and only names who opened it; a comment is its author's."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE projects (shop INT, no INT, PRIMARY KEY (shop, no))",
        "CREATE TABLE members (id INT PRIMARY KEY, shop INT NOT NULL, no INT NOT NULL, "
        "user_id INT REFERENCES users (id), FOREIGN KEY (shop, no) REFERENCES projects (shop, no))",
        "CREATE TABLE tasks (id INT PRIMARY KEY, shop INT, no INT, opened_by INT REFERENCES users (id), "
        "FOREIGN KEY (shop, no) REFERENCES projects (shop, no))",
        "CREATE TABLE comments (id INT PRIMARY KEY, task_id INT REFERENCES tasks (id), "
        "author_id INT REFERENCES users (id))",
        "INSERT INTO users VALUES (1), (2), (3)",
        "INSERT INTO projects VALUES (1, 10), (2, 20), (1, 20), (2, 10)",
        "INSERT INTO members VALUES (1, 1, 10, 1), (2, 2, 20, 1), (3, 2, 20, 2), (4, 1, 20, 2), (5, 2, 10, 3)",
        "INSERT INTO tasks VALUES (1, 1, 10, 1), (2, 1, 10, 2), (3, 2, 20, 1), (4, 2, 20, 2)",
        "INSERT INTO tasks VALUES (5, 1, 20, 1), (6, 2, 10, 3)",
        "INSERT INTO comments VALUES (1, 1, 1), (2, 2, 2), (3, 3, 1), (4, 3, 2), (5, 4, 1), (6, 5, 3), (7, 6, 1)",
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
projects:
  references: [{columns: [shop, no], to: members, match: [shop, no], kind: shared}]
  action: delete
members:
  references: [{column: user_id, to: users}]
  action: delete
tasks:
  references: [{columns: [shop, no], to: projects}, {column: opened_by, to: users, kind: mention}]
  action: delete
comments:
  references: [{column: author_id, to: users}, {column: task_id, to: tasks}]
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-comments": [(1, 1, 1), (2, 2, 2), (3, 3, 1), (5, 4, 1), (7, 6, 1)],
        "-members": [(1, 1, 10, 1), (2, 2, 20, 1)],
        "-projects": [(1, 10)],
        "-tasks": [(1, 1, 10, 1), (2, 1, 10, 2), (3, 2, 20, 1), (5, 1, 20, 1)],
        "+tasks": [(3, 2, 20, None), (5, 1, 20, None)],
        "-users": [(1,)],
    }


def test_an_empty_text_is_no_owner(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id VARCHAR(20) PRIMARY KEY)",
        "CREATE TABLE albums (id INT PRIMARY KEY, owner_a VARCHAR(20) NOT NULL, owner_b VARCHAR(20) NOT NULL)",
        "INSERT INTO users VALUES ('kari'), ('ola')",
        "INSERT INTO albums VALUES (1, 'kari', ''), (2, '', 'kari'), (3, 'ola', 'kari'), (4, '', ''), (5, 'ola', '')",
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
albums:
  references:
    - {column: owner_a, to: users, kind: shared, set: ""}
    - {column: owner_b, to: users, kind: shared, set: ""}
  action: delete
"""
    )
    assert erased(scene, "kari") == {
        "-albums": [(1, "kari", ""), (2, "", "kari"), (3, "ola", "kari")],
        "+albums": [(3, "ola", "")],
        "-users": [("kari",)],
    }
