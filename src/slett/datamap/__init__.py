"""What is known: the data map, `slett.yaml`, which says where personal data lives and what happens to it.

`load` reads the file into the frozen `model`; `check` compares that with what the databases really look like;
`jsonschema` publishes the format, so that editors help; `personal` says which columns look personal.

Promises: a map that loads is complete in form, every error of a file is reported in one go, each with its place;
nothing here opens a database, and no password of a URL reaches a message. A map of format version 1 will still
load in later versions of Slett.

Does not: read live schemas (`slett.stores`), decide an order of work (`slett.plan`), or change anything.
"""
