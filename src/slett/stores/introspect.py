"""Reading a live schema: what tables there are, and everything that can stand in the way of changing their rows.

A constant number of catalogue queries, however many tables there are (SQLite, where queries cost nothing, apart).
Only catalogues are read: no row of a table is, except that SQLite counts rows where it keeps no estimate.
"""

import sqlalchemy

from slett.stores import introspect_mariadb, introspect_postgresql, introspect_sqlite
from slett.stores.schema import Schema

_READERS = {
    "postgresql": introspect_postgresql.read,
    "mariadb": introspect_mariadb.read,
    "mysql": introspect_mariadb.read,
    "sqlite": introspect_sqlite.read,
}


def read_schema(connection: sqlalchemy.Connection) -> Schema:
    """The schema of the database that `connection` is open on.

    PostgreSQL: all schemas but the system's; partitions and inheriting tables are part of their parent.
    MariaDB: this database, and the tables of others whose foreign keys point into it. SQLite: the main file.

    Raises:
        ValueError: the connection is to none of these.
    """
    name = connection.dialect.name
    if name not in _READERS:
        raise ValueError(f"cannot read the schema of a {name} database; use PostgreSQL, MariaDB, MySQL or SQLite")
    return _READERS[name](connection)
