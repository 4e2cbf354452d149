"""What a first map says of a schema: whose the rows are, what becomes of them, and what is left to a human."""

import re
from dataclasses import replace

import pytest

from slett.datamap.check import check_map
from slett.datamap.draft import draft_map
from slett.datamap.load import load_text
from slett.datamap.model import DataMap, Place, TableMap
from slett.stores.schema import Column, Schema, Table, Trigger
from tests.datamap.tables import TODAY, key, table

URLS = {"SHOP_URL": "sqlite://", "BOOKS_URL": "sqlite://"}
USERS = table("users", "id integer, email text(80), active boolean, password text(80)", unique=["email"])


def drafted(*tables: Table, root: str | None = None, known: DataMap | None = None) -> DataMap:
    """The draft for one store `shop`, loaded again."""
    return load_text(text_of(*tables, root=root, known=known), environ=URLS)


def text_of(*tables: Table, root: str | None = None, known: DataMap | None = None) -> str:
    schema = Schema("postgresql", {each.name: each for each in tables})
    return draft_map({"shop": schema}, {"shop": "${SHOP_URL}"}, root, known)


def of(name: str, *tables: Table) -> TableMap:
    """What the draft says of one table, when `users` is there too."""
    found = drafted(USERS, *tables).table("shop", name)
    assert found, f"{name} is not in the map"
    return found


def kinds(found: TableMap) -> dict[str, str]:
    return {", ".join(reference.columns): reference.kind for reference in found.references}


def line_of(text: str, part: str) -> str:
    return next(line.strip() for line in text.splitlines() if part in line)


def with_default(found: Table, column: str) -> Table:
    columns = (replace(each, default=True) if each.name == column else each for each in found.columns)
    return replace(found, columns=tuple(columns))


# ── The root ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_root_comes_first_with_what_finds_and_disables_a_person() -> None:
    people = table(
        "auth_user", "id integer, username text, email text, phone_number text, is_active boolean, password text"
    )
    found = drafted(table("addresses", "id integer, user_id integer", key("user_id", "auth_user")), people).tables[0]
    assert (found.name, found.root, found.action) == ("auth_user", True, "delete")
    assert dict(found.identifiers) == {"email": "email", "phone": "phone_number", "username": "username"}
    assert isinstance(found.disable, tuple)
    assert [(column, rule.value) for column, rule in found.disable] == [("is_active", False)]
    assert found.omit == ("password",)


def test_a_column_that_says_disabled_is_set_to_true() -> None:
    found = drafted(table("users", "id integer, email text, disabled boolean")).tables[0]
    assert isinstance(found.disable, tuple)
    assert found.disable[0][1].value is True


# ── Kinds of references ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_required_reference_named_like_the_person_makes_the_row_theirs() -> None:
    assert kinds(of("addresses", table("addresses", "id integer, owner_id integer", key("owner_id", "users")))) == {
        "owner_id": "owner"
    }


@pytest.mark.parametrize(
    "column", ["created_by", "approved_by_user_id", "assigned_to", "moderator_id", "opprettet_av", "erstellt_von"]
)
def test_who_only_had_to_do_with_a_row_is_mentioned(column: str) -> None:
    found = of("products", table("products", f"id integer, {column} integer?", key(column, "users")))
    assert (kinds(found), found.action) == ({column: "mention"}, "delete")  # without effect: rows with mentions stay


def test_a_mention_that_cannot_be_null_is_left_to_a_human() -> None:
    found = of("products", table("products", "id integer, created_by integer", key("created_by", "users")))
    assert (kinds(found), found.action) == ({"created_by": "mention"}, "undecided")


def test_a_mention_that_a_check_keeps_from_being_null_is_left_to_a_human() -> None:
    products = table(
        "products", "id integer, created_by integer?", key("created_by", "users"), checks=["created_by IS NOT NULL"]
    )
    assert of("products", products).action == "undecided"


def test_a_row_of_somebody_else_with_more_that_looks_personal_is_left_to_a_human() -> None:
    leads = table("products", "id integer, created_by integer?, created_by_email text", key("created_by", "users"))
    assert of("products", leads).action == "undecided"


def test_the_sender_of_a_message_owns_it_and_the_recipient_is_mentioned() -> None:
    messages = table(
        "messages",
        "id integer, sender_id integer, recipient_id integer?",
        key("sender_id", "users"),
        key("recipient_id", "users"),
    )
    assert kinds(of("messages", messages)) == {"sender_id": "owner", "recipient_id": "mention"}


