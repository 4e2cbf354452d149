"""What the parent company knows of the same people, under keys of its own."""

from datetime import date, timedelta

from examples.torget import schema as db
from examples.torget.people import Person, spelling
from examples.torget.town import Fate, Town, becomes, gone

PURPOSES = ("newsletter", "profiling", "partners")


def join(town: Town) -> None:
    """Everybody once, Kari twice, and fifty people who never were on Torget."""
    for person in town.people:
        _customer(town, person, by_ref=True, by_email=town.sometimes(0.5))
    _customer(town, town.kari, by_ref=False, by_email=True)
    for _ in range(50):
        _customer(town, None, by_ref=False, by_email=False)


def _customer(town: Town, person: Person | None, *, by_ref: bool, by_email: bool) -> None:
    """By its reference to Torget, by e-mail in some letter case, or by both; None is a stranger's."""
    number = len(town.rows.get(db.persons, ())) + 1
    key = f"K-{number:05d}"
    theirs: list[Fate] = [gone(person)] if person else []
    town.add(
        db.persons,
        *theirs,
        id=key,
        torget_ref=person.public_id if person and by_ref else None,
        email=spelling(town.dice, person.email) if person and by_email else f"{key}@posten.example",
        name=person.name if person else "Fremmed Fremmedsen",
        birth_date=date(1950, 1, 1) + timedelta(days=town.dice.randint(0, 20_000)),
        commercial_mail=number % 4 != 0,
    )
    for _ in range(3):
        town.add(
            db.contact_history,
            *theirs,
            person_id=key,
            channel=town.dice.choice(("phone", "chat", "letter")),
            summary="Ringte om en pakke som var forsinket.",
            at=town.moment(),
        )
    for purpose in PURPOSES:
        given_at = town.moment()
        withdrawn_at = given_at + timedelta(days=9) if town.sometimes(0.3) else None
        town.add(
            db.consents,
            *theirs,
            person_id=key,
            purpose=purpose,
            given_at=given_at,
            withdrawn_at=withdrawn_at,
        )
    for _ in range(4):
        earned_on = town.moment().date()
        town.add(
            db.loyalty_points,
            *([becomes(person, person_id=None, earned_on=earned_on.replace(day=1), note=None)] if person else ()),
            person_id=key,
            points=town.dice.randint(1, 50) * 10,
            earned_on=earned_on,
            note=town.dice.choice((None, "bursdagsgave")),
        )
