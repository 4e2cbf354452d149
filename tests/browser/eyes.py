"""Looking at a page: pictures in three sizes, nothing that a screen reader stumbles over, nothing beyond the edge.

The pictures are in build/screens/, to be looked at by people.
"""

import re
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
SIZES = {"phone": (390, 844), "small": (320, 700), "desktop": (1280, 900)}
VARIES = re.compile(r"S-[0-9A-Z]{4}-[0-9A-Z]{4}|T-\d+|\d+")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Eyes:
    """Looks at each page once: the same address with another title is another page."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seen: set[tuple[str, ...]] = set()
        self._names: Counter[str] = Counter()
        self._mirror: Page | None = None

    def look(self, page: Page, site: str, language: str) -> None:
        """Look at the page, if it is new.

        Raises:
            AssertionError: axe finds something, or the page is wider than the smallest phone.
        """
        path = VARIES.sub("x", re.sub(r"^https?://[^/]+|[?#].*", "", page.url)).strip("/").replace("/", "-") or "home"
        if (seen := (site, path, VARIES.sub("x", page.title()), language)) in self._seen:
            return
        self._seen.add(seen)
        name = f"{site}-{path}-{language}"
        self._names[name] += 1
        name += f"-{self._names[name]}" if self._names[name] > 1 else ""
        size = page.viewport_size
        for called, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=self._folder / f"{name}-{called}.png", full_page=True, scale="css")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{page.url} is {wide} pixels wide on a screen of {width}"
        if size:
            page.set_viewport_size(size)
        found = self._stumbles(page)
        assert not found, "\n".join([page.url, *found])

    def _stumbles(self, page: Page) -> list[str]:
        """What axe finds: the rule and where. It needs scripts, so it reads the page in a browser that has them."""
        if self._mirror is None:
            browser = page.context.browser
            assert browser
            self._mirror = browser.new_context(viewport={"width": 320, "height": 700}).new_page()
        mirror, html = self._mirror, page.content()
        mirror.route(page.url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        mirror.goto(page.url)
        mirror.unroute(page.url)
        mirror.evaluate(AXE)
        found = mirror.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], iframes: false})", RULES
        )
        return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
