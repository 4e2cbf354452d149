"""What is sent and what is answered. Strict: a member that is not known is refused, and no type is guessed."""

from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, Strict

from slett.ledger.requests import Doubt, Kind, State
from slett.requests.answers import Wish
from slett.requests.status import Reached, StepName
from slett.web.claims import LANGUAGE, Address, Factors

REFERENCE = "^S-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$"
KARI: dict[str, JsonValue] = {"root": "torget/users", "key": "17"}

Visit = Annotated[str, Field(max_length=100, description="As the answer before gave it.")]
Secret = Annotated[str, Field(max_length=50, description="Of the status page, as `confirm` gave it.")]
Language = Annotated[str, Field(pattern=f"^$|{LANGUAGE}", description="BCP 47, as in `nb`; empty: unknown.")]
Network = Annotated[
    Annotated[IPv4Address, Strict(False)] | Annotated[IPv6Address, Strict(False)] | None,
    Field(description="Where the person comes from: guesses and mails are counted by it too."),
]
SignedInAt = Annotated[
    Annotated[AwareDatetime, Strict(False)] | None,
    Field(description="When the person last proved who they are, by the service's clock."),
]
Addresses = Annotated[list[Address], Field(max_length=20)]


class Sent(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ByKey(Sent):
    """A person, by the key of their row in a root."""

    key: Annotated[str, Field(min_length=1, max_length=500, description="A composite key is written with commas.")]
    root: Annotated[str, Field(max_length=200, description="Empty: the map's first root.")] = ""


class ByIdentifier(Sent):
    """A person, by an identifier of the map."""

    identifier: Annotated[str, Field(min_length=1, max_length=200)]
    value: Annotated[str, Field(min_length=1, max_length=500)]


class Question(Sent):
    """Whom an outlook is about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subject": KARI, "language": "nb"}]})

    subject: ByKey | ByIdentifier
    language: Language = ""


class SignIn(Sent):
    """How and when the person proved to the service who they are."""

    subject: ByKey | ByIdentifier
    signed_in_at: SignedInAt = None
    factors: Annotated[Factors, Field(description="`amr` of that sign-in (RFC 8176): `pwd`, `otp`, `hwk`.")] = []
    second_factor: Annotated[bool, Field(description="The account has one: `factors` must show it.")] = False


class Filing(SignIn):
    """A person's wish."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "erase",
                    "subject": KARI,
                    "addresses": ["kari@nordmann.example"],
                    "language": "nb",
                    "signed_in_at": "2026-11-22T16:00:00Z",
                    "factors": ["pwd"],
                }
            ]
        }
    )

    kind: Wish
    addresses: Annotated[Addresses, Field(description="Verified e-mail addresses, the main one first.")] = []
    old_addresses: Annotated[Addresses, Field(description="Those that were replaced within the last 14 days.")] = []
    language: Language = ""


class SigningInAgain(SignIn):
    """The person signed in once more."""

    visit: Visit


class Asking(Sent):
    """Send the person a code."""

    visit: Visit
    ip: Network = None


