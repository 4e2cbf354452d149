"""Which columns look personal, by their name and type.

Rules go by the words in a name (`shipEmail` is *ship email*), never by parts of words, in English, Norwegian, German,
French and Spanish. They are made for precision: a product has a name as well, a shop an address, and neither is a
person. What the rules miss, references find; what they find wrongly, one line in the map answers.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from slett.stores.schema import Column, Family, Table

# `near people`: in a table that is named like people, belongs to one, or has other personal columns.
# `of people`: only in a table named like people, or one with a row for each of them; and only as the whole name.
Where = Literal["anywhere", "near people", "of people"]

WORDS: tuple[Family, ...] = ("text", "json", "array", "other", "binary")  # encrypted, or in a database of bytes alone
DATES: tuple[Family, ...] = ("date", "timestamp", "text", "integer")
NUMBERS: tuple[Family, ...] = ("text", "integer", "decimal", "binary")
FILES: tuple[Family, ...] = ("text", "binary", "json")
POINTS: tuple[Family, ...] = ("decimal", "text", "other")


@dataclass(frozen=True, slots=True)
class Sign:
    """Names that speak of a person when the column is of one of these families."""

    reason: str
    families: tuple[Family, ...]
    names: str  # a column is called so at its end: `ship_email`, `email_2`; several words may be written together
    where: Where = "anywhere"


SIGNS = (
    Sign("an e-mail address", WORDS, "email, e_mail, mail, epost, e_post, epostadresse, correo, courriel"),
    Sign(
        "an IP address",
        WORDS,
        "ip, ip_address, ip_addr, remote_addr, remote_address, client_ip, adresse_ip, ip_adresse",
    ),
    Sign(
        "a telephone number",
        NUMBERS,
        "phone, telephone, mobile, cellphone, msisdn, fax, tel, telefon, telefonnummer, "
        "mobil, mobilnummer, tlf, handy, handynummer, telefax, telefono, movil",
    ),
    Sign(
        "a person's name",
        WORDS,
        "first_name, last_name, middle_name, full_name, given_name, family_name, maiden_name, surname, forename, "
        "legal_name, fornavn, etternavn, mellomnavn, fullt_navn, vorname, nachname, familienname, geburtsname, "
        "prenom, nom_famille, nom_de_famille, apellido, apellidos, "
        "customer_name, contact_name, recipient_name, sender_name, guest_name, buyer_name, author_name, person_name, "
        "cardholder_name, card_holder, cardholder, holder_name, billing_name, shipping_name, ship_name, ship_to_name, "
        "bill_to_name, attendee_name, patient_name, owner_name, kundenavn, kundenname, kontaktperson",
    ),
    Sign(
        "a user name",
        WORDS,
        "username, user_name, login, login_name, nick, nickname, screen_name, brukernavn, benutzername, "
        "nom_utilisateur, nom_d_utilisateur, nombre_usuario, usuario",
    ),
    Sign(
        "a date of birth",
        DATES,
        "birth, birthday, birthdate, birth_date, date_of_birth, dob, birth_year, year_of_birth, place_of_birth, "
        "fodselsdato, foedselsdato, fodselsdag, geburtsdatum, geburtstag, date_naissance, "
        "date_de_naissance, naissance, fecha_nacimiento, fecha_de_nacimiento, nacimiento",
    ),
    Sign(
        "a national identity number",
        NUMBERS,
        "ssn, social_security_number, national_id, national_identity_number, personal_id_number, tax_id_number, "
        "personnummer, person_number, fodselsnummer, foedselsnummer, fnr, personnr, cpr, "
        "steuer_id, sozialversicherungsnummer, numero_securite_sociale, nir, dni, nie, passport, "
        "pass_nummer, passnummer, reisepass, passeport, pasaporte, driving_licence, drivers_license, "
        "driver_license, forerkort, fuhrerschein",
    ),
    Sign(
        "a bank account or card",
        NUMBERS,
        "iban, account_number, bank_account, card_number, credit_card, "
        "kontonummer, bankkonto, kontonr, numero_compte, numero_cuenta, numero_de_cuenta",
    ),
    Sign("a device or browser", WORDS, "user_agent, device_fingerprint, browser_fingerprint, mac_address, imei"),
    Sign(
        "a password or other secret of a person",
        WORDS,
        "password, passwd, passord, passwort, kennwort, mot_de_passe, contrasena, "
        "password_digest, encrypted_password, totp_secret, otp_secret, mfa_secret, access_token, refresh_token, "
        "reset_token, push_token, device_token, session_key, session_token, session_data",
    ),
    Sign(
        "a postal address",
        WORDS,
        "address, street, street_address, home_address, address_line, addr, line1, line2, zip, "
        "zipcode, zip_code, postcode, post_code, postal_code, city, town, "
        "adresse, gate, gateadresse, gatenavn, postnummer, postnr, poststed, strasse, hausnummer, plz, "
        "postleitzahl, wohnort, ort, rue, code_postal, ville, direccion, calle, codigo_postal, "
        "ciudad",
        "near people",
    ),
    Sign(
        "a place", POINTS, "lat, lon, lng, latitude, longitude, geo, geolocation, geo_point, coordinates", "near people"
    ),
    Sign(
        "a person's sex or origin",
        (*WORDS, "integer"),
        "gender, sex, pronouns, nationality, religion, ethnicity, marital_status, kjonn, geschlecht, sexo",
        "near people",
    ),
    Sign(
        "a picture of a person",
        FILES,
        "avatar, avatar_url, avatar_path, photo, photo_url, photo_path, picture, picture_url, portrait, selfie, "
        "profile_image, bilde, foto",
        "near people",
    ),
    Sign(
        "a name shown to others",
        WORDS,
        "display_name, visningsnavn, anzeigename, handle, bio, biography",
        "near people",
    ),
    Sign("the name of a person", WORDS, "name, navn, nom, nombre, naam", "of people"),
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PEOPLE = _set("""
    user users account accounts person persons people customer customers client clients member members contact contacts
    employee employees patient patients student students subscriber subscribers guest guests attendee attendees
    participant participants recipient recipients profile profiles lead leads visitor visitors address addresses
    candidate candidates applicant applicants friend friends staff
    bruker brukere kunde kunder konto medlem medlemmer ansatt ansatte pasient pasienter elev elever deltaker deltakere
    benutzer kunden mitglied mitglieder mitarbeiter patienten nutzer teilnehmer personen
    utilisateur utilisateurs membre membres personne personnes abonne abonnes
    usuario usuarios cliente clientes persona personas miembro miembros empleado empleados
