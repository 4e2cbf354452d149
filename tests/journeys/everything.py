"""A shop with something of everything in it, small: two stores, and every kind of reference and action."""

from tests.journeys.scene import Scene

SHOP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: 0}
  action: delete
profiles:
  root: true
  references: [{column: user_id, to: users}]
  action: anonymise
  anonymise: {user_id: null, nickname: {hash: true}, slug: {template: "gone-{id}"}}
sessions:
  references: [{column: user_id, to: users}]
  disable: delete
  action: delete
albums:
  references: [{column: user_id, to: users}, {column: cover_id, to: photos, kind: mention}]
  action: delete
photos:
  references: [{column: album_id, to: albums}]
  action: delete
boxes:
  references: [{column: user_id, to: users}, {column: lid_id, to: lids}]
  action: delete
lids:
  references: [{column: box_id, to: boxes}]
  action: delete
orders:
  references:
    - {column: customer_id, to: users}
    - {column: guest_email, identifier: email}
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
  anonymise: {customer_id: null, guest_email: null, ship_name: {hash: true}}
items:
  references: [{column: order_id, to: orders}]
  action: keep
  until: {as: orders}
  basis: a law
  columns: [id, order_id]
  anonymise: {note: null}
comments:
  references:
    - {column: author_id, to: users}
    - {column: parent_id, to: comments, kind: mention}
  action: delete
messages:
  references:
    - {column: sender_id, to: users}
    - {column: recipient_id, to: users, kind: mention, anonymise: {recipient_name: (deleted)}}
  action: delete
projects:
  references: [{column: id, to: members, match: project_id, kind: shared}]
  action: delete
members:
  references: [{column: user_id, to: users}]
  action: delete
stalls:
  references: [{column: one_id, to: users, kind: shared}, {column: other_id, to: users, kind: shared}]
  action: delete
views:
  references: [{column: user_id, to: users}]
  action: delete
"""
CRM = """
persons:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  action: delete
points:
  references: [{column: person_id, to: persons}]
  action: anonymise
  columns: [id, points]
  anonymise: {person_id: null, note: {hash: true}}
"""
PEOPLE = ((1, "kari"), (2, "ola"), (3, "per"))
SHOP_TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, active INT NOT NULL)",
    "CREATE TABLE profiles (id INT PRIMARY KEY, user_id INT REFERENCES users (id), "
    "nickname VARCHAR(40) NOT NULL UNIQUE, slug VARCHAR(40) NOT NULL UNIQUE)",
    "CREATE TABLE sessions (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
    "CREATE TABLE albums (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), cover_id INT)",
    "CREATE TABLE photos (id INT PRIMARY KEY, album_id INT NOT NULL REFERENCES albums (id))",
    "CREATE TABLE lids (id INT PRIMARY KEY, box_id INT)",
    "CREATE TABLE boxes (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), "
    "lid_id INT REFERENCES lids (id))",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT REFERENCES users (id), guest_email VARCHAR(80), "
    "ship_name VARCHAR(40), placed_on DATE NOT NULL)",
    "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL REFERENCES orders (id), note VARCHAR(40))",
    "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id), "
    "parent_id INT REFERENCES comments (id))",
    "CREATE TABLE messages (id INT PRIMARY KEY, sender_id INT NOT NULL REFERENCES users (id), "
    "recipient_id INT REFERENCES users (id), recipient_name VARCHAR(40))",
    "CREATE TABLE projects (id INT PRIMARY KEY, title VARCHAR(40))",
    "CREATE TABLE members (project_id INT NOT NULL REFERENCES projects (id), "
    "user_id INT NOT NULL REFERENCES users (id), PRIMARY KEY (project_id, user_id))",
    "CREATE TABLE stalls (id INT PRIMARY KEY, one_id INT REFERENCES users (id), other_id INT REFERENCES users (id))",
    "CREATE TABLE views (user_id INT, page INT)",
)
CRM_TABLES = (
    "CREATE TABLE persons (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL)",
    "CREATE TABLE points (id INT PRIMARY KEY, person_id INT REFERENCES persons (id), points INT, note VARCHAR(40))",
)
OF_EACH = (
    "INSERT INTO profiles VALUES ({n}00, {n}, '{name}', '{name}')",
    "INSERT INTO sessions VALUES ({n}00, {n}), ({n}01, {n})",
    "INSERT INTO albums VALUES ({n}00, {n}, {n}00), ({n}01, {n}, NULL)",
    "INSERT INTO photos VALUES ({n}00, {n}00), ({n}01, {n}01), ({n}02, {n}00)",
    "INSERT INTO lids VALUES ({n}00, {n}00), ({n}01, {n}00)",
    "INSERT INTO boxes VALUES ({n}00, {n}, {n}00), ({n}01, {n}, {n}01)",
    "INSERT INTO orders VALUES ({n}00, {n}, NULL, '{name}', '2024-01-01'), "
    "({n}01, NULL, '{loud}@x.no', '{name}', '2025-01-01'), ({n}02, {n}, NULL, '{name}', '2001-01-01')",
    "INSERT INTO items VALUES ({n}00, {n}00, '{name}'), ({n}01, {n}01, '{name}'), ({n}02, {n}02, '{name}'), "
    "({n}03, {n}00, '{name}')",
    "INSERT INTO views VALUES ({n}, 7), ({n}, 7), ({n}, 8), ({n}, 9), (NULL, {n})",
)
OF_EACH_IN_CRM = (
    "INSERT INTO persons VALUES ({n}00, '{loud}@X.no')",
    "INSERT INTO points VALUES ({n}00, {n}00, 5, '{name}'), ({n}01, {n}00, 7, '{name}')",
)
TOGETHER = (
    "INSERT INTO projects VALUES (1, 'a'), (2, 'b'), (12, 'c'), (13, 'd'), (23, 'e'), (123, 'f')",
    "INSERT INTO members VALUES (1, 1), (2, 2), (12, 1), (12, 2), (13, 1), (13, 3), (23, 2), (23, 3), "
    "(123, 1), (123, 2), (123, 3)",
    "INSERT INTO stalls VALUES (1, 1, NULL), (2, NULL, 2), (12, 1, 2), (13, 3, 1), (23, 2, 3)",
    "INSERT INTO comments VALUES (1, 1, NULL), (2, 2, 1), (3, 3, 2), (4, 1, 3), (5, 3, 4), (6, 2, 5), (7, 1, 1)",
    "INSERT INTO messages VALUES (1, 1, 2, 'ola'), (2, 2, 1, 'kari'), (3, 3, 1, 'kari'), (4, 3, 2, 'ola'), "
    "(5, 2, 3, 'per'), (6, 1, 3, 'per')",
)


def build(scene: Scene) -> None:
    """The tables, and in them as much of each of three people, and what they have together."""
    users = ", ".join(f"({number}, '{name}@x.no', 1)" for number, name in PEOPLE)
    scene.sql(*SHOP_TABLES, f"INSERT INTO users VALUES {users}", *_of_each(OF_EACH), *TOGETHER)
    scene.sql(*CRM_TABLES, *_of_each(OF_EACH_IN_CRM), store="crm")
    scene.map(shop=SHOP, crm=CRM)


def _of_each(statements: tuple[str, ...]) -> list[str]:
    return [each.format(n=number, name=name, loud=name.upper()) for number, name in PEOPLE for each in statements]
