"""`slett export`: a copy that a person can read, and nobody else."""

import csv
import io
import json
import stat
from pathlib import Path
from zipfile import ZipFile

from tests.cli.shop import Shop


def rows(file: str) -> list[dict[str, object]]:
    with ZipFile("slett-export.zip") as archive:
        found: list[dict[str, object]] = json.loads(archive.read(f"data/shop/{file}.json"))
        return found


def sheet(file: str) -> list[list[str]]:
    with ZipFile("slett-export.zip") as archive:
        return list(csv.reader(io.StringIO(archive.read(f"data/shop/{file}.csv").decode(), newline="")))


def test_a_copy_has_every_row_of_the_person_and_none_of_others(any_shop: Shop) -> None:
    before = any_shop.snapshot()
    any_shop.succeed("export", "1")
    with ZipFile("slett-export.zip") as archive:
        assert sorted(archive.namelist()) == [
            *sorted(
                f"data/shop/{table}.{kind}"
                for table in ("users", "sessions", "orders", "order_lines", "messages")
                for kind in ("csv", "json")
            ),
            "index.html",
        ]
        assert b"Ola" not in b"".join(archive.read(name) for name in archive.namelist())
    assert [row["id"] for row in rows("orders")] == [1, 2]
    assert [row["id"] for row in rows("messages")] == [1], "what others sent is theirs"
    assert rows("users")[0]["name"] == "Kari Nordmann"
    assert any_shop.snapshot() == before


def test_a_copy_leaves_out_what_the_map_omits(shop: Shop) -> None:
    shop.succeed("export", "1")
    assert "password" not in rows("users")[0]
    assert "password" not in sheet("users")[0]
    assert list(rows("sessions")[0]) == ["id", "user_id"]


def test_a_cell_that_a_spreadsheet_would_run_is_quoted_and_the_exact_copy_is_exact(shop: Shop) -> None:
    """CSV injection: https://owasp.org/www-community/attacks/CSV_Injection"""
    formula = '=HYPERLINK("https://example.org")'
    starts = ["+1", "-1", "@x", "\tx", "\rx"]
    for number, start in enumerate(starts, 10):
        shop.sql(f"INSERT INTO messages VALUES ({number}, 1, NULL, '{start}')")
    shop.succeed("export", "1")
    assert [row["body"] for row in rows("messages")] == [formula, *starts]
    assert [line[3] for line in sheet("messages")[1:]] == [f"'{body}" for body in (formula, *starts)]
    assert sheet("users")[1][2] == "'+47 900 00 001"


def test_a_copy_opens_with_a_page_that_links_its_files(shop: Shop) -> None:
    shop.succeed("export", "1")
    with ZipFile("slett-export.zip") as archive:
        page = archive.read("index.html").decode()
        assert all(f'href="{name}"' in page for name in archive.namelist() if name != "index.html")
        assert "<script" not in page


def test_only_its_owner_may_read_a_copy(shop: Shop) -> None:
    shop.succeed("export", "1")
    assert stat.S_IMODE(Path("slett-export.zip").stat().st_mode) == 0o600


def test_a_copy_never_replaces_a_file(shop: Shop) -> None:
    Path("slett-export.zip").write_text("precious")
    said = shop.slett("export", "1")
    assert said.status == 1
    assert said.err == "Error: slett-export.zip: there already; give another name with --output\n"
    assert Path("slett-export.zip").read_text() == "precious"
    assert "other.zip" in shop.succeed("export", "1", "--output", "other.zip")


def test_of_nobody_there_is_no_copy(shop: Shop) -> None:
    assert shop.slett("export", "99").status == 3
    assert list(Path().glob("*.zip*")) == list(Path().glob(".*.part")) == []


def test_a_copy_is_for_one_person(shop: Shop) -> None:
    assert shop.slett("export", "1", "2").status == 2
    assert list(Path().glob("*.zip")) == []


def test_a_copy_is_on_record(shop: Shop) -> None:
    shop.succeed("export", "1")
    (request,) = json.loads(shop.succeed("status", "--json"))
    assert (request["kind"], request["state"]) == ("export", "fulfilled")
    assert request["counts"]["shop/orders"] == {"export": 2}
