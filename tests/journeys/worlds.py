"""Random worlds: schemas, rows and people, drawn so that a map of them is right."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.journeys.world import Kind, Person, Reference, Row, Table, World

# Words that need quoting, letter case that needs keeping, and names that are part of each other.
NAMES = ("order", "Items", "Item", "files", "events")
KEYS = {"number": ("id",), "text": ("id",), "pair": ("shop", "no"), "none": ()}
PAIRS = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)]  # of which no part alone tells rows apart
DATES = ["2015-12-31", "2020-11-21", "2021-11-21", "2021-11-22", "2021-11-23", "2020-12-31", "2021-01-01", "2026-03-09"]
NOBODY = 70  # and above: keys that no row has
TEXTS = [None, "", "a", "b", "slettet", "Ål", "slett-"]
Value = TypeVar("Value")


@dataclass(repr=False)
class Erasure:
    """Who leaves together: each by (root, key) or (identifier, address in some letter case)."""

    people: list[Person]
    named: list[tuple[str, str]]


@dataclass(repr=False)
class Case:
    """A world, and who leaves it, in this order."""

    world: World
    erasures: list[Erasure]
    inline_keys: int
    chunk_rows: int

    def __repr__(self) -> str:
        """What a failure shows: the whole case, to be played again by hand."""
        lines = [self.world.map(), *self.world.statements("sqlite")]
        lines += [f"leaving: {erasure.named}" for erasure in self.erasures]
        return "\n".join([*lines, f"inline_keys={self.inline_keys} chunk_rows={self.chunk_rows}"])

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Hypothesis would walk the whole world, round and round."""
        printer.text(repr(self))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Some of the people of a world leave, one by one or together."""
    world = _Maker(draw).world()
    leaving = draw(st.lists(st.sampled_from(world.people), min_size=1, unique_by=lambda person: person.number))
    groups = [leaving] if draw(st.booleans()) else [[person] for person in leaving]
    with_mail = any(table.identifiers for table in world.tables)
    erasures = []
    for group in groups:
        named = []
        for person in group:
            ways = [(row.table.name, ",".join(str(row.values[each]) for each in row.table.key)) for row in person.roots]
            if with_mail:
                ways += [("email", cased) for each in person.addresses for cased in (each, each.upper())]
            named.append(draw(st.sampled_from(ways)))
        erasures.append(Erasure(group, named))
    return Case(world, erasures, draw(st.sampled_from([0, 1, 500])), draw(st.sampled_from([1, 3, 5000])))


class _Maker:
    """One world in the making."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.tables: list[Table] = []
        self.kinds: dict[Table, str] = {}
        self.first: dict[Table, int] = {}
        self.staying = False
        self.late: list[tuple[Table, Reference]] = []  # references to a table's own or later rows, filled last
        self.with_mail = self.maybe()

    def one(self, *choices: Value) -> Value:
        return self.draw(st.sampled_from(choices))

    def maybe(self, of: int = 2) -> bool:
        return self.draw(st.integers(1, of)) == of

    def world(self) -> World:
        users = self.table("users", self.one("number", "number", "text", "pair"), root=True)
        roots = [users]
        if self.maybe(3):
            members = self.table("members", "number", root=True)
            self.reference(members, users, "owner", unique=True)
            roots.append(members)
        for name in NAMES[: self.draw(st.integers(1, len(NAMES)))]:
            self.any_table(name)
        self.circles()
        for table in self.tables:
            self.decide(table)
        people = self.people(roots)
        for table in self.tables[len(roots) :]:
            self.fill(table, people)
        for table, reference in self.late:
            for row in table.rows:
                self.point(row, reference, people)
        return World(self.tables, people)

    # -- schema -------------------------------------------------------------------------------------

    def table(self, name: str, kind: str, root: bool = False) -> Table:
        table = Table(name, KEYS[kind], root=root)
        table.columns = dict.fromkeys(table.key, "VARCHAR(20) NOT NULL" if kind == "text" else "INTEGER NOT NULL")
        if kind == "none" or self.maybe(3):
            table.columns["code"] = "INTEGER NOT NULL"
            table.unique = ("code",)
        table.columns |= {"group": "VARCHAR(60)", "Seen": "DATE"}
        if root and self.with_mail:
            table.columns["mail"] = "VARCHAR(60)"
            table.identifiers = {"email": "mail"}
        if root and self.maybe(3):
            table.action = "anonymise"
        self.kinds[table] = kind
        self.first[table] = self.draw(st.integers(0, 1))
        self.tables.append(table)
        return table

    def any_table(self, name: str) -> None:
        table = self.table(name, self.one("number", "number", "text", "pair", "none"))
        targets = [each for each in self.tables if each is not table and each.owned]
        shape = self.one("owner", "owner", "owner", "owner", "shared", "link", "when", "mail", "mention")
        self.staying = shape != "link" and self.maybe(3)
        match shape:
            case "shared":
                for _ in range(self.draw(st.integers(2, 3))):
                    self.reference(table, self.one(*targets), "shared")
            case "link" if table.key:
                self.link_table(table, self.one(*targets))
            case "when":
                self.polymorphic(table, targets)
            case "mail" if self.with_mail:
                self.mail(table, self.one("owner", "mention"))
            case "mention":
                self.reference(table, self.one(*targets), "mention")
            case _:
                self.reference(table, self.one(*targets), "owner")
        only_mentions = shape in ("link", "mention") or (shape == "shared" and self.staying)
        extra = ["mention"] if only_mentions else ["owner", "mention"]
        for _ in range(self.draw(st.integers(0, 2))):
            kind = self.one(*extra)
            if self.with_mail and self.maybe(4):
                self.mail(table, kind)
            else:
                self.reference(table, self.one(*targets), kind)
        if table.owned:
            table.action = self.one("anonymise", "keep") if self.staying and table.key else "delete"

    def reference(
        self, table: Table, to: Table, kind: Any, *, unique: bool = False, late: bool = False, prefix: str = "r"
    ) -> Reference:
        """One more reference of a table, with columns of its own, to the key or the code over there."""
        number = sum(each.startswith(prefix) for each in table.columns)
        by_code = "code" in to.columns and (not to.key or self.maybe())
        match = ("code",) if by_code else to.key
        types = [to.columns[each].removesuffix(" NOT NULL") for each in match]
        columns = tuple(f"{prefix}{number}{each}" for each in match)
        declared = not self.maybe(3)
        numbers = types == ["INTEGER"]
        ghost = kind == "mention" and numbers and not declared and not late and self.maybe(3)
        nullable = [
            late or kind == "shared" or (kind == "owner" and self.staying_of(table)) or not self.maybe(3) for _ in match
        ]
        if kind == "mention" and not ghost and not any(nullable):
            nullable[0] = True
        if numbers and not declared and not unique and self.maybe(4):
            types = ["VARCHAR(20)"]  # compared as text
        for column, type_, null in zip(columns, types, nullable, strict=True):
            table.columns[column] = type_ if null else f"{type_} NOT NULL"
        clause = None
        if declared:
            ends = ["", "ON DELETE CASCADE", *(["ON DELETE SET NULL"] if all(nullable) else [])]
            clause = self.one(*ends) + self.one("", " DEFERRABLE INITIALLY IMMEDIATE", " DEFERRABLE INITIALLY DEFERRED")
        made = Reference(kind, columns, to, match, foreign_key=clause)
        if types == ["INTEGER"] and not unique and self.maybe(4):
            made.none = (0,)
        if ghost and types == ["INTEGER"]:
            made.set = (NOBODY,)
        elif ghost:
            table.columns[columns[0]] = types[0]
        if kind == "mention" and self.maybe():
            made.anonymise = self.label(table)
        if unique:
            table.unique = (*table.unique, *columns) if len(columns) == 1 else table.unique
        table.references.append(made)
        if late:
            self.late.append((table, made))
        return made

    def staying_of(self, table: Table) -> bool:
        return table.root or self.staying

    def label(self, table: Table) -> dict[str, Any]:
        name = f"label{len(table.columns)}"
        table.columns[name] = "VARCHAR(60)"
        return {name: self.one(None, "(deleted)")}

    def link_table(self, table: Table, to: Table) -> None:
        """The table is shared by the rows of one more table, which says who is in it."""
        link = Table(f"in_{table.name}")
        self.tables.append(link)
        self.kinds[link] = "link"
        self.staying = False
        whole = Reference("owner", tuple(f"t{each}" for each in table.key), table, table.key, foreign_key="")
        link.columns |= {f"t{each}": table.columns[each] for each in table.key}
        member = self.reference(link, to, "owner")
        for column in member.columns:
            link.columns[column] = f"{link.columns[column].removesuffix(' NOT NULL')} NOT NULL"
        if member.foreign_key:
            member.foreign_key = member.foreign_key.replace("ON DELETE SET NULL", "")
        link.key = (*whole.columns, *member.columns)
        link.further = whole
        table.references.append(Reference("shared", table.key, link, whole.columns, through=True))

    def polymorphic(self, table: Table, targets: list[Table]) -> None:
        """`ref` refers to a row of the table that `kind` names."""
        kinds = [each for each in targets if self.kinds[each] == "number"]
        if not kinds:
            self.reference(table, self.one(*targets), "owner")
            return
        table.columns |= {"kind": "VARCHAR(20) NOT NULL", "ref": "INTEGER"}
        for each in kinds[: self.draw(st.integers(1, 2))]:
            kind: Kind = self.one("owner", "owner", "mention")
            made = Reference(kind, ("ref",), each, ("id",), when={"kind": each.name})
            table.references.append(made)

    def mail(self, table: Table, kind: Any) -> None:
        name = f"m{sum(each.startswith('m') for each in table.columns)}"
        table.columns[name] = "VARCHAR(60)"
        made = Reference(kind, (name,), identifier="email")
        if kind == "mention" and self.maybe():
            made.anonymise = self.label(table)
        table.references.append(made)

    def circles(self) -> None:
        """References to the table itself and to later ones, which may be null."""
        for number, table in enumerate(self.tables):
            others = [each for each in self.tables[number:] if each.owned and (each.key or "code" in each.columns)]
            if others and self.kinds[table] not in ("none", "link") and self.maybe(3):
                self.staying = table.action != "delete"
                shared = any(each.kind == "shared" for each in table.references)
                kinds = ["mention"] if table.root or shared or not table.owned else ["owner", "mention"]
                self.reference(table, self.one(*others), self.one(*kinds), late=True, prefix="s")

    # -- decisions ----------------------------------------------------------------------------------

    def decide(self, table: Table) -> None:
        """What becomes of the columns, and until when."""
        if table.owned and table.key and self.maybe(4):
            table.columns["state"] = "INTEGER"
            table.disable = {"state": 0}
            referred = any(each.to is table for other in self.tables for each in other.foreign_keys)
            if not table.root and table.action == "delete" and not referred and self.maybe():
                table.disable = "delete"
        if table.action == "delete":
            return
        template = {"template": "gone-" + "-".join(f"{{{each}}}" for each in table.key)}
        table.anonymise = {"group": self.one(None, "-", {"hash": True}, {"prefix": 1}, template)}
        if self.maybe():
            table.anonymise["Seen"] = self.one(None, "1900-01-01", {"cut": "year"}, {"cut": "month"})
        if table.identifiers:
            table.anonymise["mail"] = self.one(None, {"hash": True}, template)
        if table.action == "keep":
            parents = [
                each.to.name
                for each in table.references
                if each.kind == "owner" and each.to and each.to.action == "keep" and (table, each) not in self.late
            ]
            if parents and self.maybe(3) is False:
                table.until = {"as": self.one(*parents)}
            else:
                table.columns["placed"] = "DATE NOT NULL"
                table.until = {"column": "placed", "add": "5 years"} | self.one({}, {"from": "year-end"})

    # -- rows ---------------------------------------------------------------------------------------

    def people(self, roots: list[Table]) -> list[Person]:
        people = [Person(number) for number in range(self.draw(st.integers(3, 6)))]
        users = roots[0]
        for person in people:
            in_users = person.number < 2 or not self.maybe(4)
            if in_users:
                self.put(users, person)
            if len(roots) > 1 and self.maybe():
                row = self.put(roots[1], person)
                if in_users:
                    self.link(row, roots[1].references[0], person.roots[0])
            if not person.roots and not self.with_mail:
                self.put(users, person)
            if not person.roots:
                person.addresses.append(f"gæst.{person.number}@x.no")
        return people

    def put(self, table: Table, person: Person) -> Row:
        row = self.new(table)
        self.payload(row)
        if "mail" in row.values:
            address = f"bård.{person.number}@{table.name}.no"
            row.values["mail"] = self.one(address, address, address.upper(), None)
            if row.values["mail"]:
                person.addresses.append(address)
        person.roots.append(row)
        return row

    def new(self, table: Table) -> Row:
        row = Row(table, dict.fromkeys(table.columns))
        number = len(table.rows)
        match self.kinds[table]:
            case "number":
                row.values["id"] = number + self.first[table]
            case "text":
                row.values["id"] = f"k{number}"
            case "pair":
                row.values["shop"], row.values["no"] = PAIRS[number]
        table.rows.append(row)
        if "code" in row.values:
            row.values["code"] = 7 - len(table.rows)
        return row

    def payload(self, row: Row) -> None:
        for column in row.values:
            if column == "group" or column.startswith("label"):
                row.values[column] = self.one(*TEXTS)
            elif column in ("Seen", "placed"):
                row.values[column] = self.one(*DATES, *([None] if column == "Seen" else []))
            elif column == "state":
                row.values[column] = 1
            elif column == "kind":
                row.values[column] = "thing"

    def fill(self, table: Table, people: list[Person]) -> None:
        link = table.further
        for _ in range(self.draw(st.integers(0, 5))):
            row = self.new(table)
            fine = self.point(row, link, people) if link else True
            for each in table.references:
                fine = fine and (
                    (table, each) in self.late or each.through or bool(each.when) or self.point(row, each, people)
                )
            key = [row.values[each] for each in table.key]
            if not fine or any(key == [other.values[each] for each in table.key] for other in table.rows[:-1] if key):
                table.rows.remove(row)
                continue
            choices = [each for each in table.references if each.when and each.to and each.to.rows]
            self.payload(row)
            if choices and not self.maybe(3):
                chosen = self.one(*choices)
                row.values["kind"] = chosen.when["kind"]
                self.point(row, chosen, people)
            elif "ref" in row.values:
                row.values["ref"] = self.one(None, 1, 2)

    def point(self, row: Row, reference: Reference, people: list[Person]) -> bool:
        """Let a reference lead to somebody's row, or to nobody; false where it cannot."""
        if reference.to is None:
            addresses = [address for person in people for address in person.addresses]
            if addresses and not self.maybe(4):
                address = self.one(*addresses)
                row.values[reference.columns[0]] = self.one(address, address.upper(), address.title())
                row.links[reference] = address
            else:
                row.values[reference.columns[0]] = self.one(None, "", "bard.0@users.no", "bård.0@users.n")
            return True
        targets = [each for each in reference.to.rows if not (0 in reference.none and 0 in self.key(each, reference))]
        ways: list[Callable[[], bool]] = []
        if targets:
            ways += [lambda: self.link(row, reference, self.one(*targets))] * 3
        empty = [each for each in reference.columns if row.table.nullable(each)]
        if empty:
            ways.append(lambda: self.lead_nowhere(row, reference, empty))
        if reference.foreign_key is None and not reference.when and len(reference.columns) == 1:
            number = "INTEGER" in row.table.columns[reference.columns[0]]
            ways.append(lambda: self.lead_to_a_stranger(row, reference, NOBODY + 1 if number else "x"))
            if number and reference.none:
                ways.append(lambda: self.lead_to(row, reference, 0))
            elif not number and not reference.set:
                ways.append(lambda: self.lead_to(row, reference, ""))
        return self.one(*ways)() if ways else False

    @staticmethod
    def key(row: Row, reference: Reference) -> tuple[Any, ...]:
        return tuple(row.values[each] for each in reference.match)

    def link(self, row: Row, reference: Reference, to: Row) -> bool:
        for column, value in zip(reference.columns, self.key(to, reference), strict=True):
            row.values[column] = str(value) if "VARCHAR" in row.table.columns[column] else value
        row.links[reference] = to
        return True

    @staticmethod
    def lead_to(row: Row, reference: Reference, value: Any) -> bool:
        """A value that means nobody."""
        row.values[reference.columns[0]] = value
        return True

    @staticmethod
    def lead_to_a_stranger(row: Row, reference: Reference, value: Any) -> bool:
        """A value that is no row's here: somebody may hide behind it who does not leave."""
        row.links[reference] = "a stranger"
        row.values[reference.columns[0]] = value
        return True

    def lead_nowhere(self, row: Row, reference: Reference, empty: list[str]) -> bool:
        """Null in one of the columns is enough; what stands in the others means nothing."""
        for column in reference.columns:
            row.values[column] = None if column in empty else ("k0" if "VARCHAR" in row.table.columns[column] else 1)
        return True
