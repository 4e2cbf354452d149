"""Connections to MariaDB: encrypted where the server can, as the driver does by itself, only quicker."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slett.stores.encrypted import Encrypted
from slett.stores.mariadb import MariaDB as Dialect
from tests.servers import mariadb
from tests.servers.process import ServerMissingError

CIPHER = "SHOW STATUS LIKE 'Ssl_cipher'"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows each time that the machine's certificate authorities are read."""
    read: list[object] = []
    real = ssl.SSLContext.load_default_certs

    def load(context: ssl.SSLContext, *purpose: Any) -> None:
        read.append(context)
        real(context, *purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load)
    monkeypatch.setattr(Encrypted, "preferred", None)
    return read


def ciphers(url: str, connections: int) -> set[str]:
    """How each of that many connections is encrypted; empty: not at all."""
    engine = Dialect().connect(sa.make_url(url), 1, 10)
    found = set()
    for _ in range(connections):
        with engine.connect() as connection:
            found.add(str(connection.exec_driver_sql(CIPHER).one()[1]))
            connection.invalidate()
    engine.dispose()
    return found


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that nobody vouches for, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    pem = serialization.Encoding.PEM
    made, private = folder / "cert.pem", folder / "key.pem"
    made.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    private.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
    return made, private


def test_the_machines_authorities_are_read_once_however_many_connect(
    mariadb_database: str, reads: list[object]
) -> None:
    assert ciphers(mariadb_database, 3) == {""}
    assert len(reads) == 1


def test_where_the_server_can_every_connection_is_encrypted_and_another_authority_is_refused(
    tmp_path: Path, reads: list[object]
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs under an account of its own
        made, private = certificate(Path(folder))
        try:
            server = mariadb.MariaDB(mariadb.FAST, f"--ssl-cert={made}", f"--ssl-key={private}")
        except ServerMissingError as missing:
            pytest.skip(str(missing))
        try:
            url = server.create()
            reads.clear()
            assert "" not in ciphers(url, 2)
            assert len(reads) == 1
            other, _ = certificate(tmp_path)
            with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
                ciphers(f"{url}?ssl_ca={other}&ssl_verify_cert=true", 1)
        finally:
            server.stop()