def test_the_recipient_of_a_notification_owns_it_and_the_sender_is_mentioned() -> None:
    notifications = table(
        "notifications",
        "id integer, sender_id integer?, recipient_id integer",
        key("sender_id", "users"),
        key("recipient_id", "users"),
    )
    found = of("notifications", notifications)
    assert (kinds(found), found.action) == ({"sender_id": "mention", "recipient_id": "owner"}, "delete")


FORUM = (
    table("topics", "id integer, user_id integer?", key("user_id", "users")),
    table("posts", "id integer, topic_id integer, user_id integer", key("topic_id", "topics"), key("user_id", "users")),
)


def test_what_a_person_opened_and_others_write_in_only_mentions_them_and_the_walk_stops_there() -> None:
    topics, posts = FORUM
    photos = table("topic_photos", "id integer, topic_id integer", key("topic_id", "topics"))
    found = drafted(USERS, topics, posts, photos)
    assert kinds(found.stores["shop"].tables["topics"]) == {"user_id": "mention"}
    assert kinds(found.stores["shop"].tables["posts"]) == {"user_id": "owner"}
    assert "topic_photos" not in found.stores["shop"].tables


def test_a_container_that_must_have_an_opener_is_left_to_a_human() -> None:
    topics = table("topics", "id integer, user_id integer", key("user_id", "users"))
    assert of("topics", topics, FORUM[1]).action == "undecided"


def test_a_table_of_no_known_nature_below_which_others_may_have_rows_is_left_to_a_human() -> None:
    recipes = table("recipes", "id integer, user_id integer", key("user_id", "users", on_delete="CASCADE"))
    tips = table(
        "tips", "id integer, recipe_id integer, user_id integer", key("recipe_id", "recipes"), key("user_id", "users")
    )
    assert of("recipes", recipes, tips).action == "undecided"


def test_a_reference_to_another_row_of_the_same_table_is_a_mention() -> None:
    comments = table(
        "comments",
        "id integer, user_id integer, parent_id integer?",
        key("user_id", "users"),
        key("parent_id", "comments"),
    )
    assert kinds(of("comments", comments)) == {"user_id": "owner", "parent_id": "mention"}


def test_who_invited_a_person_is_no_reason_to_erase_them() -> None:
    users = table("users", "id integer, email text, invited_by integer?", key("invited_by", "users"))
    assert kinds(drafted(users).tables[0]) == {"invited_by": "mention"}


def test_an_optional_pointer_of_a_persons_row_to_another_row_of_theirs_is_emptied() -> None:
    carts = table("carts", "id integer, user_id integer", key("user_id", "users"))
    orders = table(
        "orders", "id integer, user_id integer, cart_id integer?", key("user_id", "users"), key("cart_id", "carts")
    )
    assert kinds(of("orders", carts, orders)) == {"user_id": "owner", "cart_id": "mention"}


def test_an_optional_reference_into_a_persons_rows_from_rows_of_nobody_known_is_left_to_a_human() -> None:
    orders = table("orders", "id integer, user_id integer", key("user_id", "users"))
    answers = table("answers", "id integer, order_id integer?, body text", key("order_id", "orders"))
    assert of("answers", orders, answers).action == "undecided"


def test_the_people_of_a_firm_do_not_belong_to_the_one_who_opened_it() -> None:
    users = table("users", "id integer, email text, firm_id integer", key("firm_id", "firms"))
    firms = table("firms", "id integer, owner_id integer", key("owner_id", "users"))
    found = drafted(users, firms, root="users")
    assert (found.tables[0].references, found.tables[1].action) == ((), "undecided")


def test_what_a_person_chose_among_rows_of_theirs_is_emptied() -> None:
    users = table("users", "id integer, email text, address_id integer?", key("address_id", "addresses"))
    addresses = table("addresses", "id integer, user_id integer", key("user_id", "users"))
    assert kinds(drafted(users, addresses).tables[0]) == {"address_id": "mention"}


def test_a_composite_foreign_key_is_written_whole() -> None:
    users = table("users", "shop integer, id integer, email text", primary_key="shop id")
    carts = table("carts", "id integer, shop integer, user_id integer", key("shop user_id", "users", "shop id"))
    found = drafted(users, carts).table("shop", "carts")
    assert found
    assert (found.references[0].columns, found.references[0].match, found.action) == (("shop", "user_id"), (), "delete")


def test_a_foreign_key_to_another_column_than_the_key_says_which() -> None:
    users = table("users", "id integer, email text, number integer", unique=["number"])
    carts = table("carts", "id integer, user_number integer", key("user_number", "users", "number"))
    assert drafted(users, carts).tables[1].references[0].match == ("number",)


# ── References that only names tell ─────────────────────────────────────────────────────────────────────────────────


