"""How many rows a batch is to change, beside the batch: the ceiling of a day asks before each, and steps are many."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("batches", sa.Column("planned", number, nullable=False, server_default="0"))
    op.create_index("ix_batches_created", "batches", ["created_at"])
    op.execute(
        "UPDATE batches SET planned = (SELECT coalesce(sum(steps.planned), 0) FROM steps WHERE batch = batches.number)"
    )
