"""A customer's KYC record as one value: the customer, its own party, and that party's owners up the chain.

It is what a person writes into a file, what waits as a proposal (`proposal`), and what a second person approves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.kyc_profile import KycProfile
from gatekeeper.domain.party import Party, checked_identifier
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import JsonValue

# What one person writes at once; more than this nobody has read. The chain that it joins may be longer: others write
# it too, and what they add must never keep anybody from looking at a customer or from suspending it.
PARTIES_MAX = 200


@dataclass(frozen=True, slots=True)
class KycRecord:
    """One customer with its parties; parties stand in the order of their ids, so that equal records are equal.

    Attributes:
        party_id: the customer's own party.
        parties: that party and owners of it; owners that the registry knows already may be left out.
        profile_sha256: names the sealed KYC profile that the store keeps; "" where nobody gave one.
        profile: what a person wrote, until the registry seals it. It is personal: never shown by chance, never logged.
    """

    customer_id: str
    party_id: str
    parties: tuple[Party, ...]
    profile_sha256: str = ""
    profile: KycProfile | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        checked_identifier(self.customer_id, "customer")
        object.__setattr__(self, "parties", tuple(sorted(map(in_order, self.parties), key=lambda each: each.id)))
        ids = [party.id for party in self.parties]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise InvalidInput(f"Customer {self.customer_id}: party {twice[0]} stands there twice.")
        if self.party_id not in ids:
            raise InvalidInput(
                f"Customer {self.customer_id}: its own party {self.party_id} is not among its parties.",
                hint="Add the party, or name the right one as `party`.",
            )
        strangers = sorted(set(ids) - owners_of({party.id: party for party in self.parties}, self.party_id).keys())
        if strangers:
            raise InvalidInput(
                f"Customer {self.customer_id}: party {strangers[0]} is no owner of {self.party_id}.",
                hint="Name it as a parent or owner of one of the parties, or remove it.",
            )
        if self.profile is not None:
            self.check_address(self.profile)

    def check_size(self) -> None:
        """Keep what one person writes to what another can read.

        Raises:
            InvalidInput: it holds too many parties.
        """
        if len(self.parties) > PARTIES_MAX:
            raise InvalidInput(
                f"Customer {self.customer_id} has {len(self.parties):,} parties; a record holds at most {PARTIES_MAX}.",
                hint="Leave out owners that the registry has already.",
            )

    def check_address(self, profile: KycProfile) -> None:
        """Keep a letter box from being taken for headquarters: where a company is run from is then unknown.

        Raises:
            InvalidInput: the profile calls its address none where anybody works, and the own party has headquarters.
        """
        kind, own = profile.headquarters_address_kind, next(each for each in self.parties if each.id == self.party_id)
        if kind is not None and not kind.is_real and own.headquarters:
            raise InvalidInput(
                f"Customer {self.customer_id}: its headquarters in {own.headquarters} are only a "
                f"{kind.value.replace('_', ' ')}, so nobody knows where it is run from.",
                hint="Leave `headquarters` of the party out until the real office is known; its tier is unresolved.",
            )


def in_order(party: Party) -> Party:
    """The party with its lists in order: their order means nothing."""
    parents, nationalities = tuple(sorted(party.parents)), tuple(sorted(party.nationalities))
    interests = tuple(sorted(party.interests, key=lambda each: (each.owner, each.begins or date.min)))
    listings = tuple(sorted(party.listings, key=lambda each: (each.list, each.begins or date.min)))
    names = tuple(sorted(party.other_names))
    if (parents, interests, listings, nationalities, names) == (
        (party.parents, party.interests, party.listings, party.nationalities, party.other_names)
    ):
        return party  # most are in order, and to make one anew is to check all of it again
    return replace(
        party,
        parents=parents,
        interests=interests,
        listings=listings,
        nationalities=nationalities,
        other_names=names,
    )


def owners_of(parties: Mapping[str, Party], party_id: str) -> dict[str, Party]:
    """The party and all its known owners, by id."""
    found: dict[str, Party] = {}
    waiting = [party_id]
    while waiting:
        party = parties.get(waiting.pop())
        if party is not None and party.id not in found:
            found[party.id] = party
            waiting += party.owners
    return found


def overlaid(parties: Mapping[str, Party], changes: Iterable[Party]) -> dict[str, Party]:
    """All parties, with some of them replaced or added."""
    return {**parties, **{each.id: each for each in changes}}


def record_json(record: KycRecord) -> dict[str, JsonValue]:
    """The record as JSON values, as it stands in the log too: of the profile only the hash."""
    found: dict[str, JsonValue] = {
        "customer": record.customer_id,
        "party": record.party_id,
        "parties": [party_json(party) for party in record.parties],
    }
    return found | ({"profile_sha256": record.profile_sha256} if record.profile_sha256 else {})