def test_without_foreign_keys_names_lead_and_zero_means_nobody() -> None:
    carts = with_default(table("carts", "id integer, customer_id integer, status text"), "customer_id")
    found = of("carts", carts, table("cart_items", "id integer, cart_id integer"))
    assert [(each.columns, each.table, each.none) for each in found.references] == [(("customer_id",), "users", (0,))]
    items = of("cart_items", carts, table("cart_items", "id integer, cart_id integer"))
    assert [each.table for each in items.references] == ["carts"]


def test_a_name_that_another_table_bears_does_not_lead_to_the_root() -> None:
    carts = table("carts", "id integer, client_id integer")
    clients = table("clients", "id integer, secret text")
    assert drafted(USERS, carts, clients, root="users").table("shop", "carts") is None


def test_what_a_name_means_is_the_table_that_is_called_so_and_no_other_that_ends_in_it() -> None:
    """Else `blocked_users` beside `users` would leave every `user_id` of the schema without a meaning."""
    tables = (table("blocked_users", "id integer, reason text"), table("carts", "id integer, user_id integer"))
    assert [each.table for each in of("carts", *tables).references] == ["users"]
    people = table("user_auth", "id integer, email text, password text")
    found = drafted(people, table("settings_user", "user_id integer, name text", primary_key="user_id name"), *tables)
    assert [each.table for each in found.stores["shop"].tables["carts"].references] == ["user_auth"]


def test_of_tables_that_end_alike_the_one_with_the_same_prefix_is_meant() -> None:
    posts = [table(f"{prefix}_posts", "id integer, user_id integer") for prefix in ("blog", "shop")]
    found = of("blog_postmeta", *posts, table("blog_postmeta", "id integer, post_id integer"))
    assert [each.table for each in found.references] == ["blog_posts"]


@pytest.mark.parametrize("family", ["text", "uuid"])
def test_a_key_that_is_no_number_leads_by_its_name_too(family: str) -> None:
    users = table("users", f"id {family}, email text")
    found = drafted(users, table("carts", f"id integer, userId {family}")).table("shop", "carts")
    assert found
    assert [(each.columns, each.table) for each in found.references] == [(("userId",), "users")]


def test_a_prefix_is_no_part_of_what_a_table_is_called_even_where_it_is_words_itself() -> None:
    managers = table("webagent_managers", "id integer, host text")
    alerts = table("webagent_alerts", "id integer, manager_id integer")
    assert drafted(USERS, managers, alerts).table("shop", "webagent_alerts") is None


@pytest.mark.parametrize("column", ["session_key", "user_ids"])
def test_a_text_that_is_a_secret_or_a_list_is_no_reference(column: str) -> None:
    users = table("users", "id text, email text")
    sessions = table("sessions", "id text, user_id text")
    found = drafted(users, sessions, table("options", f"id integer, {column} text")).table("shop", "options")
    assert not found or not found.references


def test_a_row_that_only_the_user_name_ties_to_a_person_is_left_to_a_human_with_what_to_write() -> None:
    users = table("users", "id integer, username text, password text", unique=["username"])
    found = drafted(users, table("spool", "id integer, username text, xml text")).table("shop", "spool")
    assert found
    assert [(each.columns, each.identifier) for each in found.references] == [(("username",), "username")]
    assert found.action == "undecided"


@pytest.mark.parametrize(
    ("people", "key_", "column"),
    [
        ("users", "username text", "username text"),
        ("users", "user_no integer", "user_no integer"),
        ("Mitglied", "Nr integer", "mitglied_nr integer"),
    ],
)
def test_a_column_that_is_called_like_the_peoples_key_leads_to_them(people: str, key_: str, column: str) -> None:
    users = table(people, f"{key_}, password text, email text", primary_key=key_.split()[0])
    found = drafted(users, table("spool", f"id integer, {column}, xml text"), root=people).table("shop", "spool")
    assert found
    assert [(each.columns, each.table) for each in found.references] == [((column.split()[0],), people)]


def test_a_key_that_is_called_like_anything_leads_nowhere() -> None:
    users = table("users", "name text, email text, password text", primary_key="name")
    assert drafted(users, table("products", "id integer, name text")).table("shop", "products") is None


def test_a_text_that_only_says_who_is_no_reference() -> None:
    users = table("users", "id text, email text")
    assert drafted(users, table("books", "id integer, author text")).table("shop", "books") is None


@pytest.mark.parametrize(
    "columns",
    ["rev_deleted integer", "deleted integer", "created_at integer", "active_users integer", "followers integer"],
)
def test_a_flag_a_time_and_a_number_of_people_are_no_references(columns: str) -> None:
    assert drafted(USERS, table("pages", f"id integer, {columns}")).table("shop", "pages") is None


