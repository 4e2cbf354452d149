"""The check that docs/certificates.md describes for people without Slett, run as it stands there."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from slett.certify import certificate_path

Issue = Callable[[int], list[str]]
PAGE = Path(__file__).parents[2] / "docs" / "certificates.md"


@pytest.fixture
def folder(issue: Issue, home: Path, public_key: bytes, tmp_path: Path) -> Path:
    """What the page tells a reader to put together."""
    openssl = shutil.which("openssl")
    if not openssl or b"OpenSSL" not in subprocess.run([openssl, "version"], capture_output=True, check=True).stdout:
        pytest.skip("the command `openssl` is missing, or not OpenSSL's own: install the package `openssl`")
    folder = tmp_path / "somewhere"
    folder.mkdir()
    shutil.copy(certificate_path(home / "certificates", issue(6)[3]), folder / "certificate.json")
    (folder / "signing.pub").write_bytes(public_key)
    return folder


def run_recipe(folder: Path) -> subprocess.CompletedProcess[str]:
    recipes = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(recipes) == 1
    return subprocess.run(["sh", "-e", "-c", recipes[0]], cwd=folder, capture_output=True, text=True, check=False)


def test_the_documented_check_accepts_a_true_certificate(folder: Path) -> None:
    done = run_recipe(folder)
    assert done.returncode == 0, done.stderr
    first, *verified, last = done.stdout.splitlines()
    assert first.startswith("The statement is in the log. Its key is ")
    assert verified == ["Signature Verified Successfully"] * 2
    assert first.endswith(last)


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ('"outcome": "fulfilled"', '"outcome": "not_found"'),
        ('"size": 6', '"size": 7'),
        ('"index": 3', '"index": 2'),
        ('"root": "', '"root": "0'),
    ],
)
def test_the_documented_check_refuses_a_forged_one(folder: Path, told: str, instead: str) -> None:
    path = folder / "certificate.json"
    text = path.read_text("utf-8")
    assert told in text
    path.write_text(text.replace(told, instead), "utf-8")
    assert run_recipe(folder).returncode != 0


def test_the_page_describes_every_field(folder: Path) -> None:
    page = PAGE.read_text("utf-8")
    names = set(re.findall(r'^ *"(\w+)":', (folder / "certificate.json").read_text("utf-8"), re.MULTILINE))
    rows_of_counts = {"delete", "keep"}
    assert [
        name for name in sorted(names - rows_of_counts) if f"`{name}`" not in page and f".{name}`" not in page
    ] == []
