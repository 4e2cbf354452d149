"""The receipt on paper: the same page as on the screen, set by WeasyPrint (the extra `pdf`). Nothing is fetched."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from weasyprint import CSS, HTML  # type: ignore[import-untyped]  # it ships no types

from slett.languages import Translator
from slett.web.drawing import STATIC, draw
from slett.web.receipt import Receipt


def pdf_of(receipt: Receipt, words: Translator, moment: Callable[[datetime], str]) -> bytes:
    """The receipt as PDF."""
    page = draw("receipt_paper.html", words, {"receipt": receipt, "moment": moment})
    style = CSS(string=(STATIC / "paper.css").read_text(encoding="utf-8"), url_fetcher=_nothing)
    document: Any = HTML(string=page, url_fetcher=_nothing).write_pdf(stylesheets=[style], pdf_identifier=b"slett")
    return bytes(document)


def _nothing(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"a receipt loads nothing, and not {url[:20]}")
