"""Holds: what must stay until somebody releases it, and the requests that wait for that."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.String(27)


def upgrade() -> None:
    op.add_column("requests", sa.Column("held", number))
    op.create_table(
        "holds",
        sa.Column("number", number, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("placed_at", moment, nullable=False),
        sa.Column("review", sa.Date, nullable=False),
        sa.Column("tables", sa.JSON, nullable=False),
        sa.Column("released_at", moment),
        sa.PrimaryKeyConstraint("number", name="pk_holds"),
    )
    op.create_table(
        "hold_marks",
        sa.Column("hold", number, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("hold", "kind", "hash", name="pk_hold_marks"),
        sa.ForeignKeyConstraint(["hold"], ["holds.number"], name="fk_hold_marks_hold"),
    )
    op.create_index("ix_hold_marks_hash", "hold_marks", ["hash"])
