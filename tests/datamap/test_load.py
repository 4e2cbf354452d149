"""Reading a map file."""

import hashlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.datamap.load import load_map, load_text
from slett.datamap.model import Block, Ceiling, DataMap, Place, Recipient, Reference, Rule, Until, Words
from slett.datamap.problem import MapError, Problem

MAP = """\
slett: 1
ceiling: {rows: 10, share: 0.25}
stores:
  shop:
    url: ${SHOP_URL:-sqlite:///shop.db}
    tables:
      users:
        root: true
        identifiers: {email: e_mail}
        disable: {active: false}
        action: delete
        omit: [password]
      on:
        references:
          - {columns: [shop, no], to: orders, match: [shop, no], none: 0}
          - {column: guest, identifier: email, kind: mention, set: nobody, anonymise: {name: null}}
          - {column: payload, path: user.id, to: other/users, when: {type: 1, "yes": no}, fold: true}
        action: keep
        until: {column: at, add: 18 months, from: year-end}
        basis: "§ 13"
        columns: [id]
        anonymise:
          a: null
          b: 0010
          c: {hash: true}
          d: {template: "x-{id}"}
          e: {cut: month}
          f: {prefix: 3}
          g: {value: 2.5}
      logs: {action: ignore, reason: none, owner: ops, review: 2027-05-01, triggers: [t]}
      albums:
        references: [{column: id, to: members, match: album, kind: shared}]
"""


def read(text: str = MAP, environ: dict[str, str] | None = None) -> DataMap:
    return load_text(text, environ=environ or {})


