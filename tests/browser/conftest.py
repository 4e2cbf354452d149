"""A marketplace, its portal and a mail server for every test, all real; and somebody at a real browser.

Every page that somebody comes to is looked at once in each language: see `eyes`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Playwright, sync_playwright

from examples.torget.oracle import wrong
from examples.torget.people import Person
from examples.torget.seed import build_town, store
from examples.torget.town import Town
from examples.torget.web.place import Place, open_place
from tests.browser.eyes import Eyes
from tests.browser.somebody import Somebody

STORES = ("torget", "konsern")
LANGUAGES = {"nb": "nb-NO", "en": "en-GB", "ar": "ar-EG"}
DEVICES = {"phone": "iPhone 14", "small phone": "Galaxy S5", "computer": "Desktop Chrome"}
Device = Literal["phone", "small phone", "computer"]


@dataclass
class World:
    """Torget and Konsern, with nobody gone yet, and what serves them."""

    town: Town
    place: Place
    engines: dict[str, sa.Engine]

    def wrong(self, *left: Person) -> list[str]:
        """The rows that are not as they must be, now that these people have left; sign-ins of others apart."""
        return wrong(self.town, self.engines, *left)

    def touched(self) -> set[str]:
        """The tables in which any row is not as it was made."""
        return {line.split()[0] for line in self.wrong()}

    def ask(self, question: sa.Select[Any]) -> object:
        """What Torget's database answers."""
        with self.engines["torget"].connect() as connection:
            return connection.scalar(question)

    def change(self, change: sa.Update) -> None:
        with self.engines["torget"].begin() as connection:
            connection.execute(change)


@pytest.fixture(scope="session")
def town() -> Town:
    return build_town(datetime.now(UTC).date())


@pytest.fixture(scope="session")
def databases_of_town(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both databases, to be copied."""
    folder = tmp_path_factory.mktemp("town")
    engines = {name: sa.create_engine(f"sqlite:///{folder / name}.db") for name in STORES}
    store(town, engines)
    for engine in engines.values():
        engine.dispose()
    return folder


@pytest.fixture
def world(town: Town, databases_of_town: Path, tmp_path: Path) -> Iterator[World]:
    urls = {}
    for name in STORES:
        urls[name] = f"sqlite:///{shutil.copy(databases_of_town / f'{name}.db', tmp_path)}"
    engines = {name: sa.create_engine(url) for name, url in urls.items()}
    with open_place(tmp_path / "slett", urls) as place:
        yield World(town, place, engines)
    for engine in engines.values():
        engine.dispose()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here: apt install chromium")
    browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def eyes(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Eyes:
    run = tmp_path_factory.getbasetemp()
    shared = run.parent if os.environ.get("PYTEST_XDIST_WORKER") else run
    return Eyes(chromium, Path(__file__).parents[2] / "build" / "screens", shared / "seen")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Arrives = Callable[..., Somebody]


@pytest.fixture
def arrives(world: World, playwright: Playwright, chromium: Browser, eyes: Eyes) -> Iterator[Arrives]:
    """`arrives(person, language, device)`: somebody opens a browser, with scripts off unless asked for."""
    with ExitStack() as stack:

        def arrive(person: Person, language: str, device: Device = "phone", *, scripts: bool = False) -> Somebody:
            context = chromium.new_context(
                **playwright.devices[DEVICES[device]], locale=LANGUAGES[language], java_script_enabled=scripts
            )
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            return Somebody(context.new_page(), person, language, world.place, eyes)

        yield arrive
