"""`python -m slett`, for where the script `slett` is not on the path."""

from slett.cli import main

if __name__ == "__main__":
    main(prog_name="slett")
