"""Where Slett keeps its own things, and how it works: one frozen object, from `slett.toml` and the environment."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo


class SettingsError(Exception):
    """The settings cannot be used."""


def _split(value: object) -> object:
    """A list, as the environment writes it: with commas."""
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Days = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_split)]


def _known_zone(name: str) -> str:
    """The name of a time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone here; write one like `Europe/Oslo`, or `UTC`") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Section(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Portal(Section):
    """The pages on which people leave, and their rules."""

    url: str = Field(default="", description="public address of the portal; empty: as the browser asks for it")
    service_url: str = Field(default="", description="the service's own address")
    sign_in_url: str = Field(default="", description="where the service signs a person in and sends them back")
    support: str = Field(default="", description="address or URL shown when something cannot be done")
    languages: Words = Field(
        default=("nb", "nn", "se", "sv", "da", "fi", "en", "de", "fr", "es", "pl", "ar"),
        min_length=1,
        description="languages of the pages and mails",
    )
    language: str = Field(default="nb", description="the language of whoever asked for none of them")
    zone: Zone = Field(default="Europe/Oslo", description="time zone (IANA) in which pages tell the time")
    exit_url: str = Field(default="", description="where `leave this page quickly` leads; empty: `service_url`")
    stylesheet: Path | None = Field(default=None, description="a stylesheet of the service's own, loaded after ours")
    wait_hours: int = Field(default=0, ge=0, description="between a confirmed erasure and its start")
    doubt_hours: int = Field(default=72, ge=0, description="likewise, when an address was replaced or only it is known")
    window_days: int = Field(default=30, ge=1, description="how long a closed account has a way back")
    after_window: Literal["erase", "stay"] = Field(default="erase", description="what becomes of a closed account then")
    code_minutes: int = Field(default=10, ge=1, le=10, description="how long a code can be used")
    code_tries: int = Field(default=5, ge=1, le=10, description="guesses at a code")
    codes_an_hour: int = Field(default=3, ge=1, description="codes sent to a person, and to an address")
    fresh_minutes: int = Field(default=5, ge=1, description="how long a sign-in proves who it is")
    session_minutes: int = Field(default=30, ge=1, description="a visit without a click ends after so long")
    export_days: int = Field(default=7, ge=1, description="how long a copy can be fetched")
    keep_particulars_days: int = Field(default=3, ge=0, description="addresses outlive a request so long")
    reminders_days: Days = Field(default=(7, 1), description="mails before a closed account is erased")
    handoff_key: Path | None = Field(default=None, description="the service's Ed25519 public key (PEM)")
    handoff_audience: str = Field(default="", description="whom a hand-off token must be for; empty: `url`")
    api_token_hashes: Words = Field(default=(), repr=False, description="SHA-256 of the tokens that may use the API")
    proxies: int = Field(default=0, ge=0, description="proxies in front whose X-Forwarded-For is believed")
    oidc_issuer: str = Field(default="", description="OpenID Connect: who signs people in")
    oidc_client_id: str = Field(default="", description="OpenID Connect: what the issuer calls the portal")
    oidc_client_secret: str = Field(default="", repr=False, description="OpenID Connect: what the issuer gave it")
    oidc_subject: str = Field(default="sub", description="OpenID Connect: the claim that holds the key of the root")


class Mail(Section):
    """The mail server."""

    url: str = Field(default="", repr=False, description="smtp://, smtps:// or smtp+starttls://; empty: no mail")
    sender: str = Field(default="", description="the address that mails come from")
    sender_name: str = Field(default="", description="the name that they come from; empty: `service`")
    attempts: int = Field(default=8, ge=1, description="before a mail is given up")
    timeout_seconds: float = Field(default=10.0, gt=0, description="for the server to answer")


class Webhook(Section):
    """Where each change of state is told."""

    url: str = Field(default="", repr=False, description="address that is told; empty: nobody")
    secret: str = Field(default="", repr=False, description="signs what is told (Standard Webhooks, `whsec_…`)")
    allow_private: bool = Field(default=False, description="may the address be in a private network?")
    attempts: int = Field(default=8, ge=1, description="before a webhook is given up")