""")
TABLE_ENDINGS = _set("archive history old backup data info information details detail extra ext base table")
ENDINGS = _set("""
    address number no nr hash raw normalized normalised lower canonical encrypted text value primary secondary home work
    private new old original plain line
""")
LETTERS = str.maketrans({"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss"})
FLAGS = _set("is has can may show hide allow require requires use send enable num count")


def looks_personal(table: Table, column: Column) -> str | None:
    """Why the column seems to say something about a person; None when it does not."""
    sign = next((sign for sign in _signs(column) if _holds(sign, table, column)), None)
    return sign.reason if sign else None


def _holds(sign: Sign, table: Table, column: Column) -> bool:
    match sign.where:
        case "anywhere":
            return True
        case "near people":
            return (
                _are_people(table.name)
                or any(_are_people(key.table) and _says_whose(key.columns[-1]) for key in table.foreign_keys)
                or any(near.where == "anywhere" for other in table.columns for near in _signs(other))
            )
        case "of people":
            own_row = any(_are_people(key.table) and table.is_unique(key.columns) for key in table.foreign_keys)
            return (own_row or _are_people(table.name)) and "_".join(_words(column.name)) in _phrases(sign)


def _signs(column: Column) -> tuple[Sign, ...]:
    return tuple(sign for sign in _named(column.name) if column.family in sign.families)


@lru_cache(maxsize=10_000)
def _named(name: str) -> tuple[Sign, ...]:
    """The rules that a column's name alone satisfies."""
    words = _words(name)
    if not words or words[0] in FLAGS:
        return ()
    end = len(words)
    endings = {"_".join(words[start:end]) for start in range(end)}
    while end > 1 and (words[end - 1] in ENDINGS or words[end - 1].isdigit()):
        end -= 1
        endings |= {"_".join(words[start:end]) for start in range(end)}
    return tuple(sign for sign in SIGNS if endings & _phrases(sign))


@lru_cache
def _phrases(sign: Sign) -> frozenset[str]:
    phrases = {"_".join(_words(name)) for name in sign.names.split(",")}
    return frozenset(phrases | {phrase.replace("_", "") for phrase in phrases})


def _words(name: str) -> list[str]:
    """The words of a name, without accents: `shipEmail2`, `ship_email_2` → ship, email, 2."""
    plain = unicodedata.normalize("NFKD", name.translate(LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.findall(r"[^\W\d_]+|\d+", apart.casefold())


@lru_cache(maxsize=10_000)
def _are_people(table: str) -> bool:
    """Whether a table is named like people: by its last word that says anything."""
    words = _words(table)
    while len(words) > 1 and (words[-1] in TABLE_ENDINGS or words[-1].isdigit()):
        words.pop()
    return bool(words) and words[-1] in PEOPLE


def _says_whose(column: str) -> bool:
    """Whether a reference's column says whose a row is (`customer_id`), rather than who made it (`created_by`)."""
    return any(word in PEOPLE for word in _words(column))
