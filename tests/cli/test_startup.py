"""A command that only helps answers at once."""

import subprocess
import sys

import pytest

SLOW = (
    "sqlalchemy",
    "cryptography",
    "pydantic",
    "rich",
    "alembic",
    "psycopg",
    "pymysql",
    "yaml",
    "starlette",
    "jwt",
    "uvicorn",
    "procrastinate",
)


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_neither_database_nor_cryptography(words: list[str]) -> None:
    program = (
        "import sys\n"
        "from slett.cli import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        f"print('LOADED', *sorted(set(sys.modules) & set({SLOW!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_the_package_is_the_program_too() -> None:
    done = subprocess.run([sys.executable, "-m", "slett", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: slett ")