class Confirmation(Sent):
    """The person's last word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"visit": "…", "code": "04711815", "agreed": True}]})

    visit: Visit
    code: Annotated[str, Field(max_length=40, description="As they typed it.")] = ""
    agreed: Annotated[bool, Field(description="They typed the phrase, for `close` and `erase`.")] = False
    recovery_code: Annotated[
        str, Field(max_length=60, description="As they typed it, to come back to a sealed account.")
    ] = ""
    ip: Network = None


class WithVisit(Sent):
    """Somebody in the middle of filing."""

    visit: Visit


class WithSecret(Sent):
    """Somebody with a status page."""

    secret: Secret


class Returning(WithSecret):
    """The person wants their closed account back, or erased at once."""

    language: Language = ""
    ip: Network = None


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)


class Needs(Answer):
    """What is still to be proven before a request can be confirmed."""

    sign_in: Annotated[bool, Field(description="Again, with the service.")]
    second_factor: Annotated[bool, Field(description="That sign-in must show it.")]
    code: Annotated[bool, Field(description="From their mailbox.")]
    phrase: Annotated[bool, Field(description="To be typed on the service's page: `agreed`.")]


class Request(Answer):
    """A request, without a word about the person."""

    reference: Annotated[str, Field(pattern=REFERENCE, examples=["S-7K4M-2Q9X"])]
    kind: Kind
    state: State
    filed_at: datetime
    due_at: Annotated[datetime, Field(description="When the service promises that it is done.")]
    law_due: Annotated[date, Field(description="The last day that the law allows.")]
    not_before: Annotated[datetime | None, Field(description="The earliest start; it can be cancelled until then.")]
    started_at: datetime | None
    finished_at: datetime | None
    until: Annotated[datetime | None, Field(description="Of a closed account: how long it has a way back.")]
    follows: Annotated[str | None, Field(description="The request that this one comes after.")]
    followed_by: Annotated[str | None, Field(description="Of a close: its last return, or its erasure.")]
    doubt: Annotated[Doubt, Field(description="Why it waits longer than others.")]
    reason: Annotated[str, Field(description="Why it ended so.")]


class Step(Answer):
    """One step of the way."""

    name: StepName
    reached: Reached
    at: datetime | None


class Done(Answer):
    """What was done in one category of the person's data."""

    category: str
    label: str
    rows: Annotated[dict[str, int], Field(description="What was done → how many rows.")]


class Waiting(Answer):
    """What did not come back with its person to a sealed account. They may ask for it once more, by `return`."""

    until: Annotated[datetime, Field(description="When it is destroyed.")]
    done: Annotated[list[Done], Field(description="By category; `wait` → how many rows.")]


class Status(Answer):
    """How far a request has come."""

    request: Request
    steps: list[Step]
    done: list[Done]
    receipt: Annotated[bool, Field(description="There is a signed certificate.")]
    copy_until: Annotated[datetime | None, Field(description="Of an export that can be fetched on its status page.")]
    can_cancel: bool
    can_return: bool
    can_erase: Annotated[bool, Field(description="At once: of a sealed account whose window is open.")]
    waits: Annotated[Waiting | None, Field(description="Of a close and its return: what could not come back yet.")]


class Filed(Answer):
    """A filed request, and what is still to be proven."""

    request: Request
    visit: Annotated[str, Field(description="For the next calls. Keep it on the server, with the person's session.")]
    needs: Needs


class Confirmed(Answer):
    """A confirmed request."""

    request: Request
    secret: Annotated[str, Field(description="Opens the status page with the reference. It is the person's.")]
    recovery_code: Annotated[
        str,
        Field(description="Of a sealed account: alone opens it again. Show it to the person, and keep it nowhere."),
    ]


class Listed(Answer):
    """Some requests, newest first."""

    requests: list[Request]
    next: Annotated[str | None, Field(description="`after` of the next page; null: this was the last.")]


class Stay(Answer):
    """Rows that stay for a time."""

    rows: int
    basis: str
    until: date | None


class Part(Answer):
    """One category of the person's data."""

    category: str
    label: str
    goes: int
    anonymised: int
    released: int
    stays: list[Stay]


class Block(Answer):
    """What must be settled first."""

    text: str
    link: str
    rows: int


class Told(Answer):
    """A third party that is told."""

    name: str
    what: str
    country: str


class Outlook(Answer):
    """What an erasure would do now."""

    rows: int
    parts: list[Part]
    blocks: list[Block]
    recipients: list[Told]
    backup_days: int | None
    stores: list[str]


class Wrong(Answer):
    """One member that is not as it must be."""

    pointer: Annotated[str, Field(description="Where (RFC 6901), within the body or `query`, `path`, `header`.")]
    detail: str


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:problem-type:slett:wrong-code"])]
    title: str
    status: int
    detail: str = ""
    tries_left: Annotated[int | None, Field(description="Of a wrong code.")] = None
    second_factor: Annotated[bool | None, Field(description="The sign-in must show one.")] = None
    state: Annotated[State | Literal["over"] | None, Field(description="Of a request that it is too late for.")] = None
    blocks: Annotated[list[Block] | None, Field(description="What must be settled first.")] = None
    errors: Annotated[list[Wrong] | None, Field(description="What in the request is wrong.")] = None
