"""Other people in the shop: clients that read orders, place orders and change rows, all the time.

On PostgreSQL they are pgbench; on MariaDB, which has no such program, processes of Python:
`python -m bench.lab.traffic URL PEOPLE RATE SPREAD LOG`. Both keep the same kind of log.
"""

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from bench.lab.server import database_of
from bench.lab.shop import PRODUCTS
from tests.servers.process import find_program

Spread = Literal["uniform", "skewed"]
CLIENTS = 4
SKEW = 10.0  # of an exponential distribution: half of the traffic is about 7 % of the people
KINDS = {"read": 6, "order": 2, "update": 2}  # how often, of ten
INSERTED = {"orders": 1, "order_items": 2, "payments": 1}  # rows of one order
_TRIES = 10  # where two transactions met in a deadlock
_FOREVER = 86_400  # seconds; it is told when to end

_SCRIPTS = {
    "read": """
SELECT orders.id, placed_at, total, product_id, amount, price FROM orders
    JOIN order_items ON order_id = orders.id WHERE person_id = :person;
""",
    "order": f"""
\\set product random(1, {PRODUCTS})
BEGIN;
INSERT INTO orders (person_id, placed_at, total, ship_name, ship_street, ship_postcode)
    VALUES (:person, now(), 100, 'A name', 'A street 1', '0001') RETURNING id AS ordered \\gset
INSERT INTO order_items (order_id, product_id, amount, price)
    VALUES (:ordered, :product, 1, 40), (:ordered, 1 + :product / 2, 2, 30);
INSERT INTO payments (order_id, amount, card, paid_at) VALUES (:ordered, 100, 'tok_0', now());
COMMIT;
""",
    "update": """
BEGIN;
UPDATE people SET phone = '+47' || :person WHERE id = :person;
UPDATE carts SET created_at = now() WHERE person_id = :person;
COMMIT;
""",
}


class Transaction(NamedTuple):
    """One transaction of a client: when it ended, in seconds since 1970, and how many seconds it took from its turn."""

    ended: float
    needed: float
    kind: str


@dataclass
class Traffic:
    """What clients did, complete once they have ended."""

    done: list[Transaction] = field(default_factory=list)

    def inserted(self) -> Mapping[str, int]:
        """Rows that were added to each table."""
        orders = Counter(each.kind for each in self.done)["order"]
        return {table: rows * orders for table, rows in INSERTED.items()}


@contextmanager
def traffic(url: str, people: int, spread: Spread, rate: float = 0.0) -> Iterator[Traffic]:
    """Clients at work as long as the `with` lasts.

    Args:
        url: the shop.
        people: traffic is about the people with the keys up to this.
        spread: about all of them alike, or about some much more than others.
        rate: transactions a second of all clients together; 0: as fast as they can.
    """
    found = Traffic()
    work = _pgbench if database_of(url) == "postgresql" else _python
    with TemporaryDirectory() as name:
        folder = Path(name)
        with work(url, people, spread, rate, folder):
            yield found
        for log in folder.glob("log*"):
            found.done += map(_parse, log.read_text().splitlines())
    found.done.sort()


def _parse(line: str) -> Transaction:
    """A line of pgbench's log: client, number, microseconds taken, script, second and microsecond of its end."""
    _, _, taken, kind, second, micro, *_ = line.split()
    return Transaction(int(second) + int(micro) / 1e6, int(taken) / 1e6, list(KINDS)[int(kind)])


@contextmanager
def _pgbench(url: str, people: int, spread: Spread, rate: float, folder: Path) -> Iterator[None]:
    from tests.servers.postgresql import PLACES

    program = find_program("pgbench", *PLACES)
    if not program:
        raise SystemExit("no pgbench here: apt install postgresql-contrib")
    drawn = "random(1, :people)" if spread == "uniform" else f"random_exponential(1, :people, {SKEW})"
    command = [program, "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--time={_FOREVER}"]
    command += [f"--define=people={people}", "--log", f"--log-prefix={folder / 'log'}", f"--max-tries={_TRIES}"]
    command += [f"--rate={rate}"] if rate else []
    for kind, weight in KINDS.items():
        script = folder / f"{kind}.sql"
        script.write_text(f"\\set person {drawn}{_SCRIPTS[kind]}")
        command.append(f"--file={script}@{weight}")
    output = folder / "output"
    with output.open("wb") as said, subprocess.Popen([*command, url], stdout=said, stderr=said) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGALRM)  # as its own clock does at the end of `--time`: no new transactions
            process.wait()
    assert process.returncode == 0, output.read_text()


