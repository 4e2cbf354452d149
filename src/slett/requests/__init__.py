"""A person's wish, from the moment it is named to the moment it is certified.

`service` opens everything that a request needs; `subject` says who is meant; `erase` walks the whole path and can
be resumed anywhere on it; `export`, `look` and `expire` are the other three things that can be asked for.
"""
