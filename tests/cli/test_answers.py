"""What the commands answer to a program, on each of the three databases."""

import json
from typing import Any

import pytest

from tests.cli.shop import PERSONAL, Shop


def answer(shop: Shop, *words: str, status: int = 0) -> Any:
    """The JSON that a command prints, and nothing else."""
    said = shop.slett(*words, "--json")
    assert (said.status, said.err) == (status, "")
    assert not any(mark in said.out.lower() for mark in PERSONAL)
    return json.loads(said.out)


def test_the_check_of_a_true_map_finds_nothing(any_shop: Shop) -> None:
    assert answer(any_shop, "check") == []


def test_a_problem_has_a_code_and_a_place(any_shop: Shop) -> None:
    any_shop.sql("ALTER TABLE orders ADD COLUMN ship_email varchar(80)")
    (problem,) = answer(any_shop, "check", status=1)
    assert (problem["code"], problem["severity"]) == ("personal-column", "error")
    assert problem["place"].endswith("slett.yaml:17:7")


def test_a_plan_counts_every_row_says_why_and_changes_nothing(any_shop: Shop) -> None:
    before = any_shop.snapshot()
    plan = answer(any_shop, "plan", "1")
    steps = {(step["table"], step["what"]): step for step in plan["steps"]}
    assert {name: step["rows"] for name, step in steps.items()} == {
        ("users", "disable"): 1,
        ("sessions", "disable"): 1,
        ("messages", "detach"): 1,
        ("order_lines", "expire"): 1,
        ("orders", "expire"): 1,
        ("orders", "keep"): 1,
        ("messages", "delete"): 1,
        ("users", "delete"): 1,
    }
    assert steps["orders", "keep"]["basis"] == "Bookkeeping Act § 13"
    assert [step["table"] for step in plan["steps"]][-1] == "users", "the root goes last"
    assert plan["refusals"] == []
    assert any_shop.snapshot() == before
    assert answer(any_shop, "status") == []


def test_an_erasure_leaves_what_is_somebody_elses_or_the_laws(any_shop: Shop) -> None:
    (outcome,) = answer(any_shop, "erase", "1", "--yes")
    assert (outcome["state"], outcome["left"], outcome["rows"]) == ("fulfilled", [], 8)
    assert any_shop.rows("SELECT id FROM users") == [(2,)]
    assert any_shop.rows("SELECT user_id FROM sessions") == [(2,)]
    assert any_shop.rows("SELECT id, user_id, ship_name FROM orders ORDER BY id") == [
        (1, None, None),
        (3, 2, "Ola Hansen"),
    ]
    assert any_shop.rows("SELECT order_id FROM order_lines ORDER BY id") == [(1,), (3,)]
    assert any_shop.rows("SELECT id, recipient_id FROM messages ORDER BY id") == [(2, None), (3, None)]


def test_whoever_was_erased_verifies_and_whoever_was_not_does_not(any_shop: Shop) -> None:
    any_shop.succeed("erase", "1", "--yes")
    (gone,) = answer(any_shop, "verify", "1")
    assert gone["left"] == []
    assert gone["request"] == any_shop.reference()
    (there,) = answer(any_shop, "verify", "2", status=1)
    assert {each["table"] for each in there["left"]} == {"users", "sessions", "orders", "messages"}


def test_people_are_named_by_key_identifier_and_in_a_file_and_each_once(any_shop: Shop) -> None:
    (any_shop.folder / "people.txt").write_text("1\n\nphone = +47 900 00 002\n1\n", encoding="utf-8")
    outcomes = answer(any_shop, "erase", "--from", "people.txt", "--email", "nobody@example.org", "--yes", status=3)
    assert [outcome["state"] for outcome in outcomes] == ["not_found", "fulfilled", "fulfilled"]
    assert any_shop.rows("SELECT id FROM users") == []


def test_people_are_read_from_standard_input(shop: Shop) -> None:
    said = shop.slett("plan", "--from", "-", "--json", stdin="email=Kari.Nordmann@example.org\n")
    assert json.loads(said.out)["rows"] == 8


def test_somebody_unknown_is_not_found_and_nothing_changes(any_shop: Shop) -> None:
    before = any_shop.snapshot()
    for words in (["99"], ["--email", "nobody@example.org"], ["--by", "phone=+47 000"]):
        plan = answer(any_shop, "plan", *words, status=3)
        assert [refusal["state"] for refusal in plan["refusals"]] == ["not_found"]
        (outcome,) = answer(any_shop, "erase", *words, "--yes", status=3)
        assert (outcome["state"], outcome["certificate"]) == ("not_found", None)
        assert any_shop.slett("export", *words).status == 3
    assert any_shop.snapshot() == before


def test_a_second_erasure_changes_nothing_and_says_so(any_shop: Shop) -> None:
    any_shop.succeed("erase", "1", "--yes")
    before = any_shop.snapshot()
    (outcome,) = answer(any_shop, "erase", "1", "--yes")
    assert (outcome["state"], outcome["erased_before"]) == ("not_found", True)
    assert any_shop.snapshot() == before


def test_a_request_is_shown_with_its_steps(shop: Shop) -> None:
    shop.succeed("erase", "1", "--yes")
    request = answer(shop, "status", shop.reference())
    assert request["state"] == "fulfilled"
    assert {step["state"] for step in request["steps"] if step["planned"]} == {"done"}


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_nobody_is_erased_without_a_yes(typed: str, shop: Shop) -> None:
    before = shop.snapshot()
    said = shop.slett("erase", "1", stdin=typed)
    assert (said.status, said.out) == (1, "")
    assert "Erase 1 person for good?" in said.err
    assert shop.snapshot() == before
    assert answer(shop, "status") == []


def test_a_certificate_that_was_touched_does_not_hold(shop: Shop) -> None:
    (outcome,) = answer(shop, "erase", "1", "--yes")
    file = shop.folder / outcome["certificate"]
    assert "The certificate holds." in shop.succeed("certificate", "verify", file)
    file.write_text(file.read_text(encoding="utf-8").replace('"fulfilled"', '"refused"'), encoding="utf-8")
    said = shop.slett("certificate", "verify", file)
    assert said.status == 1
    assert "Do not believe this certificate." in said.out


def test_a_log_that_was_touched_is_found_out(shop: Shop) -> None:
    shop.succeed("erase", "1", "--yes")
    assert "The log holds" in shop.succeed("ledger", "check")
    ledger = Shop(shop.folder, {"shop": "sqlite:///.slett/ledger.db"})
    ledger.sql("UPDATE log_entries SET body = CAST(replace(body, 'fulfilled', 'fulfilmed') AS blob)")
    said = shop.slett("ledger", "check")
    assert said.status == 1
    assert said.err.startswith("Error: the log was changed")


def test_a_certificate_is_found_by_its_reference_and_its_file_written_when_it_is_not_there(shop: Shop) -> None:
    (outcome,) = answer(shop, "erase", "1", "--yes")
    file = shop.folder / outcome["certificate"]
    file.unlink()
    assert outcome["reference"] in shop.succeed("certificate", "show", outcome["reference"].lower())
    assert "The certificate holds." in shop.succeed("certificate", "verify", file)
    assert "The certificate holds." in shop.succeed("certificate", "verify", outcome["reference"])


def test_a_request_that_was_not_certified_has_no_certificate(shop: Shop) -> None:
    (outcome,) = answer(shop, "erase", "99", "--yes", status=3)
    said = shop.slett("certificate", "show", outcome["reference"])
    assert said.status == 1
    assert f"there is no certificate of {outcome['reference']}" in said.err
