"""What waits for a second person: a record, who wrote it, what it asks for, and what it was written against.

A proposal repeats owners that other files change too. So it keeps a digest of each party as it stood when it was
written: where one has moved since, approving it would undo what somebody else did, and it has to be written again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json, party_of
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import JsonValue, canonical_json
from gatekeeper.registry.kyc_record import KycRecord, in_order, record_json

# One use case reads the same proposal and compares the same parties several times, one after the other.
_KEPT_MAX = 512


class Ask(StrEnum):
    """What an approval does besides putting the record into effect."""

    CHANGE = "change"  # nothing
    REINSTATE = "reinstate"  # it lifts the suspension
    RENEW = "renew"  # the record stands as it is, and was verified again


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record that waits for a second person, and who prepared it.

    Attributes:
        prepared_by: who wrote it last. authors: everybody who wrote it, or what it replaced while that waited.
        base: party -> SHA-256 of what it was when this was written ("" for none); None where that was not kept.
        reason: why a suspension is to be lifted, or what was verified.
        unchanged: it was nothing but what was in effect, when this was asked.
    """

    record: KycRecord
    prepared_by: str
    authors: tuple[str, ...] = ()
    base: Mapping[str, str] | None = None
    ask: Ask = Ask.CHANGE
    reason: str = ""
    unchanged: bool = False

    def __post_init__(self) -> None:
        if self.prepared_by not in self.authors:
            object.__setattr__(self, "authors", (*self.authors, self.prepared_by))

    def to_text(self) -> str:
        """The proposal as the store keeps it."""
        fields: dict[str, JsonValue] = {
            **record_json(self.record),
            "prepared_by": self.prepared_by,
            "authors": list(self.authors),
            "base": dict(self.base) if self.base is not None else None,
            "ask": self.ask.value,
            "reason": self.reason,
            "unchanged": self.unchanged,
        }
        return canonical_json(fields).decode()

    @classmethod
    def from_text(cls, text: str) -> Proposal:
        """Read back what `to_text` wrote."""
        return _read(text)

    @property
    def named(self) -> set[str]:
        """The parties that it tells of or names as owners."""
        return {named for each in self.record.parties for named in (each.id, *each.owners)}

    def written(self, parties: Mapping[str, Party]) -> list[Party]:
        """The parties that an approval would write."""
        return [each for each in self.record.parties if digest(parties.get(each.id)) != digest(each)]

    def moved(self, parties: Mapping[str, Party]) -> list[str]:
        """The parties that an approval would write over, though they are not what this was written against."""
        base = self.base
        return [
            each.id
            for each in self.written(parties)
            if base is None or base.get(each.id, "") != digest(parties.get(each.id))
        ]


@lru_cache(maxsize=_KEPT_MAX)
def _read(text: str) -> Proposal:
    fields = json.loads(text)
    parties = tuple(map(party_of, fields["parties"]))
    return Proposal(
        KycRecord(fields["customer"], fields["party"], parties, fields.get("profile_sha256", "")),
        fields["prepared_by"],
        tuple(fields.get("authors", ())),
        fields.get("base"),
        Ask(fields.get("ask", Ask.CHANGE)),
        fields.get("reason", ""),
        fields.get("unchanged", False),
    )


def base_of(record: KycRecord, parties: Mapping[str, Party]) -> dict[str, str]:
    """What the parties of a record are before it is in effect, each as a digest."""
    return {each.id: digest(parties.get(each.id)) for each in record.parties}


def at_odds(
    proposals: Mapping[str, str], customer_id: str, written: Collection[Party], below: Collection[str]
) -> dict[str, str]:
    """The proposals of other customers that say something else of parties which are written, or rest on them.

    Args:
        below: the ids of these parties and of all that they own.
    """
    ids, told, found = [f'"{each}"' for each in below], {each.id: each for each in written}, {}
    for other, text in sorted(proposals.items()):
        if other == customer_id or not any(each in text for each in ids):
            continue
        proposal = Proposal.from_text(text)
        said = {each.id for each in proposal.record.parties}
        agrees = all(told.get(each.id, each) == each for each in proposal.record.parties)
        if not agrees or not (proposal.named - said).isdisjoint(below):
            found[other] = text
    return found


def digest(party: Party | None) -> str:
    """SHA-256 of a party, whatever the order of its lists; "" for none."""
    return "" if party is None else _digest(party)


@lru_cache(maxsize=_KEPT_MAX)
def _digest(party: Party) -> str:
    return hashlib.sha256(canonical_json(party_json(in_order(party)))).hexdigest()


def with_author(names: Iterable[str], name: str) -> tuple[str, ...]:
    """Names and one more, each person once."""
    known = tuple(names)
    return known if any(same_person(each, name) for each in known) else (*known, name)
