"""What a person at a terminal sees, word for word."""

import os
from pathlib import Path

import pytest

from tests.cli.shop import PERSONAL, Shop
from tests.cli.transcript import replay

TRANSCRIPTS = sorted(Path(__file__).with_name("transcripts").glob("*.txt"))


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: str(file.stem))
def test_the_transcript_is_what_the_commands_print(file: Path, shop: Shop) -> None:
    """`TRANSCRIPTS=write` writes them anew: then read the difference."""
    written = file.read_text(encoding="utf-8")
    printed = replay(shop, written)
    if os.environ.get("TRANSCRIPTS") == "write":
        file.write_text(printed, encoding="utf-8")
    else:
        assert printed == written


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: str(file.stem))
def test_no_transcript_holds_what_the_database_says_of_anybody(file: Path) -> None:
    commands = ("$ ", "identifiers", "#")
    printed = [line for line in file.read_text(encoding="utf-8").lower().splitlines() if not line.startswith(commands)]
    assert [line for line in printed if any(mark in line for mark in PERSONAL)] == []
