"""pretix as its own tests set it up (no Redis, no worker, no mail leaves), but on the database of `DATABASE_URL`."""

import os
from urllib.parse import urlsplit

os.environ["PRETIX_DATABASE_BACKEND"] = "postgresql"

from pretix.testutils.settings import *  # noqa: F403  (pretix reads the environment when it is imported)

_database = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path[1:],
        "USER": _database.username,
        "HOST": _database.hostname,
        "PORT": _database.port,
    }
}
MIGRATION_MODULES: dict[str, str] = {}  # its tests skip the migrations
ALLOWED_HOSTS = ["*"]