def test_a_row_that_has_the_persons_own_key_is_part_of_them() -> None:
    stats = table("reading_stats", "user_id integer, minutes integer", primary_key="user_id")
    found = of("reading_stats", stats)
    assert [(each.columns, each.table) for each in found.references] == [(("user_id",), "users")]
    numbered = with_default(table("directory", "user_id integer, minutes integer", primary_key="user_id"), "user_id")
    assert drafted(USERS, numbered).table("shop", "directory") is None


def test_a_name_alone_does_not_lead_to_a_key_of_another_type() -> None:
    assert drafted(USERS, table("carts", "id integer, user_id text")).table("shop", "carts") is None


def test_a_polymorphic_reference_is_left_to_a_human_with_what_to_write() -> None:
    files = table("files", "id integer, owner_type text, owner_id integer")
    text = text_of(USERS, files)
    assert line_of(text, "owner_type").endswith("references: [{column: owner_id, to: …, when: {owner_type: …}}]")
    assert of("files", files).action == "undecided"


def test_an_address_in_a_table_that_nothing_leads_to_is_compared_with_the_persons_own() -> None:
    found = of("quotes", table("quotes", "id integer, contact_email text"))
    assert [(each.columns, each.identifier) for each in found.references] == [(("contact_email",), "email")]
    assert found.action == "undecided"
    assert (
        of("newsletter_subscriptions", table("newsletter_subscriptions", "id integer, email text")).action == "delete"
    )


def test_orders_of_guests_are_found_by_their_address() -> None:
    orders = table("orders", "id integer, user_id integer?, guest_email text?", key("user_id", "users"))
    assert [each.identifier for each in of("orders", orders).references] == ["", "email"]


# ── Actions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("carts", "basket_basket", "wish_lists", "useraddresses", "notification_settings", "user_searches", "Devices"),
        *("api_tokens", "password_resets", "favourites", "recently_viewed_page_views", "handlekurver", "Warenkorb"),
    ],
)
def test_what_only_the_person_uses_is_deleted(name: str) -> None:
    assert of(name, table(name, "id integer, user_id integer", key("user_id", "users"))).action == "delete"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "orders",
            "shop_invoices",
            "order_payments",
            "tickets",
            "cart_payments",
            "Bestellungen",
            "fakturaer",
            "pedidos",
        ),
        *("audit_log", "address_history", "blog_posts", "catalogs", "recipes", "previews", "employees", "consents"),
        *("login_audit_log", "notification_channels", "address_groups"),
    ],
)
def test_what_may_have_to_stay_or_is_of_no_known_nature_is_left_to_a_human(name: str) -> None:
    assert of(name, table(name, "id integer, user_id integer", key("user_id", "users"))).action == "undecided"


def test_of_orders_the_draft_says_how_they_could_be_kept() -> None:
    orders = table(
        "orders", "id integer, user_id integer, seen_at timestamp, placed_at timestamp", key("user_id", "users")
    )
    assert "keep, until: {column: placed_at, add: 5 years, from: year-end}" in text_of(USERS, orders)


def test_sessions_end_before_anything_else() -> None:
    sessions = table("sessions", "id integer, user_id integer, token text", key("user_id", "users"))
    found = of("sessions", sessions)
    assert (found.disable, found.action, found.omit) == ("delete", "delete", ("token",))


def test_sessions_that_other_rows_refer_to_wait_for_these() -> None:
    sessions = table("sessions", "id integer, user_id integer, token text", key("user_id", "users"))
    clicks = table("clicks", "id integer, session_id integer", key("session_id", "sessions"))
    found = of("sessions", sessions, clicks)
    assert (found.disable, found.action) == (None, "delete")


def test_what_is_part_of_a_deleted_row_is_deleted_too() -> None:
    carts = table("carts", "id integer, user_id integer", key("user_id", "users"))
    lines = table("lines", "id integer, cart_id integer", key("cart_id", "carts"))
    notes = table("remarks", "id integer, line_id integer", key("line_id", "lines"))
    assert of("remarks", carts, lines, notes).action == "delete"


