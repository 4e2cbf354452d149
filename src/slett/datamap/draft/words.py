"""Names as words: what a table or a column is, as far as its name tells, in five languages.

English, Norwegian, German, French and Spanish; accents are folded. `customer_useraddresses` and `UserAddress` both
end in the words *user, address*.
"""

import re
import unicodedata
from functools import cache


def group(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


PERSON = group("""
    user customer member person client subscriber buyer consumer patient student passenger citizen guest owner holder
    bruker kunde kunden medlem medlemmer person personer pasient elev abonnent
    benutzer nutzer anwender mitglied mitglieder personen teilnehmer
    utilisateur membre personne adherent abonne
    usuario cliente miembro persona socio abonado
""")
ACCOUNT = group("account konto kontoer konten compte cuenta")
BESIDE = group("""
    admin administrator staff employee backend operator system service partner vendor supplier agent bot api test
    ansatt mitarbeiter employe empleado
""")

OWNER = (
    PERSON
    | ACCOUNT
    | group("""
    sender voter follower liker payer purchaser
    eier avsender kjoper
    besitzer eigentumer inhaber absender kaufer
    proprietaire expediteur acheteur titulaire
    propietario remitente comprador titular
""")
)
DONE = group("""
    created modified updated changed edited approved reviewed assigned deleted verified confirmed checked handled
    closed resolved cancelled canceled invited referred published locked banned blocked
    opprettet endret godkjent
    erstellt geandert geaendert genehmigt
    cree modifie approuve
    creado modificado aprobado
""")
MENTION = DONE | group("""
    creator editor modifier approver reviewer assignee staff operator moderator referrer recipient receiver inviter
    agent handler manager supervisor responsible admin administrator employee salesperson impersonating
    mottaker saksbehandler ansvarlig redaktor
    empfanger empfaenger bearbeiter sachbearbeiter
    destinataire responsable gestionnaire
    destinatario
""")
BY = group("by av von par por")
DONE_BY_OWNER = group("owned placed ordered submitted sent posted requested booked written bought purchased paid")
RECEIVER = group("recipient receiver mottaker empfanger empfaenger destinataire destinatario to target")
AUTHOR = group("""
    author creator opener starter organizer organiser host initiator founder poster
    forfatter arrangor autor auteur veranstalter organisateur organizador
""")

PASSWORD = group("password passwd pwd passord passwort kennwort contrasena")
SESSION = group("""
    session token apikey login passkey credential otp totp u2f webauthn
    okt sesjon innlogging palogging sitzung jeton connexion sesion
""")
NOTICE = group("notification notice alert reminder inbox varsel varsling benachrichtigung notificacion")
PASSING = (
    SESSION
    | NOTICE
    | PASSWORD
    | group("""
    cart basket trolley wishlist favourite favorite bookmark address preference setting search device
    view pageview visit click follow follower like reaction newsletter push waitlist avatar
    handlekurv handlevogn kurv onskeliste favoritt bokmerke adresse innstilling preferanse sok enhet
    warenkorb einkaufswagen wunschliste merkliste favorit lesezeichen anschrift einstellung suche gerat geraet
    panier favori signet recherche appareil reglage
    carrito cesta favorito marcador direccion preferencia busqueda dispositivo
""")
)
ADDRESS = group("address adresse anschrift direccion")
ACCOUNTING = group("""
    order invoice payment transaction receipt ticket bill refund charge payout purchase sale booking reservation
    subscription contract donation credit giftcard card balance wallet ledger bank tax vat salary payroll shipment
    delivery loan policy deposit withdrawal transfer chargeback dispute fee accounting
    ordre bestilling faktura betaling transaksjon kvittering billett kjop salg refusjon kontrakt avtale bilag
    regnskap
    bestellung auftrag rechnung zahlung transaktion quittung beleg buchung erstattung vertrag kauf lieferung
    commande facture paiement recu billet achat remboursement contrat livraison
    pedido factura pago transaccion recibo billete compra reembolso contrato reserva envio
""")
LOG = group("""
    log logentry auditlog accesslog eventlog adminlog audit history historical activity trail changelog revision journal
    logg historikk protokoll verlauf historique historial bitacora
""")
HISTORY = group("history historical historikk verlauf historique historial")
BROWSING = group("search view pageview visit click login")
EVIDENCE = group("""
    consent agreement terms certificate ban block suspension warning report complaint incident claim
    samtykke einwilligung consentement consentimiento
""")
FREE = group("""
    note comment message remark memo info text body content description reason additional
    notat kommentar melding merknad beskrivelse innhold bemerkung notiz nachricht beschreibung inhalt
    commentaire remarque contenu nota comentario mensaje descripcion contenido
""")
CONTAINER = group("""
    topic thread forum project conversation event organizer organiser organization organisation company team group
    channel room board workspace tenant shop store product page category course poll survey club community site
    repository chat
    prosjekt gruppe samtale tema arrangement arrangor forening firma selskap butikk produkt
    projekt verein thema gesprach veranstaltung unternehmen
    projet groupe sujet evenement entreprise societe
    proyecto grupo conversacion evento empresa
""")
SELECTED = group("last latest first default current primary main featured previous next accepted best selected pinned")
TRAIT = group("meta metadata attribute detail profile info data property field extra")
PIECE = group("item line entry position product attribute option")
MAILING = group("newsletter waitlist subscriber abonnent push")
MEMBERSHIP = group("member membership participant collaborator team medlem mitglied membre miembro")

EMAIL = group("email mail epost mailadresse correo courriel")
PHONE = group("phone mobile telephone telefon mobil tlf handy telefono movil portable")
USERNAME = group("username login handle nickname brukernavn benutzername pseudo")
SECRET = PASSWORD | group("secret token otp totp passkey apikey")
ENABLED = group("active enabled aktiv actif activo")
DISABLED = group("disabled inactive deactivated suspended deaktivert deaktiviert")

NUMBER = group("no nr num number nummer numero")
KEYS = group("id fk pk uuid guid key ref ptr")
_WHOLE = group("""
    review preview interview overview reaction interaction transaction profile password username wishlist catalog blog
    dialog border newsletter checkout feedback background number status address access process business news basis
    series species analysis bonus campus virus
""")
_PLAIN = group("product line item attribute shipping search query type value name data info code list option stock")
VOCABULARY = frozenset().union(
    *(PERSON, ACCOUNT, BESIDE, OWNER, MENTION, AUTHOR, PASSING, ACCOUNTING, LOG, CONTAINER, MEMBERSHIP, EMAIL, PHONE),
    *(BROWSING, EVIDENCE, USERNAME, SECRET, PIECE, TRAIT, ENABLED, DISABLED, _WHOLE, _PLAIN),
)
_IRREGULAR = {"people": "person", "persons": "person", "adresses": "adresse", "kunder": "kunde", "brukere": "bruker"}
_PLURALS = ("s", "es", "er", "r", "en", "n", "e")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ł": "l"})
_SHORTEST = 4  # a shorter word at the end of a longer one is chance: `log` in `catalog`


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name: small letters, singular, accents folded, compounds taken apart where the parts are known."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    tokens = [part for token in re.split(r"[\W_]+", _folded(spaced)) if token for part in _parts(token)]
    joined = " ".join(tokens).replace("e mail", "email").replace("e post", "epost").replace("wish list", "wishlist")
    joined = joined.replace("api key", "apikey")
    return tuple(joined.split())


def stem(column: str) -> tuple[str, ...]:
    """The words of a column that refers, without those that only say that it does: `user_id` is *user*."""
    found = words(column)
    if len(found) == 1 and found[0].endswith("id") and (rest := _parts(found[0][:-2]))[-1] in VOCABULARY:
        found = rest
    return tuple(word for word in found if word not in KEYS)


def is_key(column: str) -> bool:
    """Whether the name says that the column refers: `user_id`, `userid`, `UserID`, `fk_user`."""
    found = words(column)
    return bool(KEYS & set(found)) or (len(found) == 1 and found != stem(column))


def is_text_key(column: str) -> bool:
    """Whether a text called so refers: `user_id`; a `session_key` is a secret, and `user_ids` are several."""
    return is_key(column) and words(column)[-1] != "key" and not _folded(column).endswith(("ids", "refs"))


def unprefixed(table: str) -> set[tuple[str, ...]]:
    """A table's name without what a whole application puts before each of its names: `wp_posts` is *post*."""
    _, _, rest = table.rpartition(".")[2].partition("_")
    return {words(table)[1:], words(rest)} - {()}


def is_role(column: str) -> bool:
    """Whether the name says that the column holds a person: `author`, `created_by`; no flag (`deleted`), no time
    (`created_at`), no number of people (`active_users`).
    """
    found = words(column)
    if not found:
        return False
    if found[-1] in (OWNER | AUTHOR | MENTION) - DONE:
        return _folded(column).endswith(found[-1])  # else it is a plural
    return found[0] in DONE and bool(set(found[1:]) & (BY | RECEIVER | PERSON | ACCOUNT))


def is_passing(table: str) -> bool:
    """Whether the name of a table says that its rows are of use to one person alone."""
    found = words(table)
    return bool(PASSING & set(found)) and found[-1] not in CONTAINER


def is_log(table: str) -> bool:
    """Whether the name of a table says that it is a record for others: what a person looked at is none."""
    found = set(words(table))
    return bool(found & LOG) and not (found & BROWSING and found & LOG <= HISTORY)


def is_accounting(table: str) -> bool:
    """Whether the name of a table says that it belongs to the books: a newsletter's subscriptions do not."""
    found = set(words(table))
    return bool(found & ACCOUNTING - ({"subscription"} if found & MAILING else set()))


def _folded(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def _parts(token: str) -> tuple[str, ...]:
    word = _singular(token)
    if word in VOCABULARY:
        return (word,)
    for start in range(1, len(word) - _SHORTEST + 1):
        end = word[start:]
        if end in VOCABULARY and (start >= _SHORTEST or word[:start] in VOCABULARY):
            return (*_parts(word[:start]), end)
    return (word,)


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in VOCABULARY:
        return word
    for ending in _PLURALS:
        if word.endswith(ending) and (found := word.removesuffix(ending)) in VOCABULARY:
            return found
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1]
