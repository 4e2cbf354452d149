"""Replay: a value keeps the tombstone of every request that erased it, and a request says what filed it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("requests", sa.Column("origin", sa.String(12), nullable=False, server_default=""))
    with op.batch_alter_table("tombstones") as table:
        table.drop_constraint("pk_tombstones", type_="primary")
        table.create_primary_key("pk_tombstones", ["kind", "hash", "request"])