def test_a_part_that_holds_an_address_is_left_to_a_human_and_what_it_is_part_of_is_not() -> None:
    """A wish list that a stranger shared with the person is the stranger's, and names the person."""
    lists = table("wishlists", "id integer, user_id integer", key("user_id", "users"))
    shares = table("wishlist_shares", "id integer, wishlist_id integer, email text", key("wishlist_id", "wishlists"))
    found = of("wishlist_shares", lists, shares)
    assert [(each.columns, each.table, each.identifier) for each in found.references] == [
        (("wishlist_id",), "wishlists", ""),
        (("email",), "", "email"),
    ]
    assert found.action == "undecided"
    assert of("wishlists", lists, shares).action == "delete"
    known = drafted(USERS, lists, shares)
    decided = replace(found, action="delete", references=found.references[:1])
    shop = replace(known.stores["shop"], tables={**known.stores["shop"].tables, "wishlist_shares": decided})
    again = drafted(USERS, lists, shares, known=replace(known, stores={"shop": shop})).table("shop", "wishlist_shares")
    assert again
    assert (again.action, len(again.references)) == ("delete", 1)


def test_what_is_part_of_an_order_is_kept_as_long_before_anybody_has_decided_about_orders() -> None:
    lines = table("order_lines", "id integer, order_id integer", key("order_id", "orders"))
    prices = table("prices", "id integer, line_id integer", key("line_id", "order_lines"))
    found = drafted(*SHOP, lines, prices).stores["shop"].tables
    assert found["orders"].action == "undecided"
    assert [(name, each.until.table) for name, each in found.items() if each.action == "keep" and each.until] == [
        ("order_items", "orders"),
        ("order_lines", "orders"),
        ("prices", "order_lines"),
    ]


def test_a_part_of_several_rows_that_end_together_ends_with_them() -> None:
    lines = table("order_lines", "id integer, order_id integer", key("order_id", "orders"))
    prices = table(
        "prices", "id integer, line_id integer, order_id integer", key("line_id", "order_lines"),
        key("order_id", "orders"),
    )  # fmt: skip
    found = of("prices", SHOP[1], lines, prices)
    assert found.until
    assert (found.action, found.until.table) == ("keep", "orders")


def test_a_part_of_two_things_for_the_books_is_left_to_a_human() -> None:
    invoices = table("invoices", "id integer, user_id integer", key("user_id", "users"))
    lines = table(
        "lines", "id integer, order_id integer, invoice_id integer", key("order_id", "orders"),
        key("invoice_id", "invoices"),
    )  # fmt: skip
    assert of("lines", SHOP[1], invoices, lines).action == "undecided"
    assert "which of `invoices`, `orders` says how long it is kept?" in text_of(USERS, SHOP[1], invoices, lines)


@pytest.mark.parametrize(
    ("columns", "action"),
    [
        ("id integer, order_id integer, phone text", "undecided"),  # personal
        ("id integer, order_id integer?", "undecided"),  # may be part of none
        ("id integer, order_id integer, payload json", "keep"),
    ],
)
def test_a_part_of_an_order_with_more_in_it_is_looked_at(columns: str, action: str) -> None:
    parts = table("parts", columns, key("order_id", "orders"))
    assert of("parts", SHOP[1], parts).action == action
    if action == "keep":
        assert "`payload` may hold anything" in line_of(text_of(USERS, SHOP[1], parts), "action: keep")


def test_a_part_of_an_order_without_a_key_is_left_to_a_human() -> None:
    """A kept row must be found again when its time comes."""
    assert of(
        "parts", SHOP[1], table("parts", "order_id integer", key("order_id", "orders"), primary_key="")
    ).action == ("undecided")


def test_a_row_that_others_may_write_into_a_persons_is_left_to_a_human_and_so_is_the_persons() -> None:
    lists = table("wishlists", "id integer, user_id integer", key("user_id", "users"))
    comments = table(
        "wishlist_comments",
        "id integer, wishlist_id integer, user_id integer",
        key("wishlist_id", "wishlists"),
        key("user_id", "users"),
    )
    assert of("wishlist_comments", lists, comments).action == "undecided"
    assert of("wishlists", lists, comments).action == "undecided"


def test_what_an_undecided_row_needs_is_not_deleted() -> None:
    addresses = table("addresses", "id integer, user_id integer", key("user_id", "users"))
    orders = table(
        "orders",
        "id integer, user_id integer?, address_id integer",
        key("user_id", "users"),
        key("address_id", "addresses"),
    )
    found = drafted(USERS, addresses, orders)
    assert [each.action for each in found.tables] == ["undecided", "undecided", "undecided"]


def test_the_root_is_deleted_once_nothing_undecided_needs_it() -> None:
    optional = table("orders", "id integer, user_id integer?", key("user_id", "users"))
    required = table("orders", "id integer, user_id integer", key("user_id", "users"))
    assert of("users", optional).action == "delete"
    assert of("users", required).action == "undecided"


