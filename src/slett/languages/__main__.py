"""`python -m slett.languages`: bring the sentences of the sources into every catalogue, and say what is missing."""

import sys

from slett.languages.catalogues import catalogue_of, problems, sentences, update
from slett.languages.translator import SOURCE, TAGS


def main() -> int:
    update()
    template = sentences()
    found = [
        problem
        for tag in TAGS
        if tag != SOURCE
        for problem in problems(catalogue_of(tag).read_text(encoding="utf-8"), tag, template)
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
