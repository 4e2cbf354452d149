"""Where parts of a vault are kept when they are too many for the ledger: any place that fsspec knows.

A folder, an S3 bucket, and so on, by its URL. What is put there is durable before its name is written into the
ledger. Names say the vault's number and nothing about a person.
"""

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress

from slett.vault.identity import VaultError

NAME = re.compile(r"vault-\d+-(\d{6,}-[0-9a-f]{16}|\*)\.age")  # of a part, or of all parts of a vault


class Place:
    """A place by its URL (`file:///var/lib/slett/vault`, `s3://bucket/folder`).

    Raises:
        VaultError: no such kind of place is installed.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # takes its time, and most vaults are in the ledger

        try:
            self._files, self._root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise VaultError(
                f"the place of the vault cannot be used ({type(error).__name__}); "
                "write `vault.url` as fsspec reads it, and install what it needs"
            ) from None

    def put(self, vault: int, part: int, content: bytes) -> str:
        """The name under which the content is kept from now on; a second time it gets another.

        Raises:
            VaultError: the place does not take it.
        """
        name = f"vault-{vault}-{part:06}-{secrets.token_hex(8)}.age"
        try:
            self._files.makedirs(self._root, exist_ok=True)
            with self._files.open(self._path(name), "wb") as file:
                file.write(content)
                file.flush()
                if self._is_local:
                    os.fsync(file.fileno())
            if self._is_local:
                self._sync_folder()
        except Exception as error:  # each kind of place has errors of its own
            raise VaultError(f"the vault's place does not take a part ({_kind(error)}); see `vault.url`") from None
        return name

    def get(self, name: str) -> bytes:
        """What is kept under that name.

        Raises:
            VaultError: it is not there, or the place does not answer.
        """
        try:
            content: bytes = self._files.cat_file(self._path(name))
        except Exception as error:
            raise VaultError(f"the vault's place does not give {name} ({_kind(error)}); see `vault.url`") from None
        return content

    def probe(self) -> None:
        """Make sure that parts can be put here, read and deleted: one without meaning is.

        Raises:
            VaultError: they cannot.
        """
        content = secrets.token_bytes(64)
        name = self.put(0, 0, content)  # no vault has this number
        try:
            if self.get(name) != content:
                raise VaultError(f"the vault's place gives something else than it was given as {name}; see `vault.url`")
        finally:
            self.remove(0, [name])

    def remove(self, vault: int, names: Sequence[str]) -> None:
        """Delete these parts, and any of the same vault that a process which died left without a name in the ledger.

        Raises:
            VaultError: the place does not let us; those that are gone are gone.
        """
        try:
            there = {*map(self._path, names), *self._files.glob(self._path(f"vault-{vault}-*.age"))}
            for path in sorted(there):
                with suppress(FileNotFoundError):
                    self._files.rm_file(path)
        except Exception as error:
            raise VaultError(f"the vault's place does not delete parts ({_kind(error)}); see `vault.url`") from None

    @property
    def _is_local(self) -> bool:
        return "file" in self._files.protocol

    def _path(self, name: str) -> str:
        """Where that name is; a ledger that somebody wrote into must not lead out of the place."""
        if not NAME.fullmatch(name):
            raise VaultError("is asked for a name that no part has")
        return f"{self._root.rstrip('/')}/{name}"

    def _sync_folder(self) -> None:
        folder = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _kind(error: Exception) -> str:
    """What went wrong, without what a driver says of hosts and accounts."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
