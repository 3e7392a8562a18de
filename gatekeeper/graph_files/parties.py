"""Parties of a graph file: each by its kind, with what its kind does not go by left alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from gatekeeper.country_files import known_countries
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Listing, Party, PartyKind, hides_a_parent
from gatekeeper.graph_files.place import ID_CHARACTERS_MAX, UNSEEN, Place

LISTINGS_MAX = 1_000
KEYS = frozenset(
    {"id", "kind", "name", "hq", "residence", "nationality", "listed", "parent_of_record", "no_parent_reason"}
) | {"branch_of"}
BESIDE = frozenset({"comment", "jurisdiction", "lei", "note", "source"})
_LISTING_KEYS = frozenset({"list", "from", "to"})
_LISTING_BESIDE = frozenset({"comment", "note", "source"})

_SEPARATORS = re.compile(r"[^a-z0-9.]+")


class GraphParty(Party):
    """A party of a graph file: its id is whatever its source calls it, and one owner may hold several shares."""

    __slots__ = ()

    def _check_id(self) -> None:
        if not 0 < len(self.id) <= ID_CHARACTERS_MAX:
            raise InvalidInput(f"The id of a party has 1 to {ID_CHARACTERS_MAX} characters.")

    def _check_begins(self) -> None:
        """Shares that begin on one day add up here: nobody has to tell them apart again."""


def party_of(fields: Mapping[str, Any], interests: list[Interest], place: Place) -> Party:
    """A party of the graph.

    Raises:
        InvalidInput: something in it is wrong; the message names the place.
    """
    party_id = str(fields["id"])
    kind = _kind(fields, place)
    parents = place.texts(fields, "parent_of_record")
    for each in parents:
        (place / "parent_of_record").check_id(each)
    try:
        return GraphParty(
            id=party_id,
            kind=kind,
            legal_name=place.text(fields, "name") or _as_name(party_id),
            headquarters=_seat(fields, kind, place),
            parents=parents,
            no_parent_reason=_reason(fields, parents, place),
            interests=tuple(interests),
            listings=_listings(fields, place),
            nationalities=_nationalities(fields, kind, place),
            branch_of=place.id(fields, "branch_of") or "",
        )
    except InvalidInput as error:
        raise error if error.message.startswith(place.path) else place.wrong(error.message, error.hint) from error


def _kind(fields: Mapping[str, Any], place: Place) -> PartyKind:
    text = place.text(fields, "kind")
    try:
        return PartyKind.ORG if text is None else PartyKind(text)
    except ValueError as error:
        raise (place / "kind").wrong(f"{text!r:.40} is none of org, person and state.") from error


def _seat(fields: Mapping[str, Any], kind: PartyKind, place: Place) -> str:
    """The headquarters, or the residence of a person; the other of the two says nothing about it."""
    name, idle = ("residence", "hq") if kind is PartyKind.PERSON else ("hq", "residence")
    place.text(fields, idle)
    return _country(place.text(fields, name) or "", place / name)


def _nationalities(fields: Mapping[str, Any], kind: PartyKind, place: Place) -> tuple[str, ...]:
    """Those of a person; only persons are judged by them."""
    found = place.texts(fields, "nationality")
    return tuple(_country(each, place / "nationality") for each in found) if kind is PartyKind.PERSON else ()


def _reason(fields: Mapping[str, Any], parents: tuple[str, ...], place: Place) -> str:
    """Why it has no parent. Beside a parent that counts in full it says nothing, but that another one is not told."""
    reason = place.text(fields, "no_parent_reason") or ""
    return "" if parents and not hides_a_parent(reason) else reason


def _country(code: str, place: Place) -> str:
    """A code as it stands, unless it is known what is meant by it instead; what nobody knows is left unresolved."""
    table = known_countries()
    if code and code not in table.countries and (wrong := table.mistake(code)):
        raise place.wrong(wrong, "See `gatekeeper countries`.")
    return code


def _listings(fields: Mapping[str, Any], place: Place) -> tuple[Listing, ...]:
    found = []
    for index, each in enumerate(place.list_of(fields, "listed", LISTINGS_MAX)):
        here = place / "listed" / index
        listing = here.fields(each, _LISTING_KEYS, _LISTING_BESIDE)
        name = _SEPARATORS.sub("-", (here.text(listing, "list") or "").lower()).strip("-.")
        if not name:
            raise (here / "list").wrong("a listing names its list.", "Use letters a-z and digits.")
        begins, ends = here.day(listing, "from"), here.day(listing, "to")
        try:
            found.append(Listing(name, begins, ends))
        except InvalidInput as error:
            raise here.wrong(error.message, error.hint) from error
    return tuple(found)


def _as_name(party_id: str) -> str:
    """An id as a name: with what could steer a terminal or turn a sentence around shown by its code."""
    return "".join(f"\\u{ord(each):04x}" if unicodedata.category(each) in UNSEEN else each for each in party_id)[:300]
