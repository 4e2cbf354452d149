"""The log: it only grows, proves it, and shows where it was tampered with."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
import sqlalchemy

from slett.ledger import Head, Ledger, LedgerError, Tampering, open_ledger
from slett.ledger.database import open_engine
from slett.ledger.merkle import EMPTY, leaf_hash, verify_consistency, verify_inclusion
from slett.settings import Settings

Sql = Callable[..., None]


@pytest.fixture
def sql(settings: Settings, ledger: Ledger) -> Iterator[Sql]:
    """Does to the database what the ledger never would."""
    assert ledger
    engine = open_engine(settings.ledger)

    def run(statement: str, **values: object) -> None:
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text(statement), values).rowcount
            connection.commit()

    yield run
    engine.dispose()


def append(ledger: Ledger, number: int) -> range:
    with ledger.write() as page:
        start = page.log.head().size
        return page.log.append([{"type": "test", "number": start + each} for each in range(number)])


def check(ledger: Ledger, known: Head | None = None) -> Tampering | None:
    with ledger.read() as page:
        return page.log.check(known)


def test_an_empty_log_has_the_head_of_the_empty_tree(ledger: Ledger) -> None:
    with ledger.read() as page:
        assert page.log.head() == Head(0, EMPTY)
        assert list(page.log.entries()) == []
        assert page.log.check() is None


def test_what_this_transaction_appended_is_proven_as_everybody_after_it_does(ledger: Ledger) -> None:
    """However large the log was, and however much came at once, in one go or in two."""
    for first, then in ((1, 1), (4, 3), (1, 8), (13, 1), (2, 5)):
        with ledger.write() as page:
            start = page.log.head().size
            for number in (first, then):
                page.log.append([{"type": "test", "number": each} for each in range(number)])
            places = range(start, start + first + then)
            mine = (page.log.head(), page.log.inclusion(places, places.stop), page.log.read(places))
            assert page.log.check() is None
        with ledger.read() as page:
            assert mine == (page.log.head(), page.log.inclusion(places, places.stop), page.log.read(places))


def test_what_was_tampered_with_is_seen_where_something_was_just_appended(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 3)
    sql("UPDATE log_nodes SET hash = :zero WHERE position = 1", zero=bytes(32))
    with ledger.write() as page:
        page.log.append([{"type": "test"}])
        assert page.log.check()


def test_entries_are_canonical_and_numbered_from_nought(ledger: Ledger) -> None:
    with ledger.write() as page:
        assert page.log.append([{"b": 1, "a": "ø"}, {"type": "x"}]) == range(2)
        assert page.log.append([]) == range(0)
        assert page.log.append([{"type": "y"}]) == range(2, 3)
    with ledger.read() as page:
        assert list(page.log.entries()) == [(0, '{"a":"ø","b":1}'.encode()), (1, b'{"type":"x"}'), (2, b'{"type":"y"}')]
        assert list(page.log.entries(2)) == [(2, b'{"type":"y"}')]
        assert page.log.read([2, 0, 9]) == {0: '{"a":"ø","b":1}'.encode(), 2: b'{"type":"y"}'}


def test_every_entry_and_every_growth_is_proven_from_what_is_stored(ledger: Ledger) -> None:
    for portion in (1, 2, 0, 7, 1, 12):
        append(ledger, portion)
    with ledger.read() as page:
        leaves = [leaf_hash(body) for _, body in page.log.entries()]
        heads = [page.log.head(size) for size in range(24)]
        for head in heads[1:]:
            proofs = page.log.inclusion(range(head.size), head.size)
            for index, proof in proofs.items():
                assert verify_inclusion(leaves[index], index, head.size, proof, head.root)
            for old in heads[: head.size + 1]:
                proof = page.log.consistency(old.size, head.size)
                assert verify_consistency(old.size, head.size, old.root, head.root, proof)


def test_there_are_no_proofs_for_a_log_that_long(ledger: Ledger) -> None:
    append(ledger, 3)
    with ledger.read() as page:
        for ask in (lambda: page.log.head(4), lambda: page.log.inclusion([0], 4), lambda: page.log.consistency(1, 4)):
            with pytest.raises(LedgerError, match="the log has 3 entries; it has no head of size 4"):
                ask()
        with pytest.raises(LedgerError, match="a log of size 2 has no entry 2"):
            page.log.inclusion([1, 2], 2)


def test_an_untouched_log_checks_out_over_many_pages(ledger: Ledger) -> None:
    append(ledger, 2_500)
    append(ledger, 1)
    assert check(ledger) is None


@pytest.mark.parametrize("index", [0, 1, 6, 1_004])
def test_a_changed_entry_is_named(ledger: Ledger, sql: Sql, index: int) -> None:
    append(ledger, 1_005)
    sql('UPDATE log_entries SET body = :body WHERE "index" = :index', body=b'{"type":"forged"}', index=index)
    assert check(ledger) == Tampering(index, f"entry {index} is not what was appended")


@pytest.mark.parametrize("index", [0, 5, 1_000, 1_004])
def test_a_removed_entry_is_missed(ledger: Ledger, sql: Sql, index: int) -> None:
    append(ledger, 1_005)
    sql('DELETE FROM log_entries WHERE "index" = :index', index=index)
    found = check(ledger)
    assert found
    assert found.index == index


def test_the_first_of_several_changes_is_named(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 20)
    for index in (17, 4, 11):
        sql('UPDATE log_entries SET body = :body WHERE "index" = :index', body=b"{}", index=index)
    found = check(ledger)
    assert found
    assert found.index == 4


def test_an_entry_changed_together_with_its_own_hash_is_found_by_the_hash_over_it(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 8)
    sql('UPDATE log_entries SET body = :body WHERE "index" = 5', body=b"{}")
    sql("UPDATE log_nodes SET hash = :hash WHERE position = 10", hash=leaf_hash(b"{}"))
    assert check(ledger) == Tampering(4, "entries 4 to 5 are not what was appended, or the hash over them is not")


def test_the_last_entry_changed_together_with_its_own_hash_is_found_by_the_head(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 5)
    sql('UPDATE log_entries SET body = :body WHERE "index" = 4', body=b"{}")
    sql("UPDATE log_nodes SET hash = :hash WHERE position = 8", hash=leaf_hash(b"{}"))
    assert check(ledger) == Tampering(5, "the 5 entries do not make the head of size 5")


def test_a_missing_node_is_found(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 8)
    sql("DELETE FROM log_nodes WHERE position = 1")
    assert str(check(ledger)) == "entries 0 to 1 are not what was appended, or the hash over them is not"


def test_a_log_that_was_cut_short_is_found_by_its_head_and_if_that_was_cut_too_by_a_known_one(
    ledger: Ledger, sql: Sql
) -> None:
    append(ledger, 8)
    with ledger.read() as page:
        known, before = page.log.head(), page.log.head(6)
    sql('DELETE FROM log_entries WHERE "index" >= 6')
    assert check(ledger) == Tampering(6, "the 6 entries do not make the head of size 8")
    sql("UPDATE log_head SET size = 6, root = :root", root=before.root)
    assert check(ledger) is None
    assert check(ledger, known) == Tampering(6, "the log has 6 entries; it had 8 when the known head was made")
    assert check(ledger, before) is None


def test_a_log_that_was_rewritten_whole_is_found_by_a_known_head(ledger: Ledger, sql: Sql) -> None:
    append(ledger, 8)
    with ledger.read() as page:
        known = page.log.head(5)
    for table in ("log_entries", "log_nodes"):
        sql(f"DELETE FROM {table}")
    sql("UPDATE log_head SET size = 0, root = :root", root=EMPTY)
    with ledger.write() as page:
        page.log.append([{"type": "forged", "number": number} for number in range(9)])
    assert check(ledger) is None
    assert check(ledger, known) == Tampering(0, "the first 5 entries are not those that the known head was made of")


def test_threads_that_append_at_once_do_not_fork_the_log(ledger: Ledger) -> None:
    def work() -> None:
        for _ in range(15):
            append(ledger, 3)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.read() as page:
        assert page.log.head().size == 180
        assert page.log.check() is None


def test_processes_that_append_at_once_do_not_fork_the_log(settings: Settings) -> None:
    script = (
        "import sys; from pathlib import Path; from slett.settings import Settings\n"
        "from slett.ledger import open_ledger\n"
        "with open_ledger(Settings(home=Path(sys.argv[1]), ledger_url=sys.argv[2])) as ledger:\n"
        "    for number in range(15):\n"
        "        with ledger.write() as page:\n"
        "            page.log.append([{'process': sys.argv[3], 'number': number}])\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, settings.home, settings.ledger_url, str(number)])
        for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with open_ledger(settings) as ledger, ledger.read() as page:
        assert page.log.head().size == 45
        assert page.log.check() is None


def test_a_reader_sees_one_moment_while_others_append(ledger: Ledger) -> None:
    append(ledger, 4)
    with ledger.read() as page:
        before = page.log.head()
        append(ledger, 4)
        assert page.log.head() == before
        assert len(list(page.log.entries())) == 4
