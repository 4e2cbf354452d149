"""Building a schema in a test's database, and reading it back."""

from slett.stores.introspect import read_schema
from slett.stores.schema import Schema, Table
from tests.servers.databases import dialect_of, engine


def execute(url: str, *statements: str) -> None:
    """Run these; names in «» are quoted as the database wants it."""
    with engine(url).begin() as connection:
        quote = connection.dialect.identifier_preparer
        for statement in statements:
            text = statement.replace("«", quote.initial_quote).replace("»", quote.final_quote)
            connection.exec_driver_sql(text.replace("%", "%%") if dialect_of(url) != "sqlite" else text)


def schema_of(url: str, *statements: str) -> Schema:
    """The schema as read after these statements."""
    execute(url, *statements)
    with engine(url).connect() as connection:
        return read_schema(connection)


def table_of(url: str, *statements: str) -> Table:
    """The table `t` as read after these statements."""
    return schema_of(url, *statements).tables["t"]


def families(table: Table) -> dict[str, str]:
    return {column.name: column.family for column in table.columns}
