"""What others say about a person, as far as it may be believed to have the right form."""

import re
from typing import Annotated

from pydantic import Field

_PART = r"[^\x00-\x20\x7f-\xa0\u2028\u2029\s@<>,;:\"()\[\]\\]"  # nothing that begins another line or another address
ADDRESS = f"^{_PART}{{1,64}}@{_PART}{{1,189}}$"
LANGUAGE = "^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}$"


def address_of(text: str) -> str:
    """The text if it is an e-mail address that can stand in the header of a mail, else nothing."""
    return text if re.fullmatch(ADDRESS[1:-1], text) else ""


def language_of(tag: str) -> str:
    """The tag if it is one (BCP 47), else nothing: how somebody writes theirs is no reason to refuse them."""
    return tag.replace("_", "-") if re.fullmatch(LANGUAGE[1:-1], tag) else ""


Address = Annotated[str, Field(pattern=ADDRESS, examples=["kari@nordmann.example"])]
Moment = Annotated[float, Field(ge=0, le=253_402_300_000, allow_inf_nan=False)]  # seconds since 1970, up to year 9999
Factors = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)]
