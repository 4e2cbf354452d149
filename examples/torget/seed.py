"""Every row of both databases, made up from one seed: about twenty thousand."""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

from examples.torget import konsern, shop, talk, traces
from examples.torget import schema as db
from examples.torget.passwords import made_up_hash
from examples.torget.town import Town, gone


def build_town(today: date) -> Town:
    """The town as it stands on that day."""
    town = Town(today)
    _accounts(town)
    listings = shop.listings(town)
    shop.wishes(town, listings)
    shop.orders(town, listings)
    talk.messages(town)
    talk.conversations(town)
    talk.reviews(town, listings)
    talk.contacts(town)
    traces.leave(town)
    konsern.join(town)
    return town


def store(town: Town, engines: Mapping[str, sa.Engine]) -> None:
    """Create the tables of both databases, which must be empty, and fill them."""
    for metadata in (db.TORGET, db.KONSERN):
        with engines[metadata.info["store"]].begin() as connection:
            metadata.create_all(connection)
            for table in metadata.sorted_tables:
                connection.execute(table.insert(), [row.values for row in town.rows[table]])


def _accounts(town: Town) -> None:
    for person in town.people:
        town.add(
            db.users,
            gone(person),
            public_id=person.public_id,
            email=person.email,
            phone=person.phone,
            name=person.name,
            password_hash=made_up_hash(),
            active=True,
            commercial_mail=person.number % 3 != 0,
            created_at=town.moment(),
        )
        for _ in range(town.dice.randint(1, 3)):
            town.add(
                db.addresses,
                gone(person),
                user_id=person.number,
                street=person.street,
                postcode=person.postcode,
                city=person.city,
            )
