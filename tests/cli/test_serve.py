"""`slett serve`: one process that answers, and that stops when it is told to."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.cli.shop import Shop

PROGRAM = "from slett.cli import main; main(prog_name='slett')"


@contextmanager
def serving(shop: Shop, **environ: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process, and the line that it prints when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--port", "0"],
        cwd=shop.folder,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens_answers_there_and_stops_when_told(shop: Shop) -> None:
    with serving(shop) as (process, line):
        address = line.removeprefix("Listening on ").partition(". ")[0]
        answer = httpx2.get(address, timeout=20, trust_env=False)
        assert answer.status_code == 200
        assert "server" not in answer.headers
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in errors


def test_what_was_asked_is_in_no_log(shop: Shop) -> None:
    with serving(shop) as (process, line):
        address = line.removeprefix("Listening on ").partition(". ")[0]
        for path in ("/s/S-7K4M-2Q9X/SECRETSECRET", "/handoff?token=SECRET", "/nowhere?email=SECRET"):
            httpx2.get(address + path, timeout=20, trust_env=False)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
        assert "SECRET" not in output + errors


def test_a_port_that_is_taken_is_one_sentence(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = shop.slett("serve", "--port", str(taken.getsockname()[1]))
    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "choose others with --host and --port" in said.err


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_one_sentence(shop: Shop, host: str) -> None:
    said = shop.slett("serve", "--host", host, "--port", "0")
    assert said.status == 1
    assert f"cannot listen on {host}" in said.err


def test_a_map_that_is_wrong_stops_it_before_anybody_comes(shop: Shop) -> None:
    shop.sql("ALTER TABLE users ADD COLUMN birth_name varchar(80)", "DROP TABLE messages")
    said = shop.slett("serve", "--port", "0")
    assert said.status == 1
    assert "the map cannot be used" in said.err
    assert "Listening" not in said.out


def test_mails_whose_links_would_lead_nowhere_are_refused(shop: Shop) -> None:
    (shop.folder / "slett.toml").write_text('[mail]\nurl = "smtp://127.0.0.1:1"\n')
    said = shop.slett("serve")
    assert said.status == 1
    assert "`mail.url` is set and `portal.url` is not" in said.all
