"""What the pages point at is there, and they point at nothing that only one machine has."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import BLOCK, PAGES, ROOT, anchors, spans

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = "src|tests|docs|examples|bench|requirements"
ELSEWHERE = re.compile(r"/(?:root|home|Users|tmp|opt|work)/|pypi|pythonhosted|index-url|registry\.|127\.0\.0\.1", re.I)


def links(text: str) -> list[str]:
    return [link for link in LINK.findall(BLOCK.sub("", text)) if not link.startswith("https://")]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    broken = []
    for link in links(PAGES[name]):
        path, _, anchor = link.partition("#")
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        known = anchors(target.read_text(encoding="utf-8")) if target.suffix == ".md" and target.exists() else set()
        if not target.exists() or (anchor and anchor not in known):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_are_there(name: str) -> None:
    named = [span for span in spans(PAGES[name]) if re.fullmatch(rf"(?:{FOLDERS})/[\w./-]+", span)]
    assert [span for span in named if not (ROOT / span).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_this_machine_or_a_registry(name: str) -> None:
    lines = PAGES[name].splitlines()
    mine = (str(ROOT), str(Path.home()))
    assert [line for line in lines if ELSEWHERE.search(line) or any(path in line for path in mine)] == []


def test_every_page_is_reached_from_the_first() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in PAGES:
            continue
        reached.add(name)
        for link in links(PAGES[name]):
            target = ((ROOT / name).parent / link.partition("#")[0]).resolve()
            if target.is_relative_to(ROOT):
                waiting.append(target.relative_to(ROOT).as_posix())
    assert {name for name in PAGES if name.startswith("docs/")} - reached == set()
