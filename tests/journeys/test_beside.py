"""Many people on two connections: what is done is the same, and neither connection waits for the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from slett.execute import Run, Walk
from slett.execute.beside import Beside, Open
from slett.plan import Step
from slett.requests.subject import collected
from slett.stores.errors import Unavailable
from slett.stores.sql import Session
from tests.journeys.crowd import expect_gone, fill
from tests.journeys.scene import Scene, subjects

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
PEOPLE = 60
GOING = range(1, 51)


@pytest.fixture
def crowd(scene: Scene) -> Scene:
    fill(scene, PEOPLE)
    scene.settings |= {"chunk_rows": 3, "chunk_seconds": 3600}
    return scene


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The second sessions that were opened."""
    opened: list[Session] = []

    class Noted(Beside):
        def session(self, step: Step) -> Session | None:
            found = super().session(step)
            if found and found not in opened:
                opened.append(found)
            return found

    monkeypatch.setattr("slett.execute.run.Beside", Noted)
    return opened


def test_two_connections_do_what_one_does_and_never_wait_for_each_other(
    crowd: Scene, more: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody has written a note about the next one, so every slice has to do with its neighbours."""

    def give_way(*_: object) -> None:
        raise AssertionError("one waited for the other")

    monkeypatch.setattr(Run, "_give_way", give_way)
    outcomes = crowd.erase(*GOING)
    assert {each.state for each in outcomes} == {"fulfilled"}
    expect_gone(crowd, PEOPLE, set(GOING))
    (second,) = more
    assert second.statements > 20


def test_a_row_that_somebody_else_holds_stops_one_of_the_two_and_nothing_is_left_out(
    crowd: Scene, more: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.settings["lock_seconds"] = 0.2
    held: list[int] = []
    with psycopg.connect(crowd.urls["shop"]) as other:
        other.execute("SELECT 1 FROM items WHERE order_id IN (SELECT id FROM orders WHERE user_id = 20) FOR UPDATE")
        give_way = Run._give_way

        def wait(self: Run, *args: object) -> None:
            held.append(1)
            other.rollback()
            give_way(self, *args)  # type: ignore[arg-type] # as they came

        monkeypatch.setattr(Run, "_give_way", wait)
        outcomes = crowd.erase(*GOING)
    assert held
    assert more
    assert {each.state for each in outcomes} == {"fulfilled"}
    expect_gone(crowd, PEOPLE, set(GOING))


@pytest.mark.parametrize("pace", [{"connections": 1}, {"rows_a_second": 100_000}, {"busy_sessions": 1_000}])
def test_whoever_sets_a_limit_gets_one_connection(crowd: Scene, more: list[Session], pace: dict[str, int]) -> None:
    crowd.settings["pace"] = pace
    crowd.erase(*GOING)
    assert not more
    expect_gone(crowd, PEOPLE, set(GOING))


def test_a_server_without_room_for_one_more_has_enough_with_one(crowd: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    class Full(Beside):
        def __init__(self, walk: Walk, _open_more: Open | None) -> None:
            super().__init__(walk, self._refuse)

        @contextmanager
        def _refuse(self, store: str) -> Iterator[Session]:
            refused.append(store)
            raise Unavailable(store, "too many connections")
            yield

    monkeypatch.setattr("slett.execute.run.Beside", Full)
    outcomes = crowd.erase(*GOING)
    assert refused == ["shop"]
    assert {each.state for each in outcomes} == {"fulfilled"}
    expect_gone(crowd, PEOPLE, set(GOING))


def test_no_connection_is_closed_while_something_goes_on_with_it(crowd: Scene) -> None:
    """As when the first one fails meanwhile; also where the thread has worked for another store before."""
    happened: list[str] = []
    with crowd.open() as service, service.sessions() as sessions:
        walk = collected(service.plan, sessions, subjects(service, GOING))

        @contextmanager
        def opened(store: str) -> Iterator[Session]:
            with service.session(store) as session:
                yield session
            happened.append("closed")

        with Beside(walk, opened) as beside:
            beside.start(lambda: happened.append("began")).result()
            second = next(found for step in walk.plan.steps if (found := beside.session(step)))

            def work() -> None:
                for _ in range(3):
                    second.run_text("SELECT pg_sleep(0.1)")
                happened.append("worked")

            beside.start(work)
    assert happened == ["began", "worked", "closed"]
