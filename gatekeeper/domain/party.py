"""Who somebody is: a legal entity, a person or a state, and who controls or owns it.

Nothing in this file comes from what a tenant can write.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import WHOLE, Interest, percent_text
from gatekeeper.domain.lei import checked_lei
from gatekeeper.domain.observation import HIDDEN

_IDENTIFIER = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_COUNTRY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,5})?")
_UNSEEN = ("Cc", "Cf", "Zl", "Zp")
OTHER_NAMES_MAX = 50
INTERESTS_MAX = 10_000


def checked_identifier(text: str, what: str) -> str:
    """The text itself, if it can be an id: lower case letters, digits, dots and dashes, 1 to 63 of them.

    Raises:
        InvalidInput: anything else; ids stand in file names, labels and records.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise InvalidInput(f"{text!r} cannot be the id of a {what}.", hint="Use a-z, 0-9, dots and dashes, at most 63.")
    return text


def checked_country(code: str, prefix: str = "") -> str:
    """The code itself, if it has the form of a country code; whether there is such a country the packs know.

    Raises:
        InvalidInput: another form.
    """
    if not _COUNTRY.fullmatch(code):
        raise InvalidInput(f"{prefix}{code!r:.40} is not a country code such as DE or UA-43.")
    return code


def _unseen(name: str) -> str:
    """The signs of a name that nobody sees, by their codes."""
    found = sorted({each for each in name if unicodedata.category(each) in _UNSEEN})
    return ", ".join(f"U+{ord(each):04X} ({unicodedata.name(each, 'a control character').lower()})" for each in found)


class PartyKind(StrEnum):
    """What a party is."""

    ORG = "org"
    PERSON = "person"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Listing:
    """A party stands on a restrictive list from a day on, up to but without another (None: open)."""

    list: str
    begins: date | None = None
    ends: date | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.list, "list")
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise InvalidInput(
                f"The listing on {self.list} ends on {self.ends}, before it begins.",
                hint=f"It begins on {self.begins}; `to` is the first day on which it no longer holds.",
            )

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day < self.ends)


