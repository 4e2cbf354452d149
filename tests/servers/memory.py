"""Where tests write: in memory, where there is enough of it, so that they wait for no disk.

What is written there outlives any process and no power cut, and no test makes one of those.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = "/dev/shm"  # noqa: S108 - each takes a folder of its own in it
ENOUGH = 4 << 30  # bytes: the servers and files of three test processes are a quarter of that


def write_in_memory() -> None:
    """Make temporary files of this process, and of those it starts, in memory; unless there is a `TMPDIR`."""
    if "TMPDIR" in os.environ or not Path(MEMORY).is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH:
        return
    os.environ["TMPDIR"] = tempfile.tempdir = MEMORY
