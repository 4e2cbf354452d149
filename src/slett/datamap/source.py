"""A YAML text as plain values, and the place of every one of them.

The scalars are those of YAML 1.2's core schema, so that a column may be called `on` or `no` and a date stays the text
it was written as; a number with a leading zero is a text as well (`0010` is a postcode, not eight).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from slett.datamap.model import Place, Scalar
from slett.datamap.problem import Code, MapError, Problem, quoted

if TYPE_CHECKING:
    from yaml import SafeLoader as Base
else:
    Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, and not everywhere

Path = tuple[str | int, ...]
MOST_VALUES = 1_000_000  # aliases of aliases can say more than any memory holds

PREFIX = "tag:yaml.org,2002:"
SCALARS = (
    (PREFIX + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (PREFIX + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (PREFIX + "int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,18})$"), list("-+0123456789")),
    (PREFIX + "float", re.compile(r"^[-+]?[0-9]{1,17}\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?$"), list("-+0123456789")),
)


class Loader(Base):
    """PyYAML's reader with the scalars above."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's own name


CONVERT: Mapping[str, Callable[[str], Scalar]] = {
    PREFIX + "str": str,
    PREFIX + "null": lambda _: None,
    PREFIX + "bool": lambda text: text.lower() == "true",
    PREFIX + "int": int,
    PREFIX + "float": float,
}

for _tag, _pattern, _first in SCALARS:
    Loader.add_implicit_resolver(_tag, _pattern, _first)


@dataclass(frozen=True, slots=True)
class Source:
    """The values of a file, and where each was written: an entry at its key, an item at its beginning."""

    values: Any
    places: Mapping[Path, Place]

    def at(self, path: Path) -> Place:
        """The place of that value, or of the nearest one around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def get(self, path: Path) -> Any:
        """The value at that path."""
        value = self.values
        for step in path:
            value = value[step]
        return value


def read_source(text: str, name: str) -> Source:
    """The values of a YAML text; `name` is the file's, for messages.

    Raises:
        MapError: the text is not YAML, or uses what a map may not (duplicate keys, tags, keys that are no texts).
    """
    start = Place(name, 1, 1)
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else start
        raise _not_yaml(place, " ".join(filter(None, (error.problem, error.context)))) from None
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)]
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _not_yaml(place, "there is a control character in it") from None
    except (ValueError, OverflowError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else "a character in it does not exist"
        raise _not_yaml(start, reason) from None
    if node is None:
        raise MapError([Problem("not-yaml", "error", start, "the map is empty", "begin with `slett: 1`")])
    reader = _Reader(name)
    values = reader.value(node, ())
    if reader.problems:
        raise MapError(reader.problems)
    return Source(values, reader.places)


def _not_yaml(place: Place, reason: str) -> MapError:
    hint = "look for a missing quote, bracket or colon, or wrong indentation, here or just above"
    return MapError([Problem("not-yaml", "error", place, f"this is not valid YAML: {reason}", hint)])


@dataclass(slots=True)
class _Reader:
    """Turns nodes into values, remembering places and problems on the way."""

    name: str
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    open: set[int] = field(default_factory=set)  # the nodes around this one: an alias may point at none of them

    def value(self, node: yaml.Node, path: Path) -> Any:
        place = self.place(node)
        self.places.setdefault(path, place)
        if id(node) in self.open or len(self.places) > MOST_VALUES:
            self.problem("not-yaml", place, "an alias here stands for endlessly many values", "write the values out")
            return None
        if not node.tag.startswith(PREFIX + "") or (node.tag[18:] in ("binary", "set", "omap", "pairs")):
            self.problem("tag", place, f"a map has no tags, and this is {quoted(node.tag)}", "write the plain value")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, place)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
            return dict(self.entries(node, path))
        finally:
            self.open.discard(id(node))

    def entries(self, node: yaml.Node, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Place] = {}
        for key, value in node.value:
            place = self.place(key)
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self.problem("tag", place, "a key of a map is a plain name", "write every key out, one a line")
                continue
            if key.value in seen:
                message = f"{quoted(key.value)} was already written in line {seen[key.value].line}"
                self.problem("duplicate-key", place, message, "keep one of the two")
                continue
            seen[key.value] = place
            self.places[(*path, key.value)] = place
            yield key.value, self.value(value, (*path, key.value))

    def scalar(self, node: yaml.ScalarNode, place: Place) -> Scalar:
        text = str(node.value)
        pattern = next((pattern for tag, pattern, _ in SCALARS if tag == node.tag), None)
        if node.tag not in CONVERT or (pattern and not pattern.match(text)):  # `!!int x` says what the text belies
            return self.tag(node, place)
        return CONVERT[node.tag](text)

    def tag(self, node: yaml.Node, place: Place) -> Scalar:
        self.problem("tag", place, f"a map has no tags, and this is {quoted(node.tag)}", "write the plain value")
        return None

    def place(self, node: yaml.Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def problem(self, code: Code, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem(code, "error", place, message, hint))
