"""A small shop as data: its schema and its map, and the plan that follows from them. No database."""

from slett.datamap.load import load_text
from slett.plan import Plan, Relations, make_plan, relate
from slett.stores.schema import Dialect, Schema, Table
from tests.datamap.tables import key, table

TABLES = (
    table("users", "id integer, email text(80)?, active boolean", unique=["email"]),
    table("sessions", "token text(40), user_id integer", key("user_id", "users"), primary_key="token"),
    table(
        "orders",
        "shop integer, no integer, customer_id integer?, guest_email text(80)?, ship_name text(80)?, "
        "ship_zip text(10)?, placed_at date",
        key("customer_id", "users"),
        primary_key="shop no",
    ),
    table(
        "order_items",
        "id integer, shop integer, order_no integer",
        key("shop order_no", "orders", "shop no", "CASCADE"),
    ),
    table("posts", "id integer, author_id integer, above integer?", key("author_id", "users"), key("above", "posts")),
    table(
        "messages",
        "id integer, sender_id integer, recipient_id integer?, recipient_name text(80)?",
        key("sender_id", "users"),
        key("recipient_id", "users"),
    ),
    table("attachments", "id integer, owner_type text(20), owner_id integer"),
    table("events", "id integer, payload json"),
    table("albums", "id integer, owner_a integer?, owner_b integer?", key("owner_a", "users"), key("owner_b", "users")),
    table("projects", "id integer, created_by integer?", key("created_by", "users")),
    table(
        "project_members",
        "project_id integer, user_id integer",
        key("project_id", "projects"),
        key("user_id", "users"),
        primary_key="project_id user_id",
    ),
    table("reviews", "id integer, user_id integer?, nick text(80)?, born date?", key("user_id", "users")),
)
MAP = """
slett: 1
stores:
  shop:
    url: "sqlite://"
    tables:
      users: {root: true, identifiers: {email: email}, disable: {active: false}, action: delete}
      sessions: {references: [{column: user_id, to: users}], disable: delete, action: delete}
      orders:
        references: [{column: customer_id, to: users}, {column: guest_email, identifier: email}]
        action: keep
        until: {column: placed_at, add: 5 years, from: year-end}
        basis: "Bokføringsloven § 13"
        anonymise: {ship_name: null, ship_zip: {prefix: 2}}
      order_items:
        references: [{columns: [shop, order_no], to: orders}]
        action: keep
        until: {as: orders}
        basis: "Bokføringsloven § 13"
      posts:
        references: [{column: author_id, to: users}, {column: above, to: posts, kind: mention}]
        action: delete
      messages:
        references:
          - {column: sender_id, to: users}
          - {column: recipient_id, to: users, kind: mention, anonymise: {recipient_name: "(deleted)"}}
        action: delete
      attachments:
        references:
          - {column: owner_id, to: users, when: {owner_type: user}}
          - {column: owner_id, to: posts, when: {owner_type: post}, none: 0}
        action: delete
      events: {references: [{column: payload, path: user.id, to: users}], action: delete}
      albums:
        references: [{column: owner_a, to: users, kind: shared}, {column: owner_b, to: users, kind: shared}]
      projects:
        references:
          - {column: created_by, to: users, kind: mention}
          - {column: id, to: project_members, match: project_id, kind: shared}
      project_members: {references: [{column: user_id, to: users}], action: delete}
      reviews:
        references: [{column: user_id, to: users}]
        action: anonymise
        anonymise: {nick: {hash: true}, born: {cut: year}}
"""


def schema(dialect: Dialect, *tables: Table) -> Schema:
    return Schema(dialect, {each.name: each for each in tables or TABLES})


def relations(dialect: Dialect = "postgresql") -> Relations:
    return relate(load_text(MAP, environ={}), {"shop": schema(dialect)})


def plan(dialect: Dialect = "postgresql") -> Plan:
    return make_plan(relations(dialect))


def related(text: str, *tables: Table, dialect: Dialect = "postgresql") -> Relations:
    """The relations of a map whose tables are written below `tables:` of the one store `shop`."""
    datamap = load_text("slett: 1\nstores: {shop: {url: 'sqlite://', tables: {" + text + "}}}", environ={})
    return relate(datamap, {"shop": schema(dialect, *tables)})
