"""The first schema: requests, the journal, what is kept, tombstones, and the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "properties",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_properties"),
    )
    op.create_table(
        "batches",
        sa.Column("number", number, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("finished_at", moment),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("held_until", moment),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_batches"),
    )
    op.create_table(
        "requests",
        sa.Column("reference", sa.String(11), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("map_digest", sa.String(64), nullable=False),
        sa.Column("filed_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("law_due", sa.Date, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("batch", number),
        sa.Column("certificate", number),
        sa.PrimaryKeyConstraint("reference", name="pk_requests"),
        sa.ForeignKeyConstraint(["batch"], ["batches.number"], name="fk_requests_batch"),
        sa.CheckConstraint("length(subject) = 64", name=op.f("ck_requests_subject_is_a_hash")),
    )
    for column in ("state", "subject", "filed_at", "batch"):
        op.create_index(f"ix_requests_{column}", "requests", [column])
    op.create_table(
        "steps",
        sa.Column("batch", number, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("table", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("planned", number, nullable=False),
        sa.Column("done", number, nullable=False),
        sa.Column("progress", sa.LargeBinary),
        sa.PrimaryKeyConstraint("batch", "position", name="pk_steps"),
        sa.ForeignKeyConstraint(["batch"], ["batches.number"], name="fk_steps_batch"),
    )
    op.create_table(
        "scope",
        sa.Column("batch", number, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("batch", "name", "part", name="pk_scope"),
        sa.ForeignKeyConstraint(["batch"], ["batches.number"], name="fk_scope_batch"),
    )
    op.create_table(
        "kept",
        sa.Column("number", number, nullable=False),
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("table", sa.Text, nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("keys", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_kept"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_kept_request"),
    )
    op.create_index("ix_kept_request", "kept", ["request"])
    op.create_index("ix_kept_due", "kept", ["due"])
    op.create_table(
        "tombstones",
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("kind", "hash", name="pk_tombstones"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_tombstones_request"),
    )
    op.create_table(
        "log_entries",
        sa.Column("index", number, nullable=False, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_log_entries"),
    )
    op.create_table(
        "log_nodes",
        sa.Column("position", number, nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_log_nodes"),
    )
    head = op.create_table(
        "log_head",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("size", number, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_head"),
    )
    empty = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")  # RFC 9162, 2.1.1
    op.bulk_insert(head, [{"number": 1, "size": 0, "root": empty}])