def problems(text: str, environ: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(MapError) as caught:
        read(text, environ)
    return list(caught.value.problems)


def table(entry: str) -> str:
    return f"slett: 1\nstores:\n  shop:\n    url: x\n    tables:\n      users:\n        {entry}\n"


def test_a_map_becomes_the_model_with_every_place() -> None:
    datamap = read()
    assert datamap.ceiling == Ceiling(10, 0.25)
    assert datamap.digest == hashlib.sha256(MAP.encode()).hexdigest()
    assert [str(root) for root in datamap.roots] == ["shop/users"]
    users, on, logs, albums = datamap.tables
    assert users.identifiers == (("email", "e_mail"),)
    assert users.disable == (("active", Rule("constant", False)),)
    assert users.omit == ("password",)
    assert on.until == Until("at", 18, year_end=True)
    assert on.anonymise == (
        ("a", Rule("null")),
        ("b", Rule("constant", "0010")),
        ("c", Rule("hash")),
        ("d", Rule("template", "x-{id}")),
        ("e", Rule("month")),
        ("f", Rule("prefix", 3)),
        ("g", Rule("constant", 2.5)),
    )
    assert on.references == (
        Reference(
            ("shop", "no"), Place("slett.yaml", 15, 13), store="shop", table="orders", match=("shop", "no"), none=(0,),
        ),
        Reference(
            ("guest",), Place("slett.yaml", 16, 13), "mention", identifier="email", set=("nobody",),
            anonymise=(("name", Rule("null")),),
        ),
        Reference(
            ("payload",), Place("slett.yaml", 17, 13), store="other", table="users", fold=True,
            path=("user", "id"), when=(("type", 1), ("yes", "no")),
        ),
    )  # fmt: skip
    assert on.at("anonymise", "c") == Place("slett.yaml", 25, 11)
    assert on.at("review") == on.place == Place("slett.yaml", 13, 7)
    assert (logs.reason, logs.owner, logs.review, logs.triggers) == ("none", "ops", date(2027, 5, 1), ("t",))
    assert albums.action == "delete"


def test_a_missing_action_is_undecided_where_a_person_owns_rows() -> None:
    assert read(table("references: [{column: a, to: b}]")).tables[0].action == "undecided"
    assert read(table("references: [{column: a, to: b, kind: mention}]")).tables[0].action == "delete"


def test_anchors_and_aliases_may_be_used() -> None:
    text = table("references: &mine [{column: a, to: b}]") + "      carts: {references: *mine, action: delete}\n"
    assert read(text).tables[0].references[0].columns == read(text).tables[1].references[0].columns


def test_a_file_is_read_with_its_name_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "slett.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MAP.encode())
    datamap = load_map(path, environ={})
    assert datamap.file == str(path)
    assert datamap.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_not_there_or_no_text_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"slett\.yaml:1:1: error: the map cannot be read"):
        load_map(tmp_path / "slett.yaml")
    (tmp_path / "slett.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(MapError, match="UTF-8"):
        load_map(tmp_path / "slett.yaml")


# -- URLs ------------------------------------------------------------------------------------------------------------


def test_only_a_url_takes_values_from_the_environment() -> None:
    datamap = read(MAP.replace("§ 13", "${LAW}"), {"SHOP_URL": "postgresql://u:secret@db/shop"})
    assert datamap.stores["shop"].url == "postgresql://u:secret@db/shop"
    assert read().stores["shop"].url == "sqlite:///shop.db"
    assert datamap.tables[1].basis == "${LAW}"


def test_a_variable_that_is_not_set_is_named_with_its_place() -> None:
    for url in ("${SHOP}", "${SHOP}/x", "$${SHOP}"):
        [problem] = problems(table("action: delete").replace("url: x", f"url: {url}"), {"SHOP": ""})
        assert (problem.code, str(problem.place)) == ("missing-variable", "slett.yaml:4:5")
        assert "`SHOP`" in problem.message


def test_what_only_begins_like_a_variable_is_an_error() -> None:
    [problem] = problems(table("action: delete").replace("url: x", "url: x${SHOP"))
    assert problem.hint == "write `${NAME}` or `${NAME:-default}`"


@pytest.mark.parametrize(
    "text",
    [
        "slett: 1\nstores: {shop: 'postgresql://u:hunter2@db/x'}",
        "slett: 1\nstores: 'postgresql://u:hunter2@db/x'",
        "slett: 'postgresql://u:hunter2@db/x'",
        "slett: 1\nstores: {'postgresql://u:hunter2@db/x': {}}",
        "slett: 1\nstores: {shop: {url: ['postgresql://u:hunter2@db/x'], tables: {}}}",
        "slett: 1\nstores: {shop: {url: 'postgresql://u:hunter2@db/x', tables: 3}}",
        "slett: 1\nstores: {shop: {url: 'postgresql://u:hunter2@db/x${', tables: {}}}",
        "slett: 1\nstores: {shop: {'postgresql://u:hunter2@db/x': 1}}",
        "slett: 1\nstores: {shop: {url: 'postgresql://u:hunter2@db/x', tables: {}}",
        "slett: 1\nstores: {shop: {url: !url 'postgresql://u:hunter2@db/x', tables: {}}}",
    ],
)
def test_a_password_never_reaches_a_message(text: str) -> None:
    with pytest.raises(MapError) as caught:
        read(text)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_not_shown_with_the_model() -> None:
    assert "secret" not in repr(read(MAP, {"SHOP_URL": "postgresql://u:secret@db/shop"}))


# -- problems --------------------------------------------------------------------------------------------------------


def test_every_problem_of_a_file_is_reported_at_once_and_in_order() -> None:
    text = table("action: delte\n        rooot: true\n        review: soon\n        references: [{colum: a, to: b}]")
    assert [(each.place.line, each.code, each.hint) for each in problems(text)] == [
        (7, "wrong-value", "did you mean `delete`?"),
        (8, "unknown-key", "did you mean `root`?"),
        (9, "wrong-value", ""),
        (10, "unknown-key", "did you mean `column`?"),
    ]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "not-yaml", "1:1"),
        ("# nothing yet", "not-yaml", "1:1"),
        ("slett: 1\nstores: {shop: ]", "not-yaml", "2:16"),
        ("slett: 1\nstores:\n  shop\n  url: x\n", "not-yaml", "4:6"),
        ("slett: 1\n---\nslett: 1\n", "not-yaml", "2:1"),
        ("slett: 1\nstores: \x07", "not-yaml", "2:9"),
        ("slett: 1\nslett: 1\n", "duplicate-key", "2:1"),
        ("slett: !!python/name:os.system 1\n", "tag", "1:8"),
        ("slett: !mine 1\n", "tag", "1:8"),
        ("slett: 1\n<<: {a: 1}\n", "tag", "2:1"),
        ("slett: 1\n? [a]\n: 1\n", "tag", "2:3"),
        ("slett: &a [*a]\n", "not-yaml", "1:8"),
        ("[1]", "wrong-value", "1:1"),
        ("stores: {shop: {url: x, tables: {}}}", "missing-key", "1:1"),
        ("slett: 2\nstores: {shop: {url: x, tables: {}}}", "wrong-value", "1:1"),
        ("slett: 1\nstores: {}", "wrong-value", "2:1"),
        ("slett: 1\nstores: {shop: {url: x, tables: {}}, 1: {url: x, tables: {}}}", "wrong-value", "2:38"),
        (table("action: [delete]"), "wrong-value", "7:9"),
        (table("root: yes"), "wrong-value", "7:9"),
        (table(""), "wrong-value", "6:7"),
        (table("references: [{column: a, to: b, identifier: c}]"), "wrong-value", "7:22"),
        (table("references: [{column: a, identifier: c, match: d}]"), "wrong-value", "7:22"),
        (table("until: {column: a, add: 30 days}"), "wrong-value", "7:28"),
        (table("until: {column: a}"), "missing-key", "7:9"),
        (table("review: 2027-02-30"), "wrong-value", "7:9"),
        (table("anonymise: {a: {hash: true, prefix: 1}}"), "wrong-value", "7:21"),
        (table("anonymise: {a: {prefix: 0}}"), "wrong-value", "7:25"),
        (table("anonymise: {a: [1]}"), "wrong-value", "7:21"),
        (table("columns: [null]"), "wrong-value", "7:19"),
    ],
)
def test_a_mistake_is_one_problem_at_its_place(text: str, code: str, place: str) -> None:
    [problem] = problems(text)
    assert (problem.code, str(problem.place)) == (code, f"slett.yaml:{place}")
    assert problem.message


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    assert {each.code for each in problems("a0: &a0 x\n" + "\n".join(levels))} == {"not-yaml"}


