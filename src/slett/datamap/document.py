"""The map file as it is written: one pydantic model for every kind of entry.

The descriptions here are the help that editors show (`jsonschema`). `load` turns a document into the frozen model.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from slett.datamap.model import Action, Kind, Scalar

ADD = re.compile(r"^([1-9][0-9]{0,3}) (year|month)s?$")
STORE = r"^[A-Za-z][A-Za-z0-9_-]*$"
LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"  # the form of a BCP 47 tag
LINK = r"^(https?://[^/\\\s\x00-\x1f\"<>]|/[^/\\\s\x00-\x1f\"<>]|/$)[^\\\s\x00-\x1f\"<>]*$"


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise PydanticCustomError("scalar", "expected one value here: a text, a number, true, false or null")


def _date(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError("date", "expected a date, year first, as in 2027-05-01") from None


def _months(value: str) -> str:
    if not ADD.match(value):
        raise PydanticCustomError("duration", "expected a number of years or months, as in `5 years` or `18 months`")
    return value


def _link(value: str) -> str:
    if not re.fullmatch(LINK, value):
        raise PydanticCustomError(
            "link", "expected an address: `https://…`, or a path of this site that begins with one `/`"
        )
    return value


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _kind_of(mapping: str, other: str) -> Discriminator:
    return Discriminator(lambda value: mapping if isinstance(value, dict) else other)


def _exactly_one(*names: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names]}


Value = Annotated[
    Any,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Values = Annotated[list[Value], BeforeValidator(_one_or_many, json_schema_input_type=Value | list[Value])]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[list[Name], BeforeValidator(_one_or_many, json_schema_input_type=Name | list[Name])]
Day = Annotated[date, PlainValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Tagged = Annotated[dict[Annotated[str, Field(pattern=LANGUAGE)], Name], Field(min_length=1)]


class Entry(BaseModel):
    """What all entries have in common: no key that the format does not know, no value that must be guessed at."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class RuleEntry(Entry):
    """What a column becomes: exactly one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    hash: Literal[True] = Field(
        True, description="A keyed hash of the value: `slett-` and 32 hexadecimal digits, 38 characters in all."
    )
    template: Name = Field(
        "-", description="A text with the primary key in it, as in `deleted-{id}@invalid`: differs from row to row."
    )
    cut: Literal["year", "month"] = Field(
        "year", description="A date or time, cut to the first day of its year or month."
    )
    prefix: int = Field(1, ge=1, description="How many characters of a text stay.")
    value: Value = Field(None, description="A constant; the long form of writing the value itself.")

    @model_validator(mode="after")
    def says_one_thing(self) -> "RuleEntry":
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("rule", "a rule says exactly one of hash, template, cut, prefix and value")
        return self


AnyRule = Annotated[
    Annotated[RuleEntry, Tag("(rule)")] | Annotated[Value, Tag("(value)")],
    _kind_of("(rule)", "(value)"),
    Field(description="What the column becomes: a constant, null, or a rule such as `{hash: true}`."),
]


class UntilDate(Entry):
    """A time after a date in the row."""

    column: Name = Field(description="The date or time the count starts from; it must not be null.")
    add: Annotated[
        str,
        AfterValidator(_months),
        WithJsonSchema({"type": "string", "pattern": ADD.pattern}),
        Field(description="How long after it: `5 years`, `18 months`."),
    ]
    from_: Literal["year-end"] | None = Field(
        None, alias="from", description="Count from the end of that date's year, as bookkeeping laws do."
    )


class UntilParent(Entry):
    """As long as the parent row."""

    as_: Name = Field(
        alias="as", description="The kept table whose row decides; a reference of this table leads to it."
    )


class ReferenceEntry(Entry):
    """How a row hangs on a person."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [_exactly_one("column", "columns"), _exactly_one("to", "identifier")]}
    )

    column: Name = Field("", description="The column that refers.")
    columns: list[Name] = Field([], min_length=1, description="The columns of a composite reference, in order.")
    to: Name = Field("", description="The table it refers to; in another store: `store/table`.")
    match: Names = Field([], description="The column or columns over there. Default: the primary key.")
    identifier: Name = Field("", description="Instead of `to`: the row is whose identifier of this name it holds.")
    kind: Kind = Field(
        "owner",
        description="`owner`: the row is theirs. `shared`: several people's, it goes with the last one. "
        "`mention`: somebody else's row that names them; it stays without them.",
    )
    fold: bool = Field(False, description="Compare with letter case folded. Identifiers are always compared so.")
    path: Name = Field("", description="The column holds JSON, and the value is at this path: `user.id`.")
    when: dict[Name, Value] = Field({}, description="Only rows with these values: for polymorphic references.")
    none: Values = Field([], description="Values that mean nobody, besides null and the empty text.")
    set: Values = Field([], description="What the columns of a mention become. Default: null.")
    anonymise: dict[Name, AnyRule] = Field({}, description="Columns of the mentioning row that name the person too.")

    @model_validator(mode="after")
    def says_from_where_to_where(self) -> "ReferenceEntry":
        written = self.model_fields_set
        if len(written & {"column", "columns"}) != 1:
            raise PydanticCustomError("reference", "a reference has either `column` or `columns`")
        if len(written & {"to", "identifier"}) != 1:
            raise PydanticCustomError("reference", "a reference leads either `to` a table or by an `identifier`")
        if {"match", "identifier"} <= written:
            raise PydanticCustomError("reference", "`match` goes with `to`, not with `identifier`")
        return self


