"""Bad input gets one clear sentence on standard error and a status that is not 0, and changes nothing.

Never a traceback (`Shop.slett` would raise it), a password, or what the databases say of anybody.
"""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.stores.schema import Dialect
from tests.cli.shop import PERSONAL, Said, Shop
from tests.conftest import NewDatabase

SECRET = "hunter2"
URLS = {
    f"postgresql://u:{SECRET}@127.0.0.1:1/x": "nothing listens at that host and port",
    f"mariadb://u:{SECRET}@127.0.0.1:1/x": "the connection was lost or could not be made",
    f"postgresql://u:{SECRET}@no-such-host.invalid/x": "there is no such host",
    f"postgresql://u:{SECRET}@127.0.0.1:port/x": "write postgresql://",
    f"postgresql://u:{SECRET}@[::1/x": "write postgresql://",
    f"postgresql://u:{SECRET}@127.0.0.1:1/x?{SECRET}={SECRET}": "could not be made",
    f"mariadb://u:{SECRET}@127.0.0.1:1/x?{SECRET}={SECRET}": "an option that the driver does not know",
    f"oracle://u:{SECRET}@127.0.0.1/x": "`oracle` is not a kind of database known here",
    f"mssql+pyodbc://u:{SECRET}@127.0.0.1/x": "is not a kind of database known here",
    f"{SECRET}": "write postgresql://",
    "://": "write postgresql://",
    "sqlite://": "the file does not exist or cannot be opened",
    "sqlite:///missing.db": "the file does not exist or cannot be opened",
    "sqlite:///no/such/folder.db": "the file does not exist or cannot be opened",
    "sqlite:///slett.yaml": "the file is not an SQLite database",
}


def test_no_name_in_a_database_commands_the_terminal(shop: Shop) -> None:
    """Titles, colours, a cleared screen, text that is turned round: names are shown, and do nothing."""
    shop.sql(
        'CREATE TABLE "a\x1b]0;b\x07\x1b[2J\u202ec\x9b" (id integer PRIMARY KEY, user_id integer REFERENCES users (id))'
    )
    said = [shop.slett("check").all, shop.slett("plan", "1").all]
    assert all("a\\x1b]0;b" in each for each in said)
    assert all(letter.isprintable() or letter == "\n" for each in said for letter in each)


def refused(shop: Shop, *words: str | Path, status: int = 1, stdin: str = "") -> str:
    """What a command says that must change nothing."""
    before, files = shop.snapshot(), _files()
    said = shop.slett(*words, stdin=stdin)
    assert (said.status, said.out) == (status, ""), said.all
    assert shop.snapshot() == before
    assert _files() - files <= {".slett"}, "no file but the ledger's"
    return _sentence(said)


def _sentence(said: Said) -> str:
    """The sentence on standard error, without what must not be in it."""
    assert "Traceback" not in said.err
    assert SECRET not in said.err
    assert not any(mark in said.err.lower() for mark in PERSONAL), said.err
    return said.err.partition("Error: ")[2]


def _files() -> set[str]:
    return {path.name for path in Path().iterdir()}


def edited(shop: Shop, before: str, after: str) -> None:
    """The map with one thing changed."""
    file = shop.folder / "slett.yaml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


# -- where the database is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_leads_nowhere_is_said_without_its_password(url: str, shop: Shop) -> None:
    assert URLS[url] in refused(shop, "map", url)
    edited(shop, "url: sqlite:///shop.db", f'url: "{url}"')
    for words in (["check"], ["plan", "1"], ["erase", "1", "--yes"], ["export", "1"], ["verify", "1"], ["sweep"]):
        said = refused(shop, *words)
        assert said.startswith("store `shop`: ")
        assert URLS[url] in said
    assert not Path(".slett").exists(), "the ledger is opened last"


def test_a_missing_file_is_not_made(shop: Shop) -> None:
    refused(shop, "map", "sqlite:///missing.db")
    assert not Path("missing.db").exists()


def test_a_variable_that_is_not_set_is_named(shop: Shop) -> None:
    edited(shop, "url: sqlite:///shop.db", "url: ${NOT_SET_URL}")
    assert "the environment has no `NOT_SET_URL` [missing-variable]" in refused(shop, "erase", "1", "--yes")


