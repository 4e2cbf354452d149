"""What single columns are for: those by which a person is found, signs in, or that a copy leaves out."""

from slett.datamap.check.constraints import allows, mentions
from slett.datamap.draft import words
from slett.datamap.model import Rule
from slett.stores.schema import Column, Table


def identifiers(table: Table) -> tuple[tuple[str, str], ...]:
    """The names by which a person of a root table is found, and the column of each."""
    found: dict[str, str] = {}
    for name, meant in (("email", words.EMAIL), ("phone", words.PHONE), ("username", words.USERNAME)):
        for column in table.columns:
            said = words.words(column.name)
            if (
                column.family == "text"
                and said
                and said[-1] in meant | {"address", "number"}
                and meant & set(said[-2:])
            ):
                found.setdefault(name, column.name)
    return tuple(found.items())


def takes(table: Table, column: Column, rule: Rule) -> bool:
    """Whether the database lets every row's column become this, as far as declared constraints tell."""
    alike = rule.how != "null" and any(column.name in key for key in (*table.unique, *table.unique_partly))
    if column.generated or column.name in table.primary_key or alike:
        return False
    return all(
        allows(check.text, column.name, rule) is not False
        for check in table.checks
        if mentions(check.text, column.name)
    )


def disable(table: Table) -> tuple[tuple[str, Rule], ...]:
    """The columns that end a person's sign-in, and the value that does."""
    for column in table.columns:
        said = set(words.words(column.name)) - {"is", "er", "ist", "est", "account"}
        off = said <= words.DISABLED
        rule = Rule("constant", off)
        if column.family == "boolean" and len(said) == 1 and (off or said & (words.ENABLED | {"status"})):
            return ((column.name, rule),) if takes(table, column, rule) else ()
    return ()


def omit(table: Table) -> tuple[str, ...]:
    """The columns that keep a secret of the service, and are no part of a person's copy."""
    return tuple(
        column.name
        for column in table.columns
        if column.family in ("text", "binary", "uuid") and _is_secret(words.words(column.name))
    )


def signs_in(table: Table) -> bool:
    """Whether a row of this table lets a person in: a session or a token, with something to show for it."""
    if not words.SESSION & set(words.words(table.plain_name)[-1:]):
        return False
    shown = words.SECRET | {"session", "key", "expires", "expire", "expiry", "payload"}
    return any(shown & set(words.words(column.name)) for column in table.columns)


def _is_secret(said: tuple[str, ...]) -> bool:
    if words.PASSWORD & set(said) or (said[-1:] and said[-1] in words.SECRET):
        return True
    return said[-1:] in (("key",), ("hash",), ("salt",)) and bool(
        {"api", "private", "secret", "session", "token"} & set(said)
    )
