"""Settings: from the file, from the environment, and never printed when they are secrets."""

from pathlib import Path

import pytest

from slett.settings import Settings, SettingsError, read_settings

TOML = """
service = "Torget"
[portal]
url = "https://leave.torget.example"
languages = ["nb", "ar"]
reminders_days = [14, 3]
[mail]
sender = "leave@torget.example"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "slett.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def test_sections_are_read_and_the_environment_goes_before_the_file(file: Path) -> None:
    environ = {"SLETT_PORTAL_LANGUAGES": "nb, se,", "SLETT_PORTAL_WAIT_HOURS": "4", "SLETT_WEBHOOK_ALLOW_PRIVATE": "1"}
    settings = read_settings(file, environ)
    assert settings.portal.url == "https://leave.torget.example"
    assert settings.portal.languages == ("nb", "se")
    assert settings.portal.reminders_days == (14, 3)
    assert settings.portal.wait_hours == 4
    assert settings.webhook.allow_private
    assert settings.mail.sender == "leave@torget.example"
    assert read_settings(file, {}).portal.languages == ("nb", "ar")


def test_secrets_are_in_no_representation() -> None:
    secret = "hunter2"
    settings = read_settings(
        environ={
            "SLETT_LEDGER_URL": f"postgresql://anna:{secret}@localhost/ledger",
            "SLETT_MAIL_URL": f"smtp://anna:{secret}@localhost",
            "SLETT_WEBHOOK_SECRET": secret,
            "SLETT_WEBHOOK_URL": f"https://hooks.example/{secret}",
            "SLETT_PORTAL_OIDC_CLIENT_SECRET": secret,
            "SLETT_PORTAL_API_TOKEN_HASHES": secret,
        }
    )
    assert secret not in repr(settings) + str(settings)
    assert settings.mail.url.endswith("@localhost")


@pytest.mark.parametrize(
    ("toml", "environ", "sentence"),
    [
        ("[portal]\nwindow = 3", {}, r"setting `portal.window` .*SLETT_PORTAL_WINDOW\)"),
        ("", {"SLETT_PORTAL_CODE_MINUTES": "11"}, r"setting `portal.code_minutes` .*SLETT_PORTAL_CODE_MINUTES\)"),
        ("", {"SLETT_PORTAL_REMINDERS_DAYS": "7,x"}, r"setting `portal.reminders_days` "),
        ("portal = 3", {"SLETT_PORTAL_URL": "https://x.example"}, r"setting `portal` "),
        ("[portal]\nlanguages = []", {}, r"setting `portal.languages` "),
    ],
)
def test_what_cannot_be_used_is_named_and_not_repeated(
    tmp_path: Path, toml: str, environ: dict[str, str], sentence: str
) -> None:
    path = tmp_path / "slett.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        read_settings(path, environ)


def test_every_section_has_its_defaults() -> None:
    assert read_settings(environ={}) == Settings()