@pytest.mark.parametrize("last", [True, False])
def test_when_one_store_is_down_no_other_is_touched(last: bool, shop: Shop) -> None:
    down = "  books:\n    url: postgresql://u:hunter2@127.0.0.1:1/x\n    tables: {}\n"
    text = (shop.folder / "slett.yaml").read_text(encoding="utf-8")
    text = text + "\n" + down if last else text.replace("stores:\n", "stores:\n" + down)
    (shop.folder / "slett.yaml").write_text(text, encoding="utf-8")
    assert refused(shop, "erase", "1", "--yes").startswith("store `books`: ")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_who_may_only_read_cannot_erase_and_is_told_before_anything_changes(
    kind: Dialect, new_database: NewDatabase, tmp_path: Path
) -> None:
    shop = Shop(tmp_path, {"shop": new_database(kind)})
    shop.fill()
    owner = sa.make_url(shop.urls["shop"])
    if kind == "postgresql":
        reader = "slett_reader"
        shop.sql(
            f"DO $$ BEGIN CREATE ROLE {reader} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
        )
    else:
        reader = "slett_reader"
        shop.sql(
            f"CREATE USER IF NOT EXISTS {reader}@'127.0.0.1'", f"CREATE USER IF NOT EXISTS {reader}@'localhost'",
            f"GRANT SELECT ON `{owner.database}`.* TO {reader}@'127.0.0.1'",
            f"GRANT SELECT ON `{owner.database}`.* TO {reader}@'localhost'",
        )  # fmt: skip
    edited(shop, shop.urls["shop"], owner.set(username=reader).render_as_string(hide_password=False))
    shop.succeed("check")
    assert refused(shop, "erase", "1", "--yes").startswith("store `shop`: ")


# -- the map ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("user_id, to: users", "usr_id, to: users", "unknown-column"),
        ("  users:", "  usrs:", "unknown-table"),
        ("to: orders", "to: order", "unknown-table"),
        ("action: delete", "action: delte", "wrong-value"),
        ("action: delete", "action: undecided", "undecided"),
        ("root: true", "rot: true", "unknown-key"),
        ("slett: 1", "slett: 2", "wrong-value"),
        ("stores:", "stores: [", "not-yaml"),
        ("slett: 1", "", "missing-key"),
        ("basis: Bookkeeping Act § 13", "basis: ''", "keep-without-basis"),
    ],
)
def test_a_map_that_is_not_true_erases_nobody(before: str, after: str, code: str, shop: Shop) -> None:
    edited(shop, before, after)
    said = refused(shop, "erase", "1", "--yes")
    assert said.startswith("the map cannot be used\nslett.yaml:")
    assert f"[{code}]" in said


def test_a_half_written_map_erases_nobody(shop: Shop) -> None:
    """Wherever the writing stopped: what is missing, somebody would forget."""
    text = Path("slett.yaml").read_text(encoding="utf-8")
    whole = text.rstrip().rpartition("\n")[0]
    for end in range(0, len(whole), 7):
        Path("slett.yaml").write_text(text[:end], encoding="utf-8")
        said = shop.slett("erase", "1", "--yes")
        assert said.status == 1, text[:end]
        assert "the map cannot be used" in _sentence(said)
    assert shop.rows("SELECT id, active FROM users ORDER BY id") == [(1, 1), (2, 1)]


def test_a_map_that_is_not_there_is_named(shop: Shop) -> None:
    said = refused(shop, "--map", "other.yaml", "erase", "1", "--yes")
    assert "other.yaml:1:1: error: the map cannot be read (No such file or directory) [unreadable]" in said
    assert "slett map URL" in said


# -- the person ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["plan"], ["erase", "--yes"], ["export"], ["verify"]])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["kari"], "the key of `shop/users` is a whole number"),
        (["1.5"], "the key of `shop/users` is a whole number"),
        (["1; DROP TABLE users"], "the key of `shop/users` is a whole number"),
        ([str(2**63)], "the key of `shop/users` is a whole number"),
        (["9" * 40], "the key of `shop/users` is a whole number"),
        ([""], "the key of `shop/users` is empty"),
        (["1", "--root", "orders"], "`orders` is not a root of the map; roots are `shop/users`"),
        (["--email", ""], "the email is empty"),
        (["--email", "  "], "the email is empty"),
        (["--email", "a\0b"], "characters in it that no database holds"),
        (["--email", "a\udcffb"], "characters in it that no database holds"),
        (["--by", "shoe=46"], "no root of the map has an identifier `shoe`; there is `email`, `phone`"),
    ],
)
def test_whom_nobody_can_mean_is_said_without_repeating_it(
    command: list[str], words: list[str], sentence: str, shop: Shop
) -> None:
    assert sentence in refused(shop, *command, *words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name at least one person"),
        (["--by", "phone"], "write --by NAME=VALUE"),
        (["--from", "missing.txt"], "No such file or directory"),
        (["--from", "shop.db"], "not a text in UTF-8"),
        (["--from", "-"], "name at least one person"),
    ],
)
def test_a_command_line_that_names_nobody_is_wrong(words: list[str], sentence: str, shop: Shop) -> None:
    assert sentence in refused(shop, "erase", *words, "--yes", status=2)


