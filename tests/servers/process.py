"""A server's process: its programs, its account, its port, its folder, its end."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PATIENCE = 60.0  # seconds: a first start on a busy machine
_END = """
read -r _
kill -QUIT "$1" 2>/dev/null
tries=100
while kill -0 "$1" 2>/dev/null && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
rm -rf "$2"
"""


class ServerMissingError(Exception):
    """The server's programs are not on this machine; the text says what to install."""


def find_program(name: str, *places: str) -> str | None:
    """The path of a program: on the PATH, or in the newest of the folders that match these patterns."""
    if on_path := shutil.which(name):
        return on_path
    for place in places:
        found = sorted(Path("/").glob(f"{place.lstrip('/')}/{name}"), key=_version)
        if found:
            return str(found[-1])
    return None


def _version(path: Path) -> list[int]:
    return [int(digits) for digits in "".join(c if c.isdigit() else " " for c in str(path)).split()]


class ServerProcess:
    """A server in a folder of its own, as an unprivileged account where we are root."""

    def __init__(self, name: str, *accounts: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"slett-{name}-"))
        self.log = self.folder / "log"
        self.port = _free_port()
        self._account = _account(*accounts)
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)

    def run(self, *command: str) -> None:
        """Run one of the server's programs to its end."""
        with self.log.open("ab") as log:
            status = self._popen(command, log.fileno()).wait()
        if status:
            raise RuntimeError(f"{command[0]} failed with status {status}:\n{self.log.read_text()}")

    def start(self, *command: str, ready: Callable[[], bool]) -> None:
        """Start the server and wait until `ready`."""
        with self.log.open("ab") as log:
            self._process = self._popen(command, log.fileno())
        # Closing this pipe ends the server, and that happens by itself when the tests are killed.
        self._watch = subprocess.Popen(
            ["sh", "-c", _END, "sh", str(self._process.pid), self.folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + _PATIENCE
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = self.log.read_text()
                self.stop()
                raise RuntimeError(f"{command[0]} did not start:\n{log_text}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server as `kill -9` does, and everything that it has started; its folder stays."""
        assert self._process
        assert self._watch
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = [int(each) for each in children.read_text().split()] if children.exists() else []
        self._process.kill()
        self._process.wait()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._watch.kill()  # it would remove the folder
        self._watch.wait()
        if self._watch.stdin:
            self._watch.stdin.close()

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        if self._process and self._watch and self._watch.stdin:
            self._watch.stdin.close()
            self._process.wait()
            self._watch.wait()

    def _popen(self, command: tuple[str, ...], output: int) -> subprocess.Popen[bytes]:
        account = self._account
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the tests; they end the server in order
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _account(*names: str) -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerMissingError("no unprivileged account to run the server as; create one named nobody")


def _free_port() -> int:
    """A port nobody listens on, below the range that clients' own ends are taken from."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
