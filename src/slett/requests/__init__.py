"""A person's wish, from the moment it is named to the moment it is certified.

`service` opens everything that a request needs; `subject` says who is meant; `erase` walks the whole path and can
be resumed anywhere on it; `export`, `look` and `expire` are the other three things that can be asked for.

People themselves come to the `desk`: `identity` and `sessions` say who they are, `mailbox` lets those in who have no
account, `codes` and `limits` keep others out. What they confirm is done `at_once` or waits, and `status` tells how far
it has come; `notices` and `hooks` tell it to the person and to the service.
"""