def test_an_address_that_two_people_share_is_nobodys(any_shop: Shop) -> None:
    """Which of the two is meant, Slett does not guess."""
    any_shop.sql("INSERT INTO users (id, email, active) VALUES (3, 'both@example.org', true)")
    if any_shop.urls["shop"].startswith("mariadb"):
        any_shop.sql("ALTER TABLE users DROP INDEX email")
    any_shop.sql("INSERT INTO users (id, email, active) VALUES (4, 'Both@Example.org', true)")
    before = any_shop.snapshot()
    for words in (["plan"], ["erase", "--yes"], ["export"]):
        said = any_shop.slett(*words, "--email", "both@example.org")
        assert said.status == 1
        assert "several rows of `shop/users` share what was given" in said.all
        assert "example.org" not in said.all
    assert any_shop.snapshot() == before
    assert "fulfilled" in any_shop.succeed("erase", "3", "--yes"), "by key it is clear who is meant"


def test_one_wrong_name_among_many_erases_nobody(shop: Shop) -> None:
    Path("people.txt").write_text("1\n2\nx\n")
    assert "is a whole number" in refused(shop, "erase", "--from", "people.txt", "--yes")


# -- Slett's own things ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("home = ", "slett.toml: not valid TOML"),
        ("homme = 'x'", "setting `homme`"),
        ("chunk_rows = 0", "setting `chunk_rows` (slett.toml or SLETT_CHUNK_ROWS)"),
        ("chunk_rows = 'many'", "setting `chunk_rows` (slett.toml or SLETT_CHUNK_ROWS)"),
        ("home = 3", "setting `home` (slett.toml or SLETT_HOME)"),
        (f"ledger_url = '{SECRET}'", "the ledger's URL cannot be read"),
        (f"ledger_url = 'postgresql://u:{SECRET}@127.0.0.1:1/x'", "does not answer"),
        (f"ledger_url = 'postgresql://u:{SECRET}@127.0.0.1:port/x'", "the ledger's URL cannot be read"),
        (f"ledger_url = 'oracle://u:{SECRET}@127.0.0.1/x'", "the ledger cannot live in"),
        ("ledger_url = 'sqlite://'", "the ledger cannot live in"),
        ("ledger_url = 'sqlite:///slett.yaml'", "file is not a database"),
        ("ledger_url = 'sqlite:////proc/slett/ledger.db'", "the ledger cannot be kept there"),
    ],
)
def test_settings_that_cannot_be_used_change_nothing(settings: str, sentence: str, shop: Shop) -> None:
    Path("slett.toml").write_text(settings)
    for words in (["erase", "1", "--yes"], ["status"], ["ledger", "check"]):
        assert sentence in refused(shop, *words)


def test_settings_that_are_not_there_are_named(shop: Shop) -> None:
    assert refused(shop, "--settings", "other.toml", "status").startswith("other.toml: cannot be read")


def test_a_lost_key_is_not_made_anew(shop: Shop) -> None:
    """With another, nobody who was erased would be known any more."""
    shop.succeed("erase", "1", "--yes")
    Path(".slett/secret.key").unlink()
    assert "secret.key: missing" in refused(shop, "erase", "2", "--yes")
    Path(".slett/secret.key").write_text("half")
    assert "secret.key: not a secret key" in refused(shop, "erase", "2", "--yes")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["status", "S-0000-0000"], 1, ".slett: no ledger is kept there"),
        (["ledger", "check"], 1, ".slett: no ledger is kept there"),
        (["certificate", "show", "slett.yaml"], 1, "slett.yaml: not a certificate of Slett"),
        (["certificate", "show", "missing.json"], 2, "does not exist"),
        (["certificate", "verify", "slett.yaml"], 1, "give the public key with --key"),
        (["certificate", "verify", "slett.yaml", "--key", "slett.yaml"], 1, "not an Ed25519 key"),
        (["export", "1", "--output", "no/such/copy.zip"], 1, "cannot be written (No such file or directory)"),
        (["export", "1", "--output", "."], 1, "there already"),
        (["nonsense"], 2, "No such command"),
        (["erase", "--nonsense"], 2, "No such option"),
    ],
)
def test_what_is_not_there_is_named(words: list[str], status: int, sentence: str, shop: Shop) -> None:
    assert sentence in refused(shop, *words, status=status)


def test_a_reference_that_no_request_has_is_named(shop: Shop) -> None:
    shop.succeed("erase", "1", "--yes")
    assert "there is no request S-0000-0000" in refused(shop, "status", "S-0000-0000")


@pytest.mark.parametrize("home", ["'slett.yaml'", "'/proc/slett'"])
def test_a_home_that_cannot_be_written_to_changes_nothing(home: str, shop: Shop) -> None:
    Path("slett.toml").write_text(f"home = {home}\n")
    assert "the ledger cannot be kept there" in refused(shop, "erase", "1", "--yes")


def test_whoever_fails_on_the_way_hears_how_to_go_on(shop: Shop) -> None:
    Path("slett.toml").write_text("lock_seconds = 0.1\n")
    busy = sqlite3.connect("shop.db", isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    assert "when the store answers again, `slett resume` goes on" in refused(shop, "erase", "1", "--yes")
    busy.close()
    assert "fulfilled" in shop.succeed("resume")
