"""What the measurements share.

`server` is either database, `shop` the data in it, `ways` are the contestants and `race` lets them run, `traffic` is
other people in the shop, `network` slows a connection down, `report` prints what they needed.
"""