def test_tables_that_need_each_other_are_left_to_a_human() -> None:
    carts = table(
        "carts", "id integer, user_id integer, device_id integer", key("user_id", "users"), key("device_id", "devices")
    )
    devices = table("devices", "id integer, cart_id integer", key("cart_id", "carts"))
    assert {each.name: each.action for each in drafted(USERS, carts, devices).tables}["carts"] == "undecided"


def test_a_link_table_goes_with_the_person_and_what_it_links_to_may_be_shared() -> None:
    members = table(
        "project_members",
        "project_id integer, user_id integer, invited_by integer?, since timestamp",
        key("project_id", "projects"),
        key("user_id", "users"),
        key("invited_by", "users"),
        primary_key="project_id user_id",
    )
    projects = table("projects", "id integer, title text")
    found = of("project_members", members, projects)
    assert (kinds(found), found.action) == ({"user_id": "owner", "invited_by": "mention"}, "delete")
    assert "{column: id, to: project_members, match: project_id, kind: shared}" in text_of(USERS, members, projects)


def test_a_friendship_goes_with_either_friend() -> None:
    friends = table(
        "friends", "a_id integer, b_id integer", key("a_id", "users"), key("b_id", "users"), primary_key="a_id b_id"
    )
    assert (kinds(of("friends", friends)), of("friends", friends).action) == (
        {"a_id": "owner", "b_id": "owner"},
        "delete",
    )


def test_a_row_with_two_owners_is_left_to_a_human() -> None:
    deals = table(
        "deals", "id integer, buyer_id integer, user_id integer", key("buyer_id", "users"), key("user_id", "users")
    )
    assert of("deals", deals).action == "undecided"


def test_one_row_a_person_is_an_extension_of_the_root() -> None:
    settings = table("bio", "user_id integer, body text", key("user_id", "users"), primary_key="user_id")
    assert of("bio", settings).action == "delete"


def test_what_only_describes_a_person_is_deleted() -> None:
    assert of("user_meta", table("user_meta", "id integer, user_id integer, value text")).action == "delete"


def test_what_the_database_deletes_with_the_person_is_deleted() -> None:
    scribbles = table("scribbles", "id integer, user_id integer", key("user_id", "users", on_delete="CASCADE"))
    assert of("scribbles", scribbles).action == "delete"
    orders = table("orders", "id integer, user_id integer", key("user_id", "users", on_delete="CASCADE"))
    assert of("orders", orders).action == "undecided"


def test_a_table_that_looks_personal_and_is_not_reached_is_left_to_a_human() -> None:
    assert of("visitors", table("visitors", "id integer, first_name text, last_name text")).action == "undecided"
    assert drafted(USERS, table("products", "id integer, title text")).table("shop", "products") is None


def test_an_address_that_only_a_persons_rows_refer_to_is_reached_from_them() -> None:
    orders = table(
        "orders",
        "id integer, user_id integer, address_id integer?",
        key("user_id", "users"),
        key("address_id", "places"),
    )
    places = table("places", "id integer, first_name text, last_name text")
    found = of("places", orders, places)
    assert found.action == "undecided"
    assert [(each.columns, each.table, each.match) for each in found.references] == [
        (("id",), "orders", ("address_id",))
    ]


def test_a_trigger_is_pointed_out_and_not_listed_as_looked_at() -> None:
    carts = table(
        "carts", "id integer, user_id integer", key("user_id", "users"), triggers=[Trigger("archive", "DELETE")]
    )
    assert "# trigger `archive` runs when a row is deleted" in text_of(USERS, carts)
    assert of("carts", carts).triggers == ()


# ── What a human wrote ──────────────────────────────────────────────────────────────────────────────────────────────

