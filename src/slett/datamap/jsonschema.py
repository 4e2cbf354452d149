"""The format of the map as a JSON Schema (2020-12), so that editors complete and check it while it is written.

`python -m slett.datamap.jsonschema` writes it to `docs/slett.schema.json`. It knows the form of a map and no database:
that is for `slett check`.
"""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from slett.datamap.document import Document

FILE = Path("docs/slett.schema.json")


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, without what only repeats: titles of fields, nulls and empty defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 the signature is pydantic's
        return False

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a map file."""
    schema = Document.model_json_schema(schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **schema, "title": "Slett data map"}


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
