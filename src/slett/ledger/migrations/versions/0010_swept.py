"""How many rows a late look is to change, and when it said so: the ceiling of a day counts them too."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("batches", sa.Column("swept", number, nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("swept_at", sa.String(27)))
    op.create_index("ix_batches_swept", "batches", ["swept_at"])
