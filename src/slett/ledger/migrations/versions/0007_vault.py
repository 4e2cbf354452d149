"""The vault: what was taken out of the stores and may come back for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "vaults",
        sa.Column("number", number, nullable=False),
        sa.Column("batch", number),
        sa.Column("request", sa.String(11)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("recipient", sa.String(80), nullable=False),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("until", moment),
        sa.Column("destroyed_at", moment),
        sa.PrimaryKeyConstraint("number", name="pk_vaults"),
        sa.UniqueConstraint("batch", name="uq_vaults_batch"),
        sa.UniqueConstraint("request", name="uq_vaults_request"),
        sa.ForeignKeyConstraint(["batch"], ["batches.number"], name="fk_vaults_batch"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_vaults_request"),
    )
    op.create_index("ix_vaults_over", "vaults", ["state", "until"])
    op.create_table(
        "vault_keys",
        sa.Column("vault", number, nullable=False),
        sa.Column("holder", sa.String(8), nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("vault", "holder", name="pk_vault_keys"),
        sa.ForeignKeyConstraint(["vault"], ["vaults.number"], name="fk_vault_keys_vault"),
    )
    op.create_table(
        "vault_parts",
        sa.Column("vault", number, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("rows", number, nullable=False),
        sa.Column("plain", number, nullable=False),
        sa.Column("size", number, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("vault", "part", name="pk_vault_parts"),
        sa.ForeignKeyConstraint(["vault"], ["vaults.number"], name="fk_vault_parts_vault"),
    )
    op.create_table(
        "approvals",
        sa.Column("request", sa.String(11), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("request", "who", name="pk_approvals"),
        sa.ForeignKeyConstraint(["request"], ["requests.reference"], name="fk_approvals_request"),
    )
