"""`shop`: on SQLite, in the folder where the commands are typed. `any_shop`: on each of the three databases."""

from pathlib import Path

import pytest

from slett.settings import each_setting, variable
from tests.cli.shop import Shop


@pytest.fixture(autouse=True)
def _a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with no settings from outside."""
    monkeypatch.chdir(tmp_path)
    for path, _ in each_setting():
        monkeypatch.delenv(variable(path), raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return _filled(tmp_path, "sqlite:///shop.db")


@pytest.fixture
def any_shop(database: str, tmp_path: Path) -> Shop:
    return _filled(tmp_path, database)


def _filled(folder: Path, url: str) -> Shop:
    shop = Shop(folder, {"shop": url})
    shop.fill()
    return shop
