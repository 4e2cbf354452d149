"""Looking at a page: pictures in three sizes, nothing that a screen reader stumbles over, nothing beyond the edge.

The pictures are in build/screens/, to be looked at by people.
"""

import re
from hashlib import sha256
from pathlib import Path

from playwright.sync_api import Browser, Page

AXE = Path(__file__).with_name("axe.min.js")
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "small": (320, 700)}  # the smallest last
VARIES = re.compile(r"S-[0-9A-Z]{4}-[0-9A-Z]{4}|T-\d+|[\w-]{30,}|\d+")  # references, keys, numbers
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Eyes:
    """Looks at each page once: the same address with other headings is another page.

    It looks at a copy in a browser of its own, since axe needs scripts, and whoever is at the page may have none.

    Args:
        folder: of the pictures.
        seen: a folder that all processes of this run share: what one has looked at, the others need not.
    """

    def __init__(self, chromium: Browser, folder: Path, seen: Path) -> None:
        for each in (folder, seen):
            each.mkdir(parents=True, exist_ok=True)
        self._folder, self._seen = folder, seen
        self._copy = chromium.new_context().new_page()
        self._copy.add_init_script(path=AXE)

    def look(self, page: Page, site: str, language: str) -> None:
        """Look at the page, if it is new.

        Raises:
            AssertionError: axe finds something, or the page is wider than the screen.
        """
        path = VARIES.sub("x", re.sub(r"^https?://[^/]+|[?#].*", "", page.url)).strip("/").replace("/", "-") or "home"
        headings = page.locator("h1, h2").all_inner_texts()
        which = repr((site, path, VARIES.sub("x", " ".join([page.title(), *headings])), language))
        digest = sha256(which.encode()).hexdigest()
        try:
            (self._seen / digest).touch(exist_ok=False)
        except FileExistsError:
            return
        name = f"{site}-{path}-{language}-{digest[:4]}"
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
