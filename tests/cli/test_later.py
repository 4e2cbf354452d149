"""`slett sweep`, `slett resume` and `slett replay`: what comes after."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import psycopg
import pytest

from slett.requests import service
from tests.cli.shop import Shop

SLETT = Path(sys.executable).with_name("slett")


class NewYear(datetime):
    """The day on which the books of 2090 may go."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "NewYear":
        return cls(2096, 1, 1, tzinfo=tz or UTC)


@pytest.fixture
def big_shop(postgresql_database: str, tmp_path: Path) -> Shop:
    """On PostgreSQL, where somebody else can hold a single row."""
    shop = Shop(tmp_path, {"shop": postgresql_database})
    shop.fill()
    return shop


@contextmanager
def held_by_somebody_else(shop: Shop) -> Iterator[psycopg.Connection]:
    """The row of user 1, so that nobody can change it; the connection can ask who tries."""
    with psycopg.connect(shop.urls["shop"]) as holder, psycopg.connect(shop.urls["shop"], autocommit=True) as asker:
        holder.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")
        yield asker


def test_kept_rows_go_when_their_time_has_come(any_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    any_shop.succeed("erase", "1", "--yes")
    assert any_shop.succeed("sweep") == "No kept row is due.\n"
    monkeypatch.setattr(service, "datetime", NewYear)
    assert sorted(any_shop.succeed("sweep").splitlines()) == [
        "shop/order_lines: 1 row was due, and erased.",
        "shop/orders: 1 row was due, and erased.",
    ]
    assert any_shop.rows("SELECT id FROM orders") == [(3,)], "that of somebody who did not leave"
    assert any_shop.succeed("sweep") == "No kept row is due.\n"


def test_who_came_back_is_erased_again_and_who_may_be_another_is_counted(shop: Shop) -> None:
    assert shop.succeed("replay") == "Nobody came back.\n"
    kari = shop.rows("SELECT * FROM users WHERE id = 1")[0]
    shop.succeed("erase", "1", "--yes")
    shop.sql(f"INSERT INTO users VALUES {tuple(kari)!r}")
    said = shop.slett("replay", "--since", "2000-01-01", "--dry-run")
    assert (said.status, said.out) == (0, "1 erased person would be erased again, with 1 row.\n")
    assert "1 erased person came back, with 1 row." in shop.succeed("replay", "--since", "2000-01-01")
    assert shop.rows("SELECT id FROM users") == [(2,)]
    shop.sql("INSERT INTO users (id, email) VALUES (1, 'eva@example.org')")
    said = shop.slett("replay")
    assert said.status == 4
    assert "left: 1 person with a key of `shop/users` that was erased" in said.out
    assert '"named_by": "shop/users"' in shop.slett("replay", "--json").out
    shop.succeed("replay", "--doubtful")
    assert shop.rows("SELECT id FROM users") == [(2,)]


def test_a_pause_stops_what_is_typed_until_it_is_lifted(shop: Shop) -> None:
    assert (
        shop.slett("pause", "elsewhere", "--reason", "x").err
        == "Error: the map has no store `elsewhere`; it has shop\n"
    )
    shop.succeed("sweep")
    assert "Paused: store shop." in shop.succeed("pause", "shop", "--reason", "moving house")
    said = shop.slett("erase", "1", "--yes")
    assert said.status == 1
    assert "store `shop` is paused since" in said.err
    assert "moving house; `slett unpause shop` lets it go on" in said.err
    assert "paused: store shop since" in shop.succeed("status")
    assert "was not paused" in shop.succeed("unpause")
    assert "Work goes on" in shop.succeed("unpause", "shop")
    shop.succeed("erase", "1", "--yes")


def test_a_hold_is_placed_shown_and_released(shop: Shop) -> None:
    words = ("--basis", "a case", "--until", "2020-01-01")
    assert shop.slett("hold", "add", "77", *words).status == 3
    assert shop.slett("hold", "add", "1", *words, "--table", "shop/x").err.startswith(
        "Error: the map has no table `shop/x`"
    )
    assert shop.succeed("hold", "add", "1", *words).startswith("Hold 1 on everything of that person")
    said = shop.slett("erase", "--email", "kari.nordmann@example.org", "--yes")
    assert said.status == 1
    assert "held: a case" in said.out
    assert "a case" in shop.succeed("hold", "list")
    assert '"basis": "a case"' in shop.succeed("hold", "list", "--json")
    assert "Released. 1 request waits" in shop.succeed("hold", "release", "1")
    assert shop.slett("hold", "release", "1").status == 1
    assert "1 request whose turn had come: done." in shop.succeed("sweep")
    assert shop.rows("SELECT id FROM users") == [(2,)]
    assert shop.succeed("hold", "list") == "Nobody is held.\n"


def test_nothing_interrupted_is_nothing_to_resume(shop: Shop) -> None:
    assert shop.succeed("resume") == "Nothing was interrupted.\n"
    assert shop.succeed("resume", "--json") == "[]\n"


def test_what_a_locked_row_interrupted_is_finished_later(big_shop: Shop) -> None:
    big_shop.environ["SLETT_LOCK_SECONDS"] = "0.1"
    with held_by_somebody_else(big_shop):
        said = big_shop.slett("erase", "1", "--yes")
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("Error: store `shop`: ")
        assert big_shop.slett("resume").status == 1
    assert "fulfilled" in big_shop.succeed("resume")
    assert big_shop.rows("SELECT id FROM users") == [(2,)]
    assert big_shop.succeed("resume") == "Nothing was interrupted.\n"


def test_what_a_killed_process_left_is_finished_once_somebody_says_that_it_is_dead(big_shop: Shop) -> None:
    with held_by_somebody_else(big_shop) as asker:
        command = [str(SLETT), "erase", "1", "--yes"]
        with subprocess.Popen(
            command, env=os.environ | {"SLETT_LOCK_SECONDS": "60"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            for _ in range(600):
                waiting = asker.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").rowcount
                if waiting or process.poll() is not None:
                    break
                time.sleep(0.05)
            process.kill()
            process.communicate()
        assert waiting, "it got so far"
        said = big_shop.slett("resume")
        assert said.status == 1
        assert "take it over if that process is dead" in said.err
    assert "fulfilled" in big_shop.succeed("resume", "--force")
    assert big_shop.rows("SELECT id FROM users") == [(2,)]


def test_whoever_is_held_is_told_once_why_and_goes_after_the_release(shop: Shop) -> None:
    assert "Hold 1 on everything" in shop.succeed("hold", "add", "1", "--basis", "claim 7", "--until", "2090-01-01")
    said = shop.slett("erase", "1", "--yes")
    assert said.status == 1
    assert said.out.endswith(" held: claim 7\n")
    assert "claim 7" in shop.succeed("hold", "list")
    assert shop.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]
    assert "1 request waits" in shop.succeed("hold", "release", "1")
    assert "1 request whose turn had come" in shop.succeed("sweep")
    assert shop.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]
    assert "no hold 1 that stands" in shop.slett("hold", "release", "1").err
