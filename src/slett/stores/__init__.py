"""What Slett can change: the databases of a service, each kind behind the same operations.

`operations` is the vocabulary, `schema` what a live database looks like; both are plain data. `sql` answers the
operations for SQL databases, with what differs in `postgresql`, `mariadb` and `sqlite`. `introspect` reads a schema.

Promises: no UPDATE or DELETE runs unless `proof` has seen its key condition; rows are changed where they are and never
turned into Python objects; an error that leaves here holds no value of any row. Does not: know a map, a request or the
ledger.
"""
