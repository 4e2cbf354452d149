"""Run by Alembic: migrates over the connection, and in the transaction, that `ledger.database` opened."""

from alembic import context

from slett.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite can, as long as nobody commits in between
)
context.run_migrations()
