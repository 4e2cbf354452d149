"""What the measurements share: the server, the shop in it, the ways of erasing a person from it, and the report.

`shop` is the data, `ways` are the contestants, `report` prints what they needed.
"""
