"""A party as a file says it, and back: the keys of `parties:`, and what each of them means.

What is left out counts as unknown. Shares are read as exact decimal text and never pass through a float.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from gatekeeper.country_files import checked_code, checked_jurisdiction, is_code
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest, millionths, percent_text
from gatekeeper.domain.lei import checked_lei
from gatekeeper.domain.names import words_in
from gatekeeper.domain.party import INTERESTS_MAX, OTHER_NAMES_MAX, Listing, Party, PartyKind
from gatekeeper.registry.kyc_record import PARTIES_MAX
from gatekeeper.yaml_files import Day, Document, Part, Place, checked

Id = Annotated[str, StringConstraints(max_length=63)]
Name = Annotated[str, StringConstraints(max_length=300)]
Code = Annotated[str, StringConstraints(max_length=300), checked(checked_code, accepts=is_code)]
_Jurisdiction = Annotated[str, StringConstraints(max_length=8), checked(checked_jurisdiction)]
_Lei = Annotated[str, StringConstraints(max_length=300), checked(checked_lei)]
_Share = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=40), checked(lambda text: millionths(text, up=False))
]


class Dated(Part):
    """Something that holds from a day on, up to but without another."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    begins: Day | None = Field(default=None, alias="from")
    ends: Day | None = Field(default=None, alias="to")


class InterestPart(Dated):
    """Who owns a share of the party that it stands in."""

    owner: Id
    share: _Share | None = None
    share_min: _Share | None = None
    share_max: _Share | None = None
    source: Name | None = None


# Fifty names of eight words: each is compared with every entry of every list.
NAME_WORDS_MAX = 400


class ListingPart(Dated):
    """A restrictive list that the party stands on."""

    list: Id


class PartyPart(Part):
    """A party as a file says it."""

    id: Id
    kind: PartyKind = PartyKind.ORG
    legal_name: Name
    headquarters: Code | None = None
    residence: Code | None = None
    parents: tuple[Id, ...] = Field(default=(), max_length=PARTIES_MAX)
    no_parent_reason: Name | None = None
    interests: tuple[InterestPart, ...] = Field(default=(), max_length=INTERESTS_MAX)
    listed: tuple[ListingPart, ...] = Field(default=(), max_length=PARTIES_MAX)
    nationalities: tuple[Code, ...] = Field(default=(), max_length=20)
    branch_of: Id | None = None
    other_names: tuple[Name, ...] = Field(default=(), max_length=OTHER_NAMES_MAX)
    lei: _Lei | None = None
    jurisdiction: _Jurisdiction | None = None


def parties_of(parts: tuple[PartyPart, ...], document: Document) -> tuple[Party, ...]:
    """The parties of a document.

    Raises:
        InvalidInput: with the place of everything that is wrong.
    """
    found, faults = list[Party](), list[tuple[Place, str]]()
    for index, part in enumerate(parts):
        interests = []
        for number, each in enumerate(part.interests):
            try:
                interests.append(interest_of(each))
            except InvalidInput as error:
                faults.append((("parties", index, "interests", number), str(error)))
        try:
            found.append(party_of(part, tuple(interests)))
        except InvalidInput as error:
            faults.append((("parties", index), str(error)))
    if faults:
        raise document.errors(faults)
    return tuple(found)


def party_of(part: PartyPart, interests: tuple[Interest, ...]) -> Party:
    """The party of its part; the interests were read before, for their own places.

    Raises:
        InvalidInput: it contradicts itself.
    """
    if part.residence and part.kind is not PartyKind.PERSON:
        raise InvalidInput(f"Party {part.id} is no person, so it has no residence.", hint="Write `headquarters`.")
    words = sum(map(words_in, (part.legal_name, *part.other_names)))
    if words > NAME_WORDS_MAX:
        raise InvalidInput(
            f"The names of party {part.id} have {words} words together; {NAME_WORDS_MAX} is the most.",
            hint="Leave out other names that say nothing new.",
        )
    if part.residence and part.headquarters:
        raise InvalidInput(f"Party {part.id} has a residence and headquarters.", hint="A person has a residence.")
    return Party(
        id=part.id,
        kind=part.kind,
        legal_name=part.legal_name,
        headquarters=part.headquarters or part.residence or "",
        parents=part.parents,
        no_parent_reason=part.no_parent_reason or "",
        interests=interests,
        listings=tuple(Listing(each.list, each.begins, each.ends) for each in part.listed),
        nationalities=part.nationalities,
        branch_of=part.branch_of or "",
        other_names=part.other_names,
        lei=part.lei or "",
        jurisdiction=part.jurisdiction or "",
    )


def interest_of(part: InterestPart) -> Interest:
    """The interest of its part; bounds are rounded outwards, so that no share is ever told narrower than it is.

    Raises:
        InvalidInput: shares that contradict each other, or are none.
    """
    if part.share is not None and (part.share_min is not None or part.share_max is not None):
        raise InvalidInput(f"The share of {part.owner} is given exactly and by bounds.", hint="Keep one of them.")
    low, high = (part.share, part.share) if part.share is not None else (part.share_min, part.share_max)
    least = millionths(low, up=False) if low is not None else 0
    most = millionths(high, up=True) if high is not None else None
    return Interest(part.owner, least, most, part.begins, part.ends, part.source or "")


def party_part(party: Party) -> dict[str, Any]:
    """The party as a file would say it, what is empty left out."""
    place = "residence" if party.kind is PartyKind.PERSON else "headquarters"
    found: dict[str, Any] = {
        "id": party.id,
        "kind": party.kind.value,
        "legal_name": party.legal_name,
        "other_names": list(party.other_names),
        "lei": party.lei,
        "jurisdiction": party.jurisdiction,
        place: party.headquarters,
        "nationalities": list(party.nationalities),
        "branch_of": party.branch_of,
        "parents": list(party.parents),
        "no_parent_reason": party.no_parent_reason,
        "interests": [_interest_part(each) for each in party.interests],
        "listed": [{"list": each.list, **_span_part(each.begins, each.ends)} for each in party.listings],
    }
    return {name: value for name, value in found.items() if value}


def _interest_part(each: Interest) -> dict[str, Any]:
    found: dict[str, Any] = {"owner": each.owner}
    if each.most is not None and each.least == each.most:
        found["share"] = percent_text(each.most)
    else:
        found |= {"share_min": percent_text(each.least)} if each.least else {}
        found |= {"share_max": percent_text(each.most)} if each.most is not None else {}
    return found | _span_part(each.begins, each.ends) | ({"source": each.source} if each.source else {})


def _span_part(begins: date | None, ends: date | None) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("from", begins), ("to", ends)) if day is not None}