SHOP = (
    USERS,
    table("orders", "id integer, user_id integer?, placed_at timestamp", key("user_id", "users")),
    table("order_items", "id integer, order_id integer, price decimal", key("order_id", "orders")),
    table("carts", "id integer, user_id integer", key("user_id", "users")),
)
WRITTEN = """
slett: 1
ceiling: {rows: 500, share: 0.25}
backups: {days: 35}
categories:
  account: {nb: "Konto: alt", pt-BR: Conta}
  "off": Everything else
recipients:
  - {name: "Bank & Co: #1", what: {en: takes payments}, country: "NO"}
  - {name: Post, what: "yes"}
stores:
  shop:
    url: ${SHOP_URL}
    tables:
      users:
        root: true
        identifiers: {mail: email}
        disable: {active: false}
        close: {hidden: "yes"}
        unsubscribe: {mail: null}
        category: account
        blocks:
          - {when: {paid: null, state: "no"}, text: {nb: "Betal: først", pt-BR: "Pague \\"já\\""}, link: "/a?b=c#d"}
          - {alone: true, text: "Hand over, then leave", link: https://x.example/}
        action: anonymise
        anonymise: {email: {template: "deleted-{id}@invalid"}, password: {hash: true}, active: false}
        columns: [id]
        omit: [password]
        triggers: [seen]
      orders:
        references:
          - {columns: [user_id], to: users, none: [0, -1], when: {kind: "7"}}
          - {column: payload, path: user.id, to: users, kind: mention, set: 0, anonymise: {zip: {prefix: 2}}}
          - {column: ref, to: books/people, match: number, fold: true}
        action: keep
        until: {column: placed_at, add: 18 months, from: year-end}
        basis: "Bokføringsloven § 13: \\"5 år\\""
        columns: [placed_at, "null", "2"]
        anonymise: {user_id: null, born: {cut: month}}
      carts:
        references: [{column: user_id, to: users}]
        unsubscribe: delete
        category: other
        action: undecided
        reason: "no: ask # marketing first"
      old:
        action: ignore
        reason: empty
        owner: ops
        review: 2027-05-01
  books:
    url: ${BOOKS_URL}
    tables:
      people: {references: [{column: mail, identifier: mail}], action: delete}
"""


def bare(found: DataMap) -> dict[str, TableMap]:
    """Everything that a map says of its tables, without where it was written."""
    nowhere = Place("", 0, 0)
    return {
        str(each): replace(
            each,
            place=nowhere,
            references=tuple(replace(reference, place=nowhere) for reference in each.references),
            blocks=tuple(replace(block, place=nowhere) for block in each.blocks),
        )
        for each in found.tables
    }


def written(entries: str) -> DataMap:
    """A map with these entries below that of `users`."""
    text = "slett: 1\nstores: {shop: {url: x, tables: {users: {root: true, action: delete}, " + entries + "}}}"
    return load_text(text, environ={})


@pytest.mark.parametrize("url", ["${BOOKS_URL}", "${BOOKS:-sqlite:///a b #c.db}", "sqlite:///books.db"])
def test_everything_that_a_human_wrote_survives(url: str) -> None:
    known = load_text(WRITTEN.replace("${BOOKS_URL}", f'"{url}"'), environ=URLS)
    again = load_text(draft_map({}, {}, known=known), environ=URLS)
    assert bare(again) == bare(known)
    for name in ("ceiling", "categories", "recipients", "backup_days"):
        assert getattr(again, name) == getattr(known, name)
    assert ("category",) in again.stores["shop"].tables["carts"].places
    assert [store.written for store in again.stores.values()] == ["${SHOP_URL}", url]


def test_what_is_missing_in_a_map_is_added_and_nothing_else_changes() -> None:
    found = {each.name: each for each in drafted(*SHOP, known=written("carts: {action: ignore, reason: empty}")).tables}
    assert (found["carts"].action, found["carts"].references, found["users"].identifiers) == ("ignore", (), ())
    assert found["orders"].action == "undecided"


def test_once_the_parent_is_decided_the_check_asks_for_nothing_more() -> None:
    """No second run of `slett map` is needed."""
    first = text_of(*SHOP)
    kept = "action: keep\n        until: {column: placed_at, add: 5 years}\n        basis: the law"
    decided = re.sub(r"(orders:\n(?:.*\n){2} +)action: undecided.*", rf"\1{kept}", first)
    schemas = {"shop": Schema("postgresql", {each.name: each for each in SHOP})}
    problems = [check_map(load_text(text, environ=URLS), schemas, TODAY) for text in (first, decided)]
    assert [[problem.code for problem in found] for found in problems] == [["undecided"], []]
    items = load_text(decided, environ=URLS).stores["shop"].tables["order_items"]
    assert (items.action, items.basis, items.inherited_basis) == ("keep", "the law", True)


def test_a_part_that_was_to_be_kept_goes_with_a_parent_that_a_human_deletes() -> None:
    first = text_of(*SHOP)
    decided = re.sub(r"(orders:\n(?:.*\n){2} +)action: undecided.*", r"\1action: delete", first)
    found = drafted(*SHOP, known=load_text(decided, environ=URLS)).stores["shop"].tables
    assert (found["order_items"].action, found["order_items"].until) == ("delete", None)
    reasoned = decided.replace("until: {as: orders}", "until: {as: orders}\n        reason: ask first")
    kept = drafted(*SHOP, known=load_text(reasoned, environ=URLS)).stores["shop"].tables["order_items"]
    assert (kept.action, kept.reason) == ("keep", "ask first")