@contextmanager
def _python(url: str, people: int, spread: Spread, rate: float, folder: Path) -> Iterator[None]:
    processes = []
    for number in range(CLIENTS):
        arguments = [url, str(people), str(rate / CLIENTS), spread, str(folder / f"log.{number}")]
        command = [sys.executable, "-m", "bench.lab.traffic", *arguments]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    try:
        for process in processes:
            assert process.stdout
            process.stdout.readline()  # it is connected
        yield
    finally:
        for process in processes:
            assert process.stdin
            process.stdin.close()  # that is how they are told to end
        codes = [process.wait() for process in processes]
        for process in processes:
            assert process.stdout
            process.stdout.close()
    assert not any(codes), f"a client failed: {codes}"


# -- a client of MariaDB ----------------------------------------------------------------------------


class _Client:
    """Does one transaction after the other."""

    def __init__(self, url: str, people: int, spread: Spread) -> None:
        from bench.lab.mariadb import Connection

        self._connection = Connection(url)
        self._chance = random.Random(os.getpid())
        self._people, self._spread = people, spread

    def work(self, rate: float, log: Path, ended: Callable[[], bool]) -> None:
        """Until the end. At a rate, turns come by chance, and it counts as waiting when one comes too late."""
        kinds = [number for number, weight in enumerate(KINDS.values()) for _ in range(weight)]
        turn = time.time()
        with log.open("w") as file:
            while not ended():
                turn = turn + self._chance.expovariate(rate) if rate else time.time()
                time.sleep(max(0.0, turn - time.time()))
                kind = self._chance.choice(kinds)
                self._insist((self._read, self._order, self._update)[kind])
                end = time.time()
                second, micro = divmod(int(end * 1e6), 1_000_000)
                file.write(f"0 0 {int((end - turn) * 1e6)} {kind} {second} {micro}\n")
        self._connection.close()

    def _insist(self, work: Callable[[int], Any]) -> None:
        import pymysql

        person = self._draw()
        for left in reversed(range(_TRIES)):
            try:
                work(person)
                return
            except pymysql.err.OperationalError as error:
                if error.args[0] != 1213 or not left:
                    raise

    def _draw(self) -> int:
        if self._spread == "uniform":
            return self._chance.randint(1, self._people)
        cut = math.exp(-SKEW)  # as pgbench has it
        return 1 + int(self._people * -math.log(cut + (1 - cut) * (1 - self._chance.random())) / SKEW)

    def _read(self, person: int) -> None:
        self._connection.execute(
            "SELECT orders.id, placed_at, total, product_id, amount, price FROM orders"
            " JOIN order_items ON order_id = orders.id WHERE person_id = %s",
            (person,),
        )

    def _order(self, person: int) -> None:
        run, product = self._connection.execute, self._chance.randint(1, PRODUCTS)
        with self._connection.transaction():
            ((ordered,),) = run(
                "INSERT INTO orders (person_id, placed_at, total, ship_name, ship_street, ship_postcode)"
                " VALUES (%s, now(), 100, 'A name', 'A street 1', '0001') RETURNING id",
                (person,),
            )
            run(
                "INSERT INTO order_items (order_id, product_id, amount, price) VALUES (%s, %s, 1, 40), (%s, %s, 2, 30)",
                (ordered, product, ordered, 1 + product // 2),
            )
            run("INSERT INTO payments (order_id, amount, card, paid_at) VALUES (%s, 100, 'tok_0', now())", (ordered,))

    def _update(self, person: int) -> None:
        with self._connection.transaction():
            self._connection.execute("UPDATE people SET phone = %s WHERE id = %s", (f"+47{person}", person))
            self._connection.execute("UPDATE carts SET created_at = now() WHERE person_id = %s", (person,))


def _main(url: str, people: str, rate: str, spread: Spread, log: str) -> None:
    from select import select

    def ended() -> bool:
        return bool(select([sys.stdin], [], [], 0)[0])

    client = _Client(url, int(people), spread)
    print("ready", flush=True)
    client.work(float(rate), Path(log), ended)


if __name__ == "__main__":
    _main(*sys.argv[1:])  # type: ignore[arg-type] # we started it ourselves