@given(st.integers(0, len(MAP)), st.integers(0, len(MAP)))
def test_a_cut_map_loads_or_fails_as_a_map(start: int, end: int) -> None:
    _loads_or_fails(MAP[:start] + MAP[end:])


@given(st.integers(0, len(MAP)), st.text(alphabet=st.characters(), max_size=8))
def test_a_map_with_anything_typed_into_it_loads_or_fails_as_a_map(at: int, typed: str) -> None:
    _loads_or_fails(MAP[:at] + typed + MAP[at:])


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("delete")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MAP.split()), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.sampled_from(["url: x", "[password]", "{email: e_mail}", "{rows: 10, share: 0.25}", "true", "[shop, no]"]),
    VALUES,
)
def test_a_map_with_any_other_value_loads_or_fails_as_a_map(place: str, value: object) -> None:
    _loads_or_fails(MAP.replace(place, repr(value)))


def _loads_or_fails(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        load_text(text, environ={})
    except MapError as error:
        problems = error.problems or pytest.fail("no problem in the error")
    assert all(problem.message and problem.place.line >= 1 for problem in problems)


KEPT = """
slett: 1
stores:
  shop:
    url: x
    tables:
      prices: {references: [{column: line, to: lines}], action: keep, until: {as: lines}}
      lines: {references: [{column: order, to: orders}], action: keep, until: {as: orders}}
      orders: {references: [{column: user, to: users}], action: keep, until: {column: at, add: 1 year}, basis: a law}
      bills: {references: [{column: order, to: orders}], action: keep, until: {as: orders}, basis: another}
      notes: {references: [{column: order, to: orders}], action: delete}
      one: {references: [{column: two, to: two}], action: keep, until: {as: two}}
      two: {references: [{column: one, to: one}], action: keep, until: {as: one}}
      lost: {references: [{column: no, to: nothing}], action: keep, until: {as: nothing}}
"""


def test_what_is_kept_as_long_as_its_parent_is_kept_on_its_basis() -> None:
    found = {table.name: (table.basis, table.inherited_basis) for table in read(KEPT).tables}
    assert found["prices"] == found["lines"] == ("a law", True)
    assert found["orders"] == ("a law", False)
    assert found["bills"] == ("another", False)
    assert found["notes"] == found["one"] == found["two"] == found["lost"] == ("", False)


def test_the_source_of_a_kept_row_is_where_its_parents_lead_in_the_end() -> None:
    datamap = read(KEPT)
    sources = {table.name: source.name if (source := datamap.source(table)) else "" for table in datamap.tables}
    assert sources == dict.fromkeys(("prices", "lines", "orders", "bills"), "orders") | {
        "notes": "notes",
        "one": "",
        "two": "",
        "lost": "",
    }


def test_kept_rows_go_together_where_the_same_row_ends_them() -> None:
    datamap = read(KEPT)
    tables = {table.name: table for table in datamap.tables}
    assert datamap.together(tables["prices"], tables["lines"])
    assert datamap.together(tables["prices"], tables["orders"])
    assert not datamap.together(tables["orders"], tables["orders"]), "two orders have a day each"
    assert not datamap.together(tables["notes"], tables["orders"])
    assert not datamap.together(tables["one"], tables["two"])


def test_a_url_is_known_as_it_was_written_too() -> None:
    store = read(MAP, {"SHOP_URL": "sqlite:///other.db"}).stores["shop"]
    assert (store.url, store.written) == ("sqlite:///other.db", "${SHOP_URL:-sqlite:///shop.db}")


# -- what a person is told -----------------------------------------------------------------------------------------

TOLD = """\
slett: 1
categories:
  orders: {nb: Kjøp, en: Orders}
  talk: Messages
recipients:
  - {name: Bank, what: {en: takes payments}, country: Norway}
  - {name: Post, what: carries parcels}
backups: {days: 35}
stores:
  shop:
    url: x
    tables:
      users:
        root: true
        disable: {active: false}
        unsubscribe: {mail: false}
        close: {state: hidden}
        category: orders
        blocks:
          - {when: {paid: null}, text: {en: Pay}, link: /orders}
          - {alone: true, text: Hand over, link: https://shop.example/x?y=1}
        action: delete
      letters: {references: [{column: email, identifier: email}], unsubscribe: delete, action: delete}
"""


def test_what_a_person_is_told_becomes_the_model() -> None:
    datamap = read(TOLD)
    users, letters = datamap.tables
    hidden = (("state", Rule("constant", "hidden")),)
    assert (users.close, letters.unsubscribe, letters.close) == (hidden, "delete", None)
    assert [name for name, _ in users.lighter] == ["disable", "unsubscribe", "close"]
    assert (users.category, letters.category) == ("orders", "other")
    pay = Block(Words((("en", "Pay"),)), Place("slett.yaml", 20, 13), when=(("paid", None),), link="/orders")
    alone = Block(
        Words((("", "Hand over"),)), Place("slett.yaml", 21, 13), alone=True, link="https://shop.example/x?y=1"
    )
    assert users.blocks == (pay, alone)
    assert datamap.categories == {
        "orders": Words((("nb", "Kjøp"), ("en", "Orders"))),
        "talk": Words((("", "Messages"),)),
    }
    assert datamap.recipients == (
        Recipient("Bank", Words((("en", "takes payments"),)), "Norway"),
        Recipient("Post", Words((("", "carries parcels"),))),
    )
    assert (datamap.backup_days, read().backup_days) == (35, None)


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        ({"nb": "a", "en": "b", "pt-BR": "c"}, "nb", "a"),
        ({"nb": "a", "en": "b", "pt-BR": "c"}, "NB-no", "a"),
        ({"nb": "a", "en": "b", "pt-BR": "c"}, "pt-br", "c"),
        ({"nb": "a", "en": "b", "pt-BR": "c"}, "pt", "b"),
        ({"zh-Hant": "a", "en": "b"}, "zh-Hant-TW", "a"),
        ({"de": "a", "nb": "b"}, "fr", "a"),
        ({"": "a"}, "nb", "a"),
    ],
)
def test_a_text_is_said_in_the_nearest_language(texts: dict[str, str], language: str, expected: str) -> None:
    assert Words(tuple(texts.items())).said_in(language) == expected


