"""A connection to MariaDB, encrypted where the server can.

Where the URL names no certificate authority, no certificate is checked; the driver would all the same read those of the
machine for every connection, which takes longer than many a statement.
"""

from ssl import SSLContext
from typing import Any, ClassVar

from pymysql.connections import Connection


class Encrypted(Connection):
    """What is needed for encryption is made once, unless the URL asks for something of its own."""

    preferred: ClassVar[SSLContext | None] = None

    def _create_ssl_ctx(self, sslp: Any) -> SSLContext:
        if not sslp and Encrypted.preferred:
            return Encrypted.preferred
        made: SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc] # the driver's types leave it out
        if not sslp:
            Encrypted.preferred = made
        return made
