"""Looking at a page: pictures in three sizes, nothing that a screen reader stumbles over, nothing beyond the edge.

The pictures are in build/screens/, to be looked at by people.
"""

import re
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser, Page

AXE = Path(__file__).with_name("axe.min.js")
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "small": (320, 700)}  # the smallest last
VARIES = re.compile(r"S-[0-9A-Z]{4}-[0-9A-Z]{4}|T-\d+|[\w-]{30,}|\d+")  # references, keys, numbers
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Eyes:
    """Looks at each page once: the same address with other headings is another page.

    It looks at a copy in a browser of its own, since axe needs scripts, and whoever is at the page may have none.
    """

    def __init__(self, chromium: Browser, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._copy = chromium.new_context().new_page()
        self._copy.add_init_script(path=AXE)
        self._seen: set[tuple[str, ...]] = set()
        self._names: Counter[str] = Counter()

    def look(self, page: Page, site: str, language: str) -> None:
        """Look at the page, if it is new.

        Raises:
            AssertionError: axe finds something, or the page is wider than the screen.
        """
        path = VARIES.sub("x", re.sub(r"^https?://[^/]+|[?#].*", "", page.url)).strip("/").replace("/", "-") or "home"
        headings = page.locator("h1, h2").all_inner_texts()
        if (seen := (site, path, VARIES.sub("x", " ".join([page.title(), *headings])), language)) in self._seen:
            return
        self._seen.add(seen)
        name = f"{site}-{path}-{language}"
        self._names[name] += 1
        name += f"-{self._names[name]}" if self._names[name] > 1 else ""
        self._take_a_copy(page)
        for called, (width, height) in SIZES.items():
            self._copy.set_viewport_size({"width": width, "height": height})
            self._copy.screenshot(path=self._folder / f"{name}-{called}.png", full_page=True)
            wide = self._copy.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{page.url} is {wide} pixels wide on a screen of {width}"
        found = self._stumbles()
        assert not found, "\n".join([page.url, *found])

    def _take_a_copy(self, page: Page) -> None:
        html = page.content()
        self._copy.route(page.url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        self._copy.goto(page.url)
        self._copy.unroute(page.url)

    def _stumbles(self) -> list[str]:
        """What axe finds on the smallest screen: the rule, and where."""
        found = self._copy.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], iframes: false})", RULES
        )
        return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
