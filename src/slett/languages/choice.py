"""Which language somebody reads: as their account says, else as their browser says, else the service's own."""

from collections.abc import Collection, Iterator

MOST = 1_000  # characters of a header that are read
WRITTEN_AS = {"no": "nb"}  # "Norwegian" without saying which


def choose(account: str, header: str, allowed: Collection[str], default: str) -> str:
    """The tag of one of the allowed languages.

    Args:
        account: the language of the account, `nn`, `nn-NO` or `nn_NO`; empty if it is not known.
        header: `Accept-Language` (RFC 9110, 12.5.4) as the browser sent it, whatever it holds.
        allowed: the tags to choose among.
        default: the tag if none of them fits.
    """
    for wanted in (account, *_by_preference(header[:MOST])):
        language = wanted.strip().lower().replace("_", "-").partition("-")[0]
        tag = WRITTEN_AS.get(language, language)
        if tag in allowed:
            return tag
    return default


def _by_preference(header: str) -> Iterator[str]:
    weighted = []
    for place, part in enumerate(header.split(",")):
        wanted, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if weight > 0:
            weighted.append((-weight, place, wanted))
    return (wanted for _, _, wanted in sorted(weighted))


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
