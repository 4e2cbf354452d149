"""A table while it is being read: the catalogue tells of all tables' columns, then of all tables' keys, and so on."""

from dataclasses import dataclass, field, replace

from slett.stores.schema import Check, Column, ForeignKey, Table, Trigger


@dataclass(slots=True)
class Draft:
    plain_name: str
    schema: str = ""  # empty: the default one
    columns: list[Column] = field(default_factory=list)
    primary_key: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    unique_partly: list[tuple[str, ...]] = field(default_factory=list)
    indexes: list[tuple[str, ...]] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    rows: int = 0
    transactions: bool = True

    @property
    def name(self) -> str:
        """The name as in the map."""
        return f"{self.schema}.{self.plain_name}" if self.schema else self.plain_name

    def add_index(self, columns: tuple[str, ...], *, primary: bool, unique: bool, lookup: bool) -> None:
        """Add an index; `lookup` says whether rows are found through it by equality."""
        if primary:
            self.primary_key = columns
        elif unique:
            self.unique.append(columns)
        if lookup and columns:
            self.indexes.append(columns)

    def add_foreign_key(self, key: ForeignKey) -> None:
        """Add a foreign key, once: parts of one table often repeat it under another name."""
        if all(replace(key, name=other.name) != other for other in self.foreign_keys):
            self.foreign_keys.append(key)

    def add_triggers(self, name: str, *, delete: bool, insert: bool, update: bool) -> None:
        """Add what a trigger does, once: parts of one table often repeat it."""
        found = [Trigger(name, "DELETE")] * delete + [Trigger(name, "INSERT")] * insert
        found += [Trigger(name, "UPDATE")] * update
        self.triggers += [trigger for trigger in found if trigger not in self.triggers]

    def table(self) -> Table:
        """The finished table."""
        return Table(
            name=self.name,
            columns=tuple(self.columns),
            primary_key=self.primary_key,
            unique=tuple(self.unique),
            unique_partly=tuple(self.unique_partly),
            indexes=tuple(self.indexes),
            foreign_keys=tuple(self.foreign_keys),
            checks=tuple(self.checks),
            triggers=tuple(self.triggers),
            rows=self.rows,
            schema=self.schema,
            transactions=self.transactions,
        )
