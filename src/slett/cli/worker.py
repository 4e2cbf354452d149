"""`slett worker`: one of any number that carry out what a PostgreSQL ledger says is due."""

import logging
import signal
import threading
from typing import Any

import click

from slett.cli.errors import sentences
from slett.cli.serve import prepare_log


@click.command()
@click.pass_obj
def worker(settings: Any) -> None:
    """Carry out what is due, beside other workers on any number of machines. Needs a ledger in PostgreSQL."""
    from slett.requests.worker import Worker

    prepare_log()
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what fails is said by us, without drivers' words
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with sentences():
        works = Worker(settings)
        works.start()
    click.echo("Working. Ctrl+C stops it.")
    stop.wait()
    works.stop()
