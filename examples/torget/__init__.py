"""Torget ("the market square"): a made-up marketplace, and Konsern, the company that owns it.

Two databases that know the same people under different keys, with every way in which a row can hang on a
person. `python -m examples.torget` builds both and erases one person. Everybody in it is made up: the mail
domains are reserved by RFC 2606, and no telephone number in Norway begins with 000.

The schema (`schema`), the rows (`seed`) and the map (`slett.yaml`) are written apart. The seed also knows what
an erasure must do to each row (`oracle`), and it knows that without reading the map.
"""
