"""Pauses: work stops until somebody lets it go on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("number", number, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("lifted_at", moment),
        sa.PrimaryKeyConstraint("number", name="pk_pauses"),
    )
