"""The portal: who asked and what was before, visits, codes, limits, and what is to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.String(27)


def upgrade() -> None:
    for column in (
        sa.Column("not_before", moment),
        sa.Column("secret", sa.String(64)),
        sa.Column("follows", sa.String(11)),
        sa.Column("followed_by", sa.String(11)),
        sa.Column("until", moment),
        sa.Column("leaving", sa.String(20), nullable=False, server_default=""),
        sa.Column("doubt", sa.String(20), nullable=False, server_default=""),
    ):
        op.add_column("requests", column)
    op.create_index("ix_requests_waiting", "requests", ["state", "kind", "not_before"])
    op.create_index("ix_requests_until", "requests", ["until"])
    op.create_table(
        "particulars",
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("request", name="pk_particulars"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_particulars_request"),
    )
    op.create_table(
        "before",
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("request", "part", name="pk_before"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_before_request"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.Column("signed_in_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("request", sa.String(11)),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "codes",
        sa.Column("number", number, nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("request", sa.String(11)),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("used_at", moment),
        sa.PrimaryKeyConstraint("number", name="pk_codes"),
    )
    op.create_index("ix_codes_session", "codes", ["session"])
    op.create_index("ix_codes_expires_at", "codes", ["expires_at"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("window", moment, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", "window", name="pk_attempts"),
    )
    op.create_index("ix_attempts_window", "attempts", ["window"])
    op.create_table(
        "spent",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_spent"),
    )
    op.create_index("ix_spent_expires_at", "spent", ["expires_at"])
    op.create_table(
        "notices",
        sa.Column("number", number, nullable=False),
        sa.Column("request", sa.String(11)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("sent_at", moment),
        sa.PrimaryKeyConstraint("number", name="pk_notices"),
    )
    op.create_index("ix_notices_request", "notices", ["request"])
    op.create_index("ix_notices_waiting", "notices", ["state", "next_at"])
    op.create_table(
        "deliveries",
        sa.Column("number", number, nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_status", sa.Integer),
        sa.PrimaryKeyConstraint("number", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_request", "deliveries", ["request"])
    op.create_index("ix_deliveries_waiting", "deliveries", ["state", "next_at"])
