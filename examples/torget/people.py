"""Two hundred made-up people."""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

FIRST = (
    *("Åse", "Øyvind", "Æsa", "Bjørn", "Solveig", "Håkon", "Ingrid", "Sjur", "Ragnhild", "Tor-Erik", "Siri"),
    *("Nils-Petter", "Maja", "Jørgen", "Gro", "Einar", "Anne-Lise", "Káre", "Tuva", "Odd", "Liv", "Synnøve"),
)
LAST = (
    *(
        "Hansen",
        "Bråten",
        "Sæther",
        "Ødegård",
        "O'Brien",
        "Berg-Olsen",
        "Åsen",
        "Løvås",
        "D'Angelo",
        "Haugen",
    ),
    *(
        "Nygård",
        "Bjørnstad",
        "Tveit",
        "Øien",
        "van der Meer",
        "Lunde",
        "Skjærvø",
        "Solberg-Næss",
        "Dahl",
        "Moe",
    ),
)
DOMAINS = ("fjord.example", "posten.example", "bre.example.org", "nordlys.example.net")
STREETS = (
    "Storgata",
    "Bjørkeveien",
    "Øvre Slottsgate",
    "Kirkegårdsgata",
    "Tomt-Hansens vei",
    "St. Olavs gate",
)
CITIES = (
    ("0150", "Oslo"),
    ("5003", "Bergen"),
    ("7010", "Trondheim"),
    ("9008", "Tromsø"),
    ("6002", "Ålesund"),
)


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    name: str
    email: str  # as written at sign-up, in whatever letter case
    phone: str
    street: str
    postcode: str
    city: str

    @property
    def public_id(self) -> str:
        """What other systems call this person."""
        return f"T-{self.number * 7919 % 100_003:06d}"

    def __str__(self) -> str:
        return self.name


def people(dice: random.Random, count: int = 200) -> Iterator[Person]:
    """Kari first, then somebody with her name, somebody with nearly her address, and a crowd."""
    named = [
        ("Kari Nordmann", "Kari@Nordmann.example"),
        ("Kari Nordmann", "kari.nordmann@fjord.example"),
        ("Mari Nordmann", "okari@nordmann.example"),
    ]
    for number in range(1, count + 1):
        if number <= len(named):
            name, email = named[number - 1]
        else:
            name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
            email = spelling(dice, f"{_plain(name)}{number}@{dice.choice(DOMAINS)}")
        postcode, city = dice.choice(CITIES)
        street = f"{dice.choice(STREETS)} {dice.randint(1, 99)}"
        yield Person(number, name, email, f"+47000{number * 37 % 100_000:05d}", street, postcode, city)


def spelling(dice: random.Random, email: str) -> str:
    """The same address in a letter case that people really use."""
    return dice.choice((str.lower, str.lower, str.title, str.upper, str.capitalize))(email)


def _plain(name: str) -> str:
    spelled = name.lower().replace("å", "aa").replace("ø", "o").replace("æ", "ae").replace(" ", ".")
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
