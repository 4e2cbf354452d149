"""Measurements: how fast Slett is beside other ways of doing the same, in one run on one machine.

Each module is one measurement, run by hand with one command, `.venv/bin/python -m bench.one_person`, on PostgreSQL or
with `--database mariadb`. It starts a server of its own with production settings, fills it, lets every way work in
turn on the same data, makes sure that all of them leave the same rows behind, and prints ratios. Times depend on the
machine; ratios hold better. No test depends on what is printed here. `bench/lab` is what the measurements share.
"""
