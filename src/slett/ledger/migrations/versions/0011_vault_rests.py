"""What of a vault's rows did not come back when somebody returned, and may come later."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "vault_rests",
        sa.Column("vault", number, nullable=False),
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("vault", "request", name="pk_vault_rests"),
        sa.ForeignKeyConstraint(["vault"], ["vaults.number"], name="fk_vault_rests_vault"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_vault_rests_request"),
    )
