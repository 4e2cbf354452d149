"""A replica ends as its primary, whichever way the primary writes its log, and however Slett changed it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.everything import build
from tests.journeys.scene import Scene
from tests.journeys.test_undo import UNDO, restore
from tests.servers.mariadb import wipe
from tests.servers.process import ServerMissingError
from tests.servers.replicated import Replicated, connected, replicated_mariadb, until_repeated

SLICED: dict[str, Any] = {"chunk_rows": 2, "inline_keys": 2}


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    try:
        with replicated_mariadb() as pair, connected(pair.primary) as primary:
            primary.execute("CREATE DATABASE crm")
            yield pair
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    ("people", "settings"), [([1, 2], {}), ([1, 2], SLICED), ([1], SLICED | UNDO)], ids=["two", "in slices", "and back"]
)
@pytest.mark.parametrize("written", ["ROW", "MIXED", "STATEMENT"])
def test_a_replica_of_mariadb_ends_as_its_primary(
    written: str, people: list[int], settings: dict[str, Any], pair: Replicated, tmp_path: Path
) -> None:
    """STATEMENT repeats what Slett said, key tables and all; ROW what came of it."""
    there, repeated = ({"shop": url, "crm": f"{url.rpartition('/')[0]}/crm"} for url in (pair.primary, pair.standby))
    for url in there.values():
        wipe(url)
    with connected(pair.primary) as primary:
        primary.execute("SET GLOBAL binlog_format = %s", (written,))
    scene, replica = Scene(tmp_path, there, dict(settings)), Scene(tmp_path, repeated)
    build(scene)
    before = scene.snapshot()
    outcomes = scene.erase(*people)
    assert {each.state for each in outcomes} == {"fulfilled"}
    until_repeated(pair)
    assert before != scene.snapshot() == replica.snapshot()
    if "vault" in settings:
        restore(scene, outcomes[0].reference)
        until_repeated(pair)
        assert before == scene.snapshot() == replica.snapshot()
