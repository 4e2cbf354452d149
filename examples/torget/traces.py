"""What the machinery notes down about people, with and without foreign keys."""

from datetime import timedelta

from examples.torget import schema as db
from examples.torget.people import spelling
from examples.torget.town import Town, gone

PAGES = ("/", "/sykler", "/ski", "/møbler?sorter=pris", "/om-oss")
BROWSERS = ("Firefox på Linux", "Safari på iPhone", "Chrome på Android")


def leave(town: Town) -> None:
    """Sessions, sign-ins, page views, events, subscriptions, profile pictures."""
    for person in town.people:
        number = person.number
        for _ in range(town.dice.randint(1, 3)):
            token = f"{town.dice.getrandbits(128):032x}"
            expires_at = town.now + timedelta(days=town.dice.randint(1, 30))
            town.add(db.sessions, gone(person), token=token, user_id=number, expires_at=expires_at)
        if town.sometimes(0.6) or person is town.kari:
            path = f"portraits/{number}.jpg"
            town.add(db.attachments, gone(person), owner_type="user", owner_id=number, path=path)
            email = spelling(town.dice, person.email)
            town.add(db.newsletter_subscriptions, gone(person), email=email, since=town.moment())
    for number in range(40):
        email = f"leser{number}@bre.example.org"
        town.add(db.newsletter_subscriptions, email=email, since=town.moment())
    _sign_ins(town)
    _page_views(town)
    _events(town)


def _sign_ins(town: Town) -> None:
    for _ in range(2500):
        person = town.someone()
        town.add(
            db.login_history,
            gone(person),
            user_id=person.number,
            ip=town.address(),
            browser=town.dice.choice(BROWSERS),
            at=town.moment(),
        )


def _page_views(town: Town) -> None:
    """No primary key: the second tells two views apart, since a test must know which is which."""
    for second in range(4000):
        person = town.someone() if town.sometimes(0.7) else None
        town.add(
            db.page_views,
            *([gone(person)] if person else ()),
            user_id=person and person.number,
            path=town.dice.choice(PAGES),
            ip=town.address(),
            at=town.now - timedelta(seconds=1 + 37 * second),
        )


def _events(town: Town) -> None:
    """Who did it stands inside the JSON; some events nobody did."""
    for _ in range(2000):
        person = town.someone() if town.sometimes(0.9) else None
        who = {"user": {"id": person.number, "ip": town.address()}} if person else {"job": "nightly"}
        town.add(
            db.events,
            *([gone(person)] if person else ()),
            kind=town.dice.choice(("profile", "price", "export")) if person else "cleanup",
            payload={**who, "ok": True},
            at=town.moment(),
        )
