"""What people sell, wish for and buy."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from examples.torget import schema as db
from examples.torget.people import Person, spelling
from examples.torget.town import Fate, Town, becomes, gone

SHELVES = {
    "Hjem": ("Møbler", "Lamper", "Kjøkken"),
    "Fritid": ("Sykler", "Ski", "Båter"),
    "Klær": ("Yttertøy", "Sko"),
}
THINGS = ("Gyngestol", "Vaffeljern", "Tursekk", "Sparkstøtting", "Lampe", "Sykkel", "Kaffekjele", "Robåt")
STATES = ("lite brukt", "som ny", "godt brukt", "med sjel", "arvet fra bestemor")


@dataclass(frozen=True, slots=True)
class Listing:
    number: int
    seller: Person
    price: int


def listings(town: Town) -> list[Listing]:
    """Six hundred things for sale on forty stalls and off them, with photos."""
    shelves = _shelves(town)
    stalls = [_stall(town, [town.kari]), *(_stall(town, town.some(1 + n % 2)) for n in range(39))]
    made: list[Listing] = []
    for _ in range(600):
        stall, owners = town.dice.choice(stalls)
        on_stall = town.sometimes(0.4)
        seller = town.dice.choice(owners) if on_stall and town.sometimes(0.8) else town.someone()
        staff = town.someone(seller) if town.sometimes(0.9) else None
        price = town.dice.randint(5, 400) * 1000
        row = town.add(
            db.listings,
            gone(seller),
            *([becomes(*owners, stall_id=None)] if on_stall else ()),
            *([becomes(staff, approved_by=None)] if staff else ()),
            seller_id=seller.number,
            stall_id=stall if on_stall else None,
            category_id=town.dice.choice(shelves),
            approved_by=staff and staff.number,
            title=f"{town.dice.choice(THINGS)}, {town.dice.choice(STATES)}",
            description=f"Hentes i {seller.city}. Spør {seller.name}.",
            price=price,
            state="sold" if len(made) % 10 == 9 else "for sale",
            published_at=town.moment(),
        )
        made.append(Listing(row["id"], seller, price))
        for photo in range(town.dice.randint(1, 3)):
            path = f"photos/{row['id']}/{photo}.jpg"
            town.add(db.listing_photos, gone(seller), listing_id=row["id"], path=path)
        if town.sometimes(0.2):
            path = f"papers/{row['id']}.pdf"
            town.add(db.attachments, gone(seller), owner_type="listing", owner_id=row["id"], path=path)
    return made


def wishes(town: Town, listings: list[Listing]) -> None:
    """Wish lists and carts, each with other people's things on it."""
    for person in town.people:
        cart = town.add(db.carts, gone(person), user_id=person.number, updated_at=town.moment(30))
        wish_list = town.add(db.wish_lists, gone(person), user_id=person.number, title="Ønsker meg")
        for listing in town.dice.sample(listings, 4):
            town.add(
                db.cart_items,
                gone(person),
                becomes(listing.seller, listing_id=None),
                cart_id=cart["id"],
                listing_id=listing.number,
                quantity=town.dice.randint(1, 3),
            )
        for listing in town.dice.sample(listings, 5):
            town.add(
                db.wish_list_items,
                gone(person),
                becomes(listing.seller, listing_id=None),
                wish_list_id=wish_list["id"],
                listing_id=listing.number,
                note=town.dice.choice((None, "til bursdagen", "hvis den blir billigere")),
            )


def orders(town: Town, listings: list[Listing]) -> None:
    """Orders of people with an account, of the same people as guests, and of guests nobody knows.

    One in twenty is seven years old, and the books no longer need it.
    """
    for _ in range(1200):
        lines = town.dice.sample(listings, town.dice.randint(1, 3))
        how = town.dice.choices(("account", "guest", "stranger"), (8, 1, 1))[0]
        buyer = None if how == "stranger" else town.someone()
        _order(town, buyer, lines, guest=how != "account", old=town.sometimes(0.05))


def _order(town: Town, buyer: Person | None, lines: list[Listing], *, guest: bool, old: bool) -> None:
    placed_at = town.moment()
    if old:
        placed_at = placed_at.replace(year=town.now.year - 7, day=1)
    number = len(town.rows.get(db.orders, ())) + 1
    email = spelling(town.dice, buyer.email) if buyer else f"gjest{number}@bre.example.org"
    postcode = buyer.postcode if buyer else "0150"
    total = sum(listing.price for listing in lines)
    is_paid = number % 40 != 0 or buyer is town.kari or old  # nothing stands in Kari's way

    def bought(**kept: Any) -> list[Fate]:
        """The row forgets its buyer, or goes when the books no longer need it."""
        return [gone(buyer) if old else becomes(buyer, **kept)] if buyer else []

    town.add(
        db.orders,
        *bought(
            customer_id=None,
            guest_email=None,
            ship_name="(deleted)",
            ship_street=None,
            ship_postcode=postcode[:2],
        ),
        number=f"{placed_at.year}-{number:05d}",
        customer_id=buyer.number if buyer and not guest else None,
        guest_email=email if guest else None,
        ship_name=buyer.name if buyer else "Gjest",
        ship_street=buyer.street if buyer else "Storgata 1",
        ship_postcode=postcode,
        total=total,
        placed_at=placed_at,
        paid_at=placed_at + timedelta(minutes=2) if is_paid else None,
    )
    for line, listing in enumerate(lines, start=1):
        town.add(
            db.order_items,
            *bought(gift_note=None),
            becomes(listing.seller, listing_id=None, seller_id=None, seller_name="(deleted)"),
            order_id=number,
            line=line,
            listing_id=listing.number,
            seller_id=listing.seller.number,
            seller_name=listing.seller.name,
            price=listing.price,
            quantity=1,
            gift_note="Gratulerer med dagen!" if town.sometimes(0.2) else None,
        )
    card_digits = f"{town.dice.randint(0, 9999):04d}"
    if is_paid:
        town.add(
            db.payments,
            *bought(card_holder=None, card_digits=None),
            order_id=number,
            method="card",
            card_holder=buyer.name.upper() if buyer else "GJEST",
            card_digits=card_digits,
            amount=total,
            paid_at=placed_at + timedelta(minutes=2),
        )


def _shelves(town: Town) -> list[int]:
    """The numbers of the categories that have no others under them."""
    leaves = []
    for title, below in SHELVES.items():
        parent = town.add(db.categories, title=title)["id"]
        leaves += [town.add(db.categories, title=leaf, parent_id=parent)["id"] for leaf in below]
    return leaves


def _stall(town: Town, owners: list[Person]) -> tuple[int, list[Person]]:
    columns = dict(zip(("owner_id", "co_owner_id"), owners, strict=False))
    row = town.add(
        db.stalls,
        gone(*owners),
        *(becomes(owner, **{column: None}) for column, owner in columns.items()),
        title=f"Boden i {town.dice.choice(owners).city}",
        rent_is_due=len(town.rows.get(db.stalls, ())) % 8 == 7 and town.kari not in owners,
        **{column: owner.number for column, owner in columns.items()},
    )
    return row["id"], owners