def test_what_a_human_decided_is_not_explained_to_them() -> None:
    known = written(
        "orders: {references: [{column: user_id, to: users}], action: keep, basis: law,"
        " until: {column: placed_at, add: 1 year}}, "
        "order_items: {references: [{column: order_id, to: orders}], action: keep, until: {as: orders}}, "
        "carts: {references: [{column: user_id, to: users}], action: delete, reason: of no use}"
    )
    lines = [line.strip() for line in text_of(*SHOP, known=known).splitlines()]
    assert [line for line in lines if line.startswith("action:")][1:] == [
        "action: keep",
        "action: keep",
        "action: delete",
    ]


def test_a_part_of_what_a_human_kept_is_kept_as_long() -> None:
    first = drafted(*SHOP)
    orders = load_text(WRITTEN, environ=URLS).stores["shop"].tables["orders"]
    decided = replace(first.stores["shop"].tables["orders"], action="keep", until=orders.until, basis="the law")
    shop = replace(first.stores["shop"], tables=dict(first.stores["shop"].tables) | {"orders": decided})
    found = drafted(*SHOP, known=replace(first, stores={"shop": shop})).table("shop", "order_items")
    assert found
    assert found.until
    assert (found.action, found.until.table, found.basis) == ("keep", "orders", "the law")


def test_what_a_human_left_undecided_with_a_reason_stays_so() -> None:
    known = written(
        "orders: {references: [{column: user_id, to: users}], action: delete}, "
        "order_items: {references: [{column: order_id, to: orders}], action: undecided, reason: ask first}"
    )
    found = drafted(*SHOP, known=known).table("shop", "order_items")
    assert found
    assert found.action == "undecided"


def test_a_new_owner_in_a_decided_table_is_only_pointed_out() -> None:
    """Otherwise a column that somebody added would widen a delete that was decided before."""
    carts = table(
        "carts", "id integer, user_id integer, owner_id integer?", key("user_id", "users"), key("owner_id", "users")
    )
    known = written("carts: {references: [{column: user_id, to: users}], action: delete}")
    assert kinds(drafted(USERS, carts, known=known).tables[1]) == {"user_id": "owner"}
    assert "# new since this was decided: `owner_id` leads to `users`" in text_of(USERS, carts, known=known)


def test_a_second_draft_changes_nothing() -> None:
    first = text_of(*SHOP, *FORUM)
    again = text_of(*SHOP, *FORUM, known=load_text(first, environ=URLS))
    assert bare(load_text(first, environ=URLS)) == bare(load_text(again, environ=URLS))
    assert text_of(*SHOP, *FORUM, known=load_text(again, environ=URLS)) == again


# ── The text ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("postgresql://me:secret@host/db", "${SHOP_URL}"),
        ("", "${SHOP_URL}"),
        ("${OTHER}", "${OTHER}"),
        ("${OTHER:-sqlite:///shop.db}", "${OTHER:-sqlite:///shop.db}"),
        ("${OTHER:-postgresql://me:secret@host/db}", "${SHOP_URL}"),
    ],
)
def test_a_url_is_a_reference_to_the_environment_and_holds_no_password(given: str, written: str) -> None:
    text = draft_map({"shop": Schema("sqlite", {"users": USERS})}, {"shop": given})
    assert line_of(text, "url:") == f"url: {written}"
    assert "secret" not in text


def test_editors_learn_the_format_from_the_first_line() -> None:
    assert text_of(USERS).startswith("# yaml-language-server: $schema=slett.schema.json\n")


@pytest.mark.parametrize(
    "name", ["no", "null", "2", "audit.log", "a: b #c", 'q"uote', "størrelse", "- x", "new\nline", "~"]
)
def test_any_name_comes_through(name: str) -> None:
    carts = Table(name, (Column("id", "integer", "int"), Column(name, "integer", "int")))
    carts = replace(carts, foreign_keys=(key("user_id", "users"),))
    carts = replace(carts, foreign_keys=(replace(carts.foreign_keys[0], columns=(name,)),))
    found = drafted(USERS, carts).tables[1]
    assert (found.name, found.references[0].columns) == (name, (name,))


def test_every_proposal_has_its_reason_beside_it() -> None:
    lines = text_of(*SHOP, *FORUM).splitlines()
    assert all("  # " in line for line in lines if line.strip().startswith(("- {", "action:")))


def test_two_stores_with_people_are_joined_by_address_once_the_root_is_named() -> None:
    schemas = {
        "shop": Schema("sqlite", {"users": USERS}),
        "books": Schema("sqlite", {"persons": table("persons", "id integer, email text")}),
    }
    found = load_text(draft_map(schemas, {}, "shop/users"), environ=URLS).table("books", "persons")
    assert found
    assert ([each.identifier for each in found.references], found.action) == (["email"], "undecided")
