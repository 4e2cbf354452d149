"""`oscar` and `pretix`: the two applications, each test with a copy of its own."""

from collections.abc import Callable, Iterator

import pytest

from slett.stores.schema import Dialect
from tests.realworld.apps import App, AppMissingError, Template, template
from tests.servers.databases import Databases

NewDatabase = Callable[[Dialect], str]


def _template(name: str, new_database: NewDatabase, databases: Databases) -> Template:
    url = new_database("postgresql")
    databases.made.discard(url)  # it outlives the test that is the first to ask for it
    try:
        return template(name, url)
    except AppMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def oscar_template(new_database: NewDatabase, databases: Databases) -> Template:
    return _template("oscar", new_database, databases)


@pytest.fixture(scope="session")
def pretix_template(new_database: NewDatabase, databases: Databases) -> Template:
    return _template("pretix", new_database, databases)


@pytest.fixture
def oscar(oscar_template: Template) -> Iterator[App]:
    with oscar_template.copy() as app:
        yield app


@pytest.fixture
def pretix(pretix_template: Template) -> Iterator[App]:
    with pretix_template.copy() as app:
        yield app