LINKS = ["/", "/orders", "/a/b?c=d#e", "http://x.no", "https://x.no/a", "https://x.no:8/a?b"]
STRANGE_LINKS = [
    "",
    "orders",
    "//evil.example",
    "/\\\\evil.example",
    "\\\\evil",
    "javascript:alert(1)",
    "JaVaScRiPt:x",
    "data:text/html,x",
    "https:///evil.example",
    "https://",
    "https:evil.example",
    "ftp://x.no",
    " /orders",
    "/or ders",
    "/a\\tb",
    "/a\\nb",
    "https://x.no/\\nevil",
    '/a\\"onclick=x',
    "/<script>",
    "\\u0001/a",
]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_an_address_or_a_path_of_the_site(link: str) -> None:
    (users,) = read(table(f'blocks: [{{alone: true, text: x, link: "{link}"}}]')).tables
    assert users.blocks[0].link == link


@pytest.mark.parametrize("link", STRANGE_LINKS)
def test_a_link_leads_nowhere_else_and_runs_nothing(link: str) -> None:
    [problem] = problems(table(f'blocks: [{{alone: true, text: x, link: "{link}"}}]'))
    assert problem.code in ("wrong-value", "not-yaml")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("blocks: [{text: x, link: /}]", "this block: write which rows stand in the way: `when`, or `alone: true`"),
        ("blocks: [{when: {}, text: x, link: /}]", "`when` must be at least one entry, not a mapping"),
        ("blocks: [{alone: true, link: /}]", "this block has no `text`"),
        ("blocks: [{alone: true, txt: x, text: y, link: /}]", "this block has no key `txt`"),
        ("blocks: [{alone: true, text: {english!: x}, link: /}]", "`english!` is not a language tag"),
        ("blocks: [{alone: true, text: {}, link: /}]", "`text` must be at least one entry, not a mapping"),
        ("close: hide", "`close` cannot be `hide`"),
    ],
)
def test_mistakes_in_what_a_person_is_told_are_one_sentence(entry: str, expected: str) -> None:
    [problem] = problems(table(entry))
    assert problem.message == expected
