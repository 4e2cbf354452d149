"""Erasures in processes of their own, to be killed or measured.

`python -m tests.journeys.apart` reads jobs, one JSON object a line: `folder`, `settings`, `people` (keys), `kill_at`
(0: never), whether it is a `replay` instead, of everybody, and the seconds of a `beat`. Each is done in a fresh fork,
and answered with a line of JSON. A process counts instants: each statement before it is sent and after it was answered,
and each commit of the ledger. At the given one it kills itself, as `kill -9` does. How many there are does not depend
on how long anything takes: signs of life, in a thread of their own, are not counted, and what is done every so many
seconds is done each time.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from slett.ledger import ledger as opening
from slett.requests import erase as erasing
from slett.requests import heart
from slett.requests.erase import Outcome, erase
from slett.requests.replay import replay
from tests.journeys.scene import Scene, subjects

ALWAYS = -1.0  # seconds, that have passed
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Instants:
    """Counts, and ends the process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.passed = 0
        self.statements = 0
        self._kill_at = kill_at
        sa.event.listen(sa.Engine, "before_cursor_execute", self._before)
        sa.event.listen(sa.Engine, "after_cursor_execute", self._pass)
        sa.event.listen(sa.Engine, "commit", self._pass)

    def _before(self, *_: object) -> None:
        self.statements += threading.current_thread() is threading.main_thread()
        self._pass()

    def _pass(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self.passed += 1
            if self.passed == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def peak_kilobytes() -> int:
    """The most memory this process ever had. `getrusage` also counts what its parent had before it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Erase, and say what that took."""
    scene = Scene(Path(job["folder"]), {}, job["settings"])
    erasing.MARK_SECONDS = opening.SCRUB_SECONDS = ALWAYS
    heart.BEAT_SECONDS = job["beat"]
    instants = Instants(job["kill_at"])
    with scene.open() as service:
        if job["replay"]:
            outcomes: Sequence[Outcome] = replay(service, LONG_AGO).outcomes
        else:
            outcomes = erase(service, subjects(service, job["people"]))
    return {
        "states": [outcome.state for outcome in outcomes],
        "instants": instants.passed,
        "statements": instants.statements,
        "peak_kilobytes": peak_kilobytes(),
    }


def main() -> None:
    for line in sys.stdin:
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            sys.stdout.write(json.dumps(work(json.loads(line))) + "\n")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if code := os.waitstatus_to_exitcode(status):
            sys.stdout.write(json.dumps({"died": code}) + "\n")
        sys.stdout.flush()


class Apart:
    """The other end: hands out jobs and reads what came of them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.apart"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(
        self, scene: Scene, people: list[int], kill_at: int = 0, *, replay: bool = False, beat: float = 5.0
    ) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        job = {"folder": str(scene.folder), "settings": scene.settings, "people": people, "kill_at": kill_at}
        job |= {"replay": replay, "beat": beat}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        self._process.communicate()


if __name__ == "__main__":
    main()
