"""The name a request goes by: `S-7K4M-2Q9X`.

Forty random bits in Crockford's base 32: short enough to read out on the telephone, without letters that look
alike, and not to be guessed by counting. It says nothing about the person or about how many requests there are.
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def draw_reference(draw: Callable[[int], bytes]) -> str:
    """A new reference from five bytes of `draw`."""
    number = int.from_bytes(draw(5), "big")
    text = "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))
    return f"S-{text[:4]}-{text[4:]}"


def read_reference(text: str) -> str | None:
    """The reference somebody typed, spelled properly, or None: letter case, hyphens, and O for 0 are forgiven."""
    plain = text.strip().upper().translate(ALIKE)
    if len(plain) != 9 or plain[0] != "S" or not set(plain[1:]) <= set(ALPHABET):
        return None
    return f"S-{plain[1:5]}-{plain[5:]}"
