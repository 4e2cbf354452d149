"""Where Slett keeps its own things, and how hard it works: one frozen object, from `slett.toml` and the environment."""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class SettingsError(Exception):
    """The settings cannot be used."""


class Settings(BaseModel):
    """Every setting, with its default. `SLETT_HOME` in the environment is `home` here, and so on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    map: Path = Field(default=Path("slett.yaml"), description="the data map")
    home: Path = Field(default=Path(".slett"), description="folder of the ledger, the keys and the certificates")
    ledger_url: str = Field(default="", description="database of the ledger; empty: SQLite in `home`")
    service: str = Field(default="this service", description="name of the service, as certificates say it")
    chunk_rows: int = Field(default=5_000, ge=1, description="rows changed in one transaction, at most")
    inline_keys: int = Field(default=500, ge=0, description="keys sent in a statement; more go to a temporary table")
    batch_people: int = Field(default=10_000, ge=1, description="people erased in one pass, at most")
    lock_seconds: float = Field(default=5.0, gt=0, description="how long a statement waits for a lock, in seconds")
    sweeps: int = Field(default=3, ge=1, description="passes over rows written meanwhile, before giving up")
    promise_hours: int = Field(default=24, ge=1, description="the service's own promise: done within so many hours")

    @property
    def ledger(self) -> str:
        """The URL of the ledger's database."""
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.db'}"


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
    for name in Settings.model_fields:
        if (value := environ.get(f"SLETT_{name.upper()}")) is not None:
            values[name] = value
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingsError(f"setting `{name}` ({path} or SLETT_{name.upper()}): {first['msg']}") from None
