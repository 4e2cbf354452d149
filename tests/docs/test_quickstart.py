"""The quickstart, typed."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.docs.pages import blocks, page

BLOCKS = blocks(page("quickstart"))
MARK = "=== the next block ==="


def plain(text: str) -> list[str]:
    """The lines, without what differs from run to run or is left out."""
    lines = [" ".join(re.sub(r"S-\w{4}-\w{4}", "S-…", line).split()) for line in text.splitlines()]
    return [line for line in lines if line.strip("─… ")]


def test_every_block_runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    """Except the installation, which would need a network."""
    scripts = [content for language, content in BLOCKS if language == "bash"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("SLETT_", "SHOP_"))}
    done = subprocess.run(
        ["bash", "-e", "-c", "".join(f"{script}\necho '{MARK}'\n" for script in scripts)],
        cwd=tmp_path,
        env=outside | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(MARK)[:-1]
    assert len(printed) == len(scripts)
    shown = dict(zip(scripts, printed, strict=True))
    compared = 0
    for (language, script), (other, expected) in pairwise(BLOCKS):
        if (language, other) == ("bash", "text"):
            assert [line for line in plain(expected) if line not in plain(shown[script])] == []
            compared += 1
    assert compared == 5