@dataclass(frozen=True, slots=True)
class Party:
    """A node of the ownership graph.

    Attributes:
        headquarters: country code of the headquarters (residence of a person, the state itself for a state); "" where
            not known. Two letters as in ISO 3166-1, or with a part: "UA-43".
        parents: ids of the parties that control it, by consolidation or otherwise, whatever they own of it.
        no_parent_reason: why it has none ("listed company", "natural persons only"), or in GLEIF's words why the one it
            has is not told (NO_LEI, NON_PUBLIC); "" where nobody has said.
        interests: who owns which share of it, in the order of owner and begin.
        listings: restrictive lists that it stands on, with dates.
        nationalities: country codes of a person's nationalities; () where not known.
        branch_of: id of the head office whose branch or representative office it is; "" for a party of its own.
        other_names: former, translated and trading names, for screening.
        lei: its Legal Entity Identifier (ISO 17442), "" without one; jurisdiction: country code of its law.
    """

    id: str
    kind: PartyKind
    legal_name: str
    headquarters: str = ""
    parents: tuple[str, ...] = ()
    no_parent_reason: str = ""
    interests: tuple[Interest, ...] = ()
    listings: tuple[Listing, ...] = ()
    nationalities: tuple[str, ...] = ()
    branch_of: str = ""
    other_names: tuple[str, ...] = ()
    lei: str = ""
    jurisdiction: str = ""

    def __post_init__(self) -> None:
        self._check_id()
        self._check_names()
        for code in filter(None, (self.headquarters, self.jurisdiction, *self.nationalities)):
            checked_country(code, f"Party {self.id}: ")
        if self.id in self.parents:
            raise InvalidInput(f"Party {self.id} cannot be its own parent.")
        if len(set(self.parents)) != len(self.parents):
            raise InvalidInput(f"Party {self.id} names a parent twice.")
        if self.parents and self.no_parent_reason:
            raise InvalidInput(f"Party {self.id} has parents and a reason for having none.", hint="Remove one of them.")
        self._check_kind()
        self._check_interests()

    def _check_id(self) -> None:
        checked_identifier(self.id, "party")

    def _check_names(self) -> None:
        if len(self.other_names) > OTHER_NAMES_MAX:
            raise InvalidInput(f"Party {self.id} has more than {OTHER_NAMES_MAX} other names.")
        for name in (self.legal_name, *self.other_names):
            if not name.strip() or len(name) > 300:
                raise InvalidInput(f"Party {self.id} needs names of 1 to 300 characters.")
            if any(unicodedata.category(each) in _UNSEEN for each in name):
                raise InvalidInput(
                    f"A name of party {self.id} holds control or direction characters.",
                    hint=f"Take out {_unseen(name)}; letters that are written from the right need none.",
                )
        if self.lei:
            checked_lei(self.lei)

    def _check_kind(self) -> None:
        if self.branch_of and (self.branch_of == self.id or self.parents or self.no_parent_reason or self.interests):
            raise InvalidInput(
                f"Party {self.id} is a branch of {self.branch_of}, so it has neither owners nor parents of its own.",
                hint="Give them to the head office.",
            )
        if self.nationalities and self.kind is not PartyKind.PERSON:
            raise InvalidInput(f"Party {self.id} is no person, so it has no nationality.")
        if self.kind is not PartyKind.ORG and (self.parents or self.interests or self.branch_of):
            raise InvalidInput(f"Party {self.id} is a {self.kind.value}: nobody owns or controls it.")

    def _check_interests(self) -> None:
        if len(self.interests) > INTERESTS_MAX:
            raise InvalidInput(f"Party {self.id} has more than {INTERESTS_MAX:,} interests.")
        if any(each.owner == self.id for each in self.interests):
            raise InvalidInput(f"Party {self.id} cannot own itself.", hint="Leave treasury shares out.")
        self._check_begins()
        self._check_sums()

    def _check_begins(self) -> None:
        """The owner and the first day name an interest when a record changes."""
        seen = set[tuple[str, date | None]]()
        for each in self.interests:
            if (each.owner, each.begins) in seen:
                raise InvalidInput(f"Party {self.id}: {each.owner} owns two shares that begin on the same day.")
            seen.add((each.owner, each.begins))

    def _check_sums(self) -> None:
        """On no day may the shares sum to more than the whole."""
        steps = [(each.begins or date.min, each.least) for each in self.interests]
        steps += [(each.ends, -each.least) for each in self.interests if each.ends is not None]
        total = 0
        for day, step in sorted(steps):  # what ends on a day is off before what begins on it
            total += step
            if total > WHOLE:
                when = "" if day == date.min else f" from {day} on"
                raise InvalidInput(
                    f"The shares of party {self.id} sum to {percent_text(total)} percent{when}.",
                    hint="End the interest that was sold, or give bounds where shares are not exact.",
                )

    @property
    def is_without_parent(self) -> bool:
        """Whether somebody has said why it has no parent. That one exists and is not told is no such reason."""
        return bool(self.no_parent_reason) and not self.hides_parent

    @property
    def hides_parent(self) -> bool:
        """Whether it is an entity that says of its parent only that it does not tell it."""
        return bool(self.no_parent_reason) and self.kind is PartyKind.ORG and hides_a_parent(self.no_parent_reason)

    @property
    def owners(self) -> tuple[str, ...]:
        """Ids of all that control or own it or are its head office, on whatever day, each once, in order."""
        named = {*self.parents, *(each.owner for each in self.interests), *filter(None, (self.branch_of,))}
        return tuple(sorted(named))


@lru_cache(maxsize=1024)
def hides_a_parent(reason: str) -> bool:
    """Whether a reason for naming no parent is that one exists and is not told, in GLEIF's words."""
    return re.sub(r"[^A-Z]+", "_", reason.upper()).strip("_") in HIDDEN