AnyUntil = Annotated[
    Annotated[UntilParent, Tag("(parent)")] | Annotated[UntilDate, Tag("(date)")],
    Discriminator(lambda value: "(parent)" if isinstance(value, dict) and "as" in value else "(date)"),
]
AnyChange = Annotated[
    Annotated[dict[Name, AnyRule], Tag("(columns)")] | Annotated[Literal["delete"], Tag("(word)")],
    _kind_of("(columns)", "(word)"),
]
AnyWords = Annotated[
    Annotated[Tagged, Tag("(languages)")] | Annotated[Name, Tag("(text)")], _kind_of("(languages)", "(text)")
]


class BlockEntry(Entry):
    """What a person must settle before they can close or erase their account."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["when"]}, {"required": ["alone"]}]})

    when: dict[Name, Value] = Field({}, min_length=1, description="Rows of theirs in which these columns hold these.")
    alone: Literal[True] | None = Field(
        None, description="Shared rows that nobody but this person holds, such as a team with one owner."
    )
    text: AnyWords = Field(description="What they are told: a text, or one for each language.")
    link: Annotated[
        str,
        AfterValidator(_link),
        WithJsonSchema({"type": "string", "pattern": LINK}),
        Field(description="Where they settle it: `https://…`, or a path of the site, `/orders`."),
    ]

    @model_validator(mode="after")
    def says_which_rows(self) -> "BlockEntry":
        if not (self.when or self.alone):
            raise PydanticCustomError("block", "write which rows stand in the way: `when`, or `alone: true`")
        return self


class TableEntry(Entry):
    """A table: whose its rows are, and what becomes of them."""

    root: bool = Field(False, description="This table has one row per person.")
    identifiers: dict[Name, Name] = Field(
        {}, description="Of a root: names by which a person is found, and the column of each."
    )
    references: list[ReferenceEntry] = Field([], description="How its rows hang on a person.")
    action: Action | None = Field(
        None,
        description="What becomes of a person's rows: `delete`, `anonymise`, `keep` (with `until` and `basis`), "
        "`ignore` (with `reason`, `owner` and `review`). `undecided` is for a human to replace.",
    )
    anonymise: dict[Name, AnyRule] = Field({}, description="With `anonymise` and `keep`: what these columns become.")
    columns: list[Name] = Field([], description="Columns that stay as they are, although a person's.")
    until: AnyUntil | None = Field(None, description="With `keep`: when the row is erased after all.")
    basis: str = Field(
        "",
        description="With `keep`: the law or contract that demands it. The person is told. "
        "Default with `until: {as: …}`: the parent's.",
    )
    reason: str = Field("", description="Why this was decided. Needed with `ignore`.")
    owner: str = Field("", description="Who decided. Needed with `ignore`.")
    review: Day | None = Field(
        None, description="When the decision ends and must be taken again. Needed with `ignore`."
    )
    disable: AnyChange | None = Field(
        None,
        description="Done before any row goes, so that nobody signs in meanwhile: columns and what they become, "
        "or `delete`. Closing does it as well.",
    )
    close: AnyChange | None = Field(
        None,
        description="What closing the account does besides, until its owner comes back: columns and the constants they "
        "become, or `delete`.",
    )
    unsubscribe: AnyChange | None = Field(
        None, description="What ends commercial mail: columns and the constants they become, or `delete`."
    )
    category: Name = Field("other", description="Under which of `categories` the person is told of these rows.")
    blocks: list[BlockEntry] = Field([], description="What the person must settle before they can leave.")
    triggers: list[Name] = Field([], description="Triggers that somebody has looked at and found harmless.")
    omit: list[Name] = Field([], description="Columns that a person's copy leaves out, such as password hashes.")
    dropped: list[Name] = Field(
        [], description="Columns that are gone on purpose: rows put away when they were there come back without them."
    )


class StoreEntry(Entry):
    """A database."""

    url: Name = Field(
        description="Where it is: `postgresql://…`, `mariadb://…`, `sqlite:///…`. `${NAME}` and `${NAME:-default}` are "
        "taken from the environment."
    )
    tables: dict[Name, TableEntry] = Field(
        description="Every table that concerns a person; `schema.table` outside the default schema."
    )


class CeilingEntry(Entry):
    """The most one person's erasure may touch: a wrong map cannot empty a table."""

    rows: int = Field(default=100_000, ge=1, description="Rows in all.")
    share: float = Field(default=0.5, gt=0, le=1, description="Share of any table that holds a thousand rows or more.")
    per_day: int = Field(
        default=10_000_000, ge=1, description="Rows of everybody together, after which all work is paused."
    )


class RecipientEntry(Entry):
    """A third party that has been given personal data, and is told of the erasure (Art. 19 GDPR)."""

    name: Name = Field(description="Its name.")
    what: AnyWords = Field(description="What it has or does: a text, or one for each language.")
    country: str = Field("", description="Where it is.")


class BackupsEntry(Entry):
    """Backups of the stores."""

    days: int = Field(ge=1, description="How many days they keep what is erased.")


class Document(Entry):
    """A data map: where personal data lives, and what happens to it."""

    slett: Literal[1] = Field(description="Version of this format.")
    ceiling: CeilingEntry = Field(CeilingEntry(), description="Limits for one person.")
    categories: dict[Name, AnyWords] = Field(
        {}, description="What a person's data is called when they are told of it: a text, or one for each language."
    )
    recipients: list[RecipientEntry] = Field([], description="Third parties that must be told.")
    backups: BackupsEntry | None = Field(None, description="How long backups keep what is erased.")
    closing: Literal["hide", "seal"] = Field(
        "hide",
        description="What closing an account does: `hide` writes what the tables say under `disable`, `unsubscribe` "
        "and `close`; `seal` does what an erasure does and puts the rows away, to come back if the person does.",
    )
    stores: dict[Annotated[str, Field(pattern=STORE)], StoreEntry] = Field(
        min_length=1, description="The databases, each under a name of your choice."
    )
