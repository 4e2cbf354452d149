"""The tables of Torget and of Konsern, for SQLite, PostgreSQL and MariaDB alike."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

TORGET = sa.MetaData(info={"store": "torget"})
KONSERN = sa.MetaData(info={"store": "konsern"})

JSON = sa.JSON().with_variant(JSONB(), "postgresql")  # plain `json` has no equality there
SHORT = sa.String(120)
LONG = sa.String(1000)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)


def _to(name: str, target: str, *, nullable: bool = False, on_delete: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target, ondelete=on_delete), nullable=nullable, index=True)


def _text(name: str, type_: sa.String = SHORT, *, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=nullable, **more)


def _when(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime, nullable=nullable)


# Who is here

users = sa.Table(
    "users",
    TORGET,
    _id(),
    _text("public_id", sa.String(12), unique=True),
    _text("email", unique=True),
    _text("phone", sa.String(20), nullable=True, unique=True),
    _text("name"),
    _text("password_hash"),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("commercial_mail", sa.Boolean, nullable=False),
    _when("created_at"),
)
addresses = sa.Table(
    "addresses",
    TORGET,
    _id(),
    _to("user_id", "users.id"),
    _text("street"),
    _text("postcode", sa.String(10)),
    _text("city"),
)
sessions = sa.Table(
    "sessions",
    TORGET,
    _text("token", sa.String(40), primary_key=True),
    _to("user_id", "users.id"),
    _when("expires_at"),
)
login_history = sa.Table(
    "login_history", TORGET, _id(), _to("user_id", "users.id"), _text("ip"), _text("browser"), _when("at")
)
newsletter_subscriptions = sa.Table(
    "newsletter_subscriptions", TORGET, _id(), _text("email", index=True), _when("since")
)
contacts = sa.Table(
    "contacts",
    TORGET,
    _id(),
    _to("owner_id", "users.id"),
    _to("contact_id", "users.id", nullable=True),
    _text("name"),
    _text("email", nullable=True, index=True),
    _text("phone", sa.String(20), nullable=True, index=True),
    _text("note", nullable=True),
)

# What is for sale

categories = sa.Table("categories", TORGET, _id(), _to("parent_id", "categories.id", nullable=True), _text("title"))
stalls = sa.Table(
    "stalls",
    TORGET,
    _id(),
    _text("title"),
    _to("owner_id", "users.id", nullable=True),
    _to("co_owner_id", "users.id", nullable=True),
    sa.Column("rent_is_due", sa.Boolean, nullable=False),
)
listings = sa.Table(
    "listings",
    TORGET,
    _id(),
    _to("seller_id", "users.id"),
    _to("stall_id", "stalls.id", nullable=True),
    _to("category_id", "categories.id"),
    _to("approved_by", "users.id", nullable=True),
    _text("title"),
    _text("description", LONG),
    sa.Column("price", sa.Integer, nullable=False),
    _text("state", sa.String(10)),
    _when("published_at"),
)
listing_photos = sa.Table(
    "listing_photos",
    TORGET,
    _id(),
    _to("listing_id", "listings.id", on_delete="CASCADE"),
    _text("path"),
)
wish_lists = sa.Table("wish_lists", TORGET, _id(), _to("user_id", "users.id"), _text("title"))
wish_list_items = sa.Table(
    "wish_list_items",
    TORGET,
    _id(),
    _to("wish_list_id", "wish_lists.id", on_delete="CASCADE"),
    _to("listing_id", "listings.id", nullable=True),
    _text("note", nullable=True),
)
carts = sa.Table("carts", TORGET, _id(), _to("user_id", "users.id"), _when("updated_at"))
cart_items = sa.Table(
    "cart_items",
    TORGET,
    _id(),
    _to("cart_id", "carts.id", on_delete="CASCADE"),
    _to("listing_id", "listings.id", nullable=True),
    sa.Column("quantity", sa.Integer, nullable=False),
)

# What was sold

orders = sa.Table(
    "orders",
    TORGET,
    _id(),
    _text("number", sa.String(20), unique=True),
    _to("customer_id", "users.id", nullable=True),
    _text("guest_email", nullable=True, index=True),
    _text("ship_name"),
    _text("ship_street", nullable=True),
    _text("ship_postcode", sa.String(10), nullable=True),
    sa.Column("total", sa.Integer, nullable=False),
    _when("placed_at"),
    _when("paid_at", nullable=True),
)
order_items = sa.Table(
    "order_items",
    TORGET,
    sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    _to("listing_id", "listings.id", nullable=True),
    _to("seller_id", "users.id", nullable=True),
    _text("seller_name", nullable=True),
    sa.Column("price", sa.Integer, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    _text("gift_note", nullable=True),
)
payments = sa.Table(
    "payments",
    TORGET,
    _id(),
    _to("order_id", "orders.id"),
    _text("method", sa.String(20)),
    _text("card_holder", nullable=True),
    _text("card_digits", sa.String(4), nullable=True),
    sa.Column("amount", sa.Integer, nullable=False),
    _when("paid_at"),
)

# What people say to each other

conversations = sa.Table("conversations", TORGET, _id(), _text("topic"), _when("started_at"))
conversation_members = sa.Table(
    "conversation_members",
    TORGET,
    sa.Column(
        "conversation_id",
        sa.Integer,
        sa.ForeignKey("conversations.id"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False, index=True),
    _when("joined_at"),
)
messages = sa.Table(
    "messages",
    TORGET,
    _id(),
    _to("conversation_id", "conversations.id", nullable=True),
    _to("sender_id", "users.id"),
    _to("recipient_id", "users.id", nullable=True),
    _text("recipient_name", nullable=True),
    _text("body", LONG),
    _when("sent_at"),
)
reviews = sa.Table(
    "reviews",
    TORGET,
    _id(),
    _to("author_id", "users.id"),
    _to("seller_id", "users.id", nullable=True),
    _to("listing_id", "listings.id", nullable=True),
    _to("parent_id", "reviews.id", nullable=True),
    sa.Column("stars", sa.Integer, sa.CheckConstraint("stars BETWEEN 1 AND 5"), nullable=True),
    _text("body", LONG),
    _when("written_at"),
)
notifications = sa.Table(
    "notifications",
    TORGET,
    _id(),
    _to("user_id", "users.id"),
    _to("actor_id", "users.id", nullable=True),
    _text("actor_name", nullable=True),
    _text("kind", sa.String(20)),
    _when("at"),
)
attachments = sa.Table(
    "attachments",
    TORGET,
    _id(),
    _text("owner_type", sa.String(20)),
    sa.Column("owner_id", sa.Integer, nullable=False),
    _text("path"),
    sa.Index("ix_attachments_owner", "owner_id", "owner_type"),
)

# What the machinery notes down

page_views = sa.Table(
    "page_views",
    TORGET,
    sa.Column("user_id", sa.Integer, nullable=True, index=True),
    _text("path"),
    _text("ip"),
    _when("at"),
)
events = sa.Table(
    "events",
    TORGET,
    _id(),
    _text("kind", sa.String(20)),
    sa.Column("payload", JSON, nullable=False),
    _when("at"),
)

# The parent company

persons = sa.Table(
    "persons",
    KONSERN,
    _text("id", sa.String(12), primary_key=True),
    _text("torget_ref", sa.String(12), nullable=True, index=True),
    _text("email", nullable=True, index=True),
    _text("name"),
    sa.Column("birth_date", sa.Date, nullable=True),
    sa.Column("commercial_mail", sa.Boolean, nullable=False),
)


def _to_person(*, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column("person_id", sa.String(12), sa.ForeignKey("persons.id"), nullable=nullable, **more)


contact_history = sa.Table(
    "contact_history",
    KONSERN,
    _id(),
    _to_person(index=True),
    _text("channel", sa.String(20)),
    _text("summary", LONG),
    _when("at"),
)
consents = sa.Table(
    "consents",
    KONSERN,
    _to_person(primary_key=True),
    _text("purpose", sa.String(40), primary_key=True),
    _when("given_at"),
    _when("withdrawn_at", nullable=True),
)
loyalty_points = sa.Table(
    "loyalty_points",
    KONSERN,
    _id(),
    _to_person(nullable=True, index=True),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("earned_on", sa.Date, nullable=False),
    _text("note", nullable=True),
)
