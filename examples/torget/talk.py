"""What people say to each other and of each other."""

from datetime import timedelta

from examples.torget import schema as db
from examples.torget.people import spelling
from examples.torget.shop import Listing
from examples.torget.town import Town, becomes, gone

LINES = (
    "Hei! Er den fortsatt til salgs?",
    "Kan jeg hente på lørdag?",
    "Takk, den kom fram i god behold.",
    "Hva med halv pris?",
    "Så fin den er! 🌞",
)


def messages(town: Town) -> None:
    """Nine hundred messages from one person to another, some with a picture; some told the recipient."""
    for number in range(900):
        sender, recipient = town.some(2)
        sent_at = town.moment()
        row = town.add(
            db.messages,
            gone(sender),
            becomes(recipient, recipient_id=None, recipient_name="(deleted)"),
            sender_id=sender.number,
            recipient_id=recipient.number,
            recipient_name=recipient.name,
            body=town.dice.choice(LINES),
            sent_at=sent_at,
        )
        if number % 9 == 0:
            path = f"pictures/{row['id']}.jpg"
            town.add(db.attachments, gone(sender), owner_type="message", owner_id=row["id"], path=path)
        if number % 2 == 0:
            town.add(
                db.notifications,
                gone(recipient),
                becomes(sender, actor_id=None, actor_name="(deleted)"),
                user_id=recipient.number,
                actor_id=sender.number,
                actor_name=sender.name,
                kind="message",
                at=sent_at + timedelta(seconds=1),
            )


def conversations(town: Town) -> None:
    """Conversations that several share. Kari is the last one left in the first."""
    for members in [[town.kari], *(town.some(town.dice.randint(2, 5)) for _ in range(80))]:
        started_at = town.moment()
        shared = town.add(db.conversations, gone(*members), topic="Felles henting", started_at=started_at)
        for member in members:
            town.add(
                db.conversation_members,
                gone(member),
                conversation_id=shared["id"],
                user_id=member.number,
                joined_at=started_at,
            )
        for minute in range(town.dice.randint(4, 12)):
            sender = town.dice.choice(members)
            town.add(
                db.messages,
                gone(sender),
                conversation_id=shared["id"],
                sender_id=sender.number,
                body=town.dice.choice(LINES),
                sent_at=started_at + timedelta(minutes=minute),
            )


def reviews(town: Town, listings: list[Listing]) -> None:
    """Reviews of what was bought, with replies, and replies to the replies."""
    for listing in town.dice.sample(listings, 400):
        author, written_at = town.someone(listing.seller), town.moment()
        review = town.add(
            db.reviews,
            gone(author),
            becomes(listing.seller, seller_id=None, listing_id=None),
            author_id=author.number,
            seller_id=listing.seller.number,
            listing_id=listing.number,
            stars=town.dice.randint(1, 5),
            body="Rask handel, hyggelig selger. Anbefales på det varmeste.",
            written_at=written_at,
        )
        for days in range(1, town.dice.randint(1, 4)):
            before, author = author, town.someone()
            review = town.add(
                db.reviews,
                gone(author),
                becomes(before, parent_id=None),
                author_id=author.number,
                parent_id=review["id"],
                body="Enig!" if days % 2 else "Jeg fikk den ikke før etter en uke, men ellers fin.",
                written_at=written_at + timedelta(days=days),
            )


def contacts(town: Town) -> None:
    """Address books: a contact names a person by account, by e-mail only, by phone only, or a stranger."""
    for owner in town.people:
        for how in town.dice.choices(("account", "email", "phone", "stranger"), k=6):
            person = town.someone(owner)
            stranger = how == "stranger"
            town.add(
                db.contacts,
                gone(owner),
                *(
                    ()
                    if stranger
                    else [becomes(person, contact_id=None, name="(deleted)", email=None, phone=None, note=None)]
                ),
                owner_id=owner.number,
                contact_id=person.number if how == "account" else None,
                name="Mormor" if stranger else person.name,
                email=spelling(town.dice, person.email) if how in {"account", "email"} else None,
                phone=person.phone if how in {"account", "phone"} else None,
                note=town.dice.choice((None, "nabo", "kjøper alltid sykler")),
            )
