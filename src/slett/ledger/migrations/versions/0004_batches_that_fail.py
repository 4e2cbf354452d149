"""Batches that fail: lanes, attempts, when to try again, dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

moment = sa.String(27)


def upgrade() -> None:
    for column in (
        sa.Column("lane", sa.String(8), nullable=False, server_default="small"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", moment),
        sa.Column("dead_at", moment),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("batches", column)
    op.create_index("ix_batches_state", "batches", ["state"])
