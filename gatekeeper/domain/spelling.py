"""How login names and mail addresses are spelled: which spellings are one, and which only look alike.

A mail server delivers `a.na+kyc@provider.example.` and `ana@provider.example` to one person more often than to two, so
dots and tags of the local part, and the dot behind a domain, make no second person. A domain in punycode is read as it
is shown (RFC 3492). To take two people for one costs a second approver; to take one for two costs the rule.
"""

from __future__ import annotations

import unicodedata

PUNYCODE = "xn--"
# Small letters of other alphabets that look like Latin ones: Cyrillic, Greek, Latin beyond ASCII, Armenian. No name in
# a record has them; they come out of punycode, and in what somebody types to ask who is who.
_FOREIGN = "авекмнорстухіјѕһԁԛԝгпӏьѵѡαβεζηικμνορτυχγωϲϳσɑɡɩʏıոօցհսքւ"
_LATIN = "abekmhopctyxijshdqwrnlbvwabeznikmvoptuxywcjoagiyinoghuqi"
_SEEN_AS = dict(zip(_FOREIGN, _LATIN, strict=True))
# ASCII that is hard to tell apart in most fonts; "rn" is one "m" to a hasty reader.
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "-": None, "_": None, ".": None, "+": None})


def plain_login(name: str) -> str:
    """A name without case, width, blanks, accents, invisible characters, and alphabets that look like Latin."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    seen = (each for each in bare if not (unicodedata.combining(each) or unicodedata.category(each)[0] in "CZ"))
    return "".join(_SEEN_AS.get(each, each) for each in seen)


def plain_address(name: str) -> str:
    """The same of what may be a mail address: without tag, dots of the local part, and the dot behind the domain."""
    local, at, domain = plain_login(name).rpartition("@")
    if not at:
        return domain
    bare = local.partition("+")[0].replace(".", "") or local
    return f"{bare}@{'.'.join(_shown(each) for each in domain.rstrip('.').split('.'))}"


def looks(name: str) -> str:
    """What a hasty reader sees: two names that look the same are not both given out."""
    return plain_address(name).translate(_ALIKE).replace("rn", "m")


def has_punycode(name: str) -> bool:
    """Whether a name has a label of a domain that is shown otherwise than it is written."""
    return any(label.startswith(PUNYCODE) for label in name.casefold().replace("@", ".").split("."))


def _shown(label: str) -> str:
    """A label of a domain as it is shown, in plain letters."""
    if not label.startswith(PUNYCODE):
        return label
    try:
        return plain_login(label.removeprefix(PUNYCODE).encode("ascii").decode("punycode"))
    except UnicodeError:  # no punycode after all: it is then what it is written as
        return label