class Pace(Section):
    """What holds a store's changes back for the sake of its other users; 0 does not. A deadline goes before it."""

    lag_seconds: float = Field(default=0, ge=0, description="wait while a replica is further behind")
    busy_sessions: int = Field(default=0, ge=0, description="wait while more other sessions are at work")
    rows_a_second: int = Field(default=0, ge=0, description="change no more, in each process")
    connections: int = Field(
        default=2, ge=1, le=2, description="that change a store at once for many people, where nothing else is set here"
    )
    replicas: Words = Field(default=(), repr=False, description="`store=url` of replicas that are asked themselves")


class Vault(Section):
    """What is taken out of the stores and may come back for a while."""

    undo_window_hours: int = Field(
        default=0, ge=0, le=24 * 28, description="how long an erasure can be undone by `slett restore`; 0: not at all"
    )
    approvals: int = Field(
        default=1, ge=1, le=2, description="how many people must ask for an undo, or to erase a sealed account at once"
    )
    service_key: bool = Field(
        default=False, description="can the service open sealed accounts too, or only the person with their code?"
    )
    url: str = Field(default="", repr=False, description="where large vaults are kept (fsspec); empty: in the ledger")
    ledger_mb: int = Field(default=64, ge=0, description="of each vault stay in the ledger, where `url` is set")


class Settings(Section):
    """Every setting, with its default. `SLETT_HOME` is `home` here, `SLETT_PORTAL_URL` is `portal.url`, and so on."""

    map: Path = Field(default=Path("slett.yaml"), description="the data map")
    home: Path = Field(default=Path(".slett"), description="folder of the ledger, the keys and the certificates")
    ledger_url: str = Field(default="", repr=False, description="database of the ledger; empty: SQLite in `home`")
    service: str = Field(default="this service", description="name of the service, as certificates say it")
    chunk_rows: int = Field(default=5_000, ge=1, description="rows changed in one transaction, at most")
    chunk_seconds: float = Field(default=0.25, gt=0, description="how long such a transaction may take, about")
    inline_keys: int = Field(default=500, ge=0, description="keys sent in a statement; more go to a temporary table")
    batch_people: int = Field(default=10_000, ge=1, description="people erased in one pass, at most")
    large_rows: int = Field(
        default=20_000, ge=1, description="whoever has more is erased beside the others, who do not wait for them"
    )
    tries: int = Field(default=8, ge=1, description="how often a batch may fail before it is a dead letter")
    gather_minutes: int = Field(
        default=30, ge=0, description="erasures wait for each other, where each reads a table whole"
    )
    lock_seconds: float = Field(default=5.0, gt=0, description="how long a statement waits for a lock, in seconds")
    statement_seconds: float = Field(
        default=3600.0, ge=0, description="how long one statement may take, and its answer be waited for; 0: no limit"
    )
    sweeps: int = Field(default=3, ge=1, description="passes over rows written meanwhile, before giving up")
    settle_hours: int = Field(
        default=24, ge=0, description="after an erasure, until the stores are looked at once more; 0: they are not"
    )
    promise_hours: int = Field(default=24, ge=1, description="the service's own promise: done within so many hours")
    pace: Pace = Pace()
    portal: Portal = Portal()
    mail: Mail = Mail()
    webhook: Webhook = Webhook()
    vault: Vault = Vault()

    @property
    def ledger(self) -> str:
        """The URL of the ledger's database."""
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.db'}"


def each_setting() -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting with its path: (`home`,), (`portal`, `url`)."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Section):
            for inner, each in type(field.default).model_fields.items():
                yield (name, inner), each
        else:
            yield (name,), field


def variable(path: tuple[object, ...]) -> str:
    """The name in the environment of the setting with that path."""
    return "_".join(("SLETT", *map(str, path))).upper()


def read_settings(file: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """The settings of `file` (default: `slett.toml` here, if there is one), overridden by `SLETT_…` variables.

    Raises:
        SettingsError: the file is not TOML, or a setting is unknown or out of range.
    """
    environ = dict(os.environ) if environ is None else environ
    path = file or Path("slett.toml")
    values: dict[str, Any] = {}
    if file or path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror}); check the name") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML: {error}") from None
    for (*sections, name), _ in each_setting():
        if (value := environ.get(variable((*sections, name)))) is not None:
            place = values
            for section in sections:
                place = place.setdefault(section, {})
            if isinstance(place, dict):  # else the file has no section where it should: said below
                place[name] = value
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = tuple(part for part in first["loc"] if isinstance(part, str))  # without the place in a list
        name = ".".join(map(str, where))
        raise SettingsError(f"setting `{name}` ({path} or {variable(where)}): {first['msg']}") from None
