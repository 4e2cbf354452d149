"""Batches that are looked at once more, when their settle window has passed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("batches", sa.Column("settles_at", sa.String(27)))
