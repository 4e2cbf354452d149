"""Erases people from the shop with Django's `Collector`: a line in is a JSON list of keys, a line out the seconds.

Runs in an environment of its own that has Django in it. The models hold keys and references only: no fewer rows, and
less to read of each.
"""

import json
import sys
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import django  # type: ignore[import-not-found] # there only in the environment made for it
from django.conf import settings  # type: ignore[import-not-found]

from bench.lab.shop import MENTIONS, REFERENCES, TABLES


def main(url: str) -> None:
    people = _models(url)["people"]
    for line in sys.stdin:
        keys = json.loads(line)
        start = perf_counter()
        people.objects.filter(pk__in=keys).delete()
        print(perf_counter() - start, flush=True)


def _models(url: str) -> dict[str, Any]:
    at = urlsplit(url)
    if at.scheme == "mariadb":
        import pymysql  # type: ignore[import-not-found, unused-ignore] # as above

        pymysql.install_as_MySQLdb()
    settings.configure(
        INSTALLED_APPS=["bench.lab"],
        DATABASES={
            "default": {
                "ENGINE": f"django.db.backends.{'mysql' if at.scheme == 'mariadb' else 'postgresql'}",
                "NAME": at.path.lstrip("/"),
                "USER": at.username,
                "HOST": at.hostname,
                "PORT": at.port,
            }
        },
    )
    django.setup()
    from django.db import models  # type: ignore[import-not-found]

    found: dict[str, Any] = {}
    for table in TABLES:
        fields: dict[str, Any] = {"id": models.BigAutoField(primary_key=True)}
        for child, column, parent in REFERENCES:
            if child == table and parent in found:
                mention = (child, column) in MENTIONS
                fields[column.removesuffix("_id")] = models.ForeignKey(
                    found[parent],
                    models.SET_NULL if mention else models.CASCADE,
                    null=mention,
                    db_column=column,
                    related_name="+",
                )
        meta = type("Meta", (), {"managed": False, "db_table": table, "app_label": "lab"})
        found[table] = type(table.title(), (models.Model,), fields | {"Meta": meta, "__module__": __name__})
    return found


if __name__ == "__main__":
    main(sys.argv[1])
