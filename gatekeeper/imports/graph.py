"""Parties, interests and customers as they gather from some files, and the KYC records that they make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from gatekeeper.customer_files.format import InterestPart, PartyPart, interest_of, party_of
from gatekeeper.customer_files.profile_format import ProfilePart, profile_of
from gatekeeper.domain.interest import WHOLE, Interest
from gatekeeper.domain.kyc_profile import KycProfile
from gatekeeper.domain.party import Party
from gatekeeper.imports.faults import Faults
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import PARTIES_MAX, owners_of

ID_CHARACTERS_MAX = 63
_NO_ID = re.compile(r"[^a-z0-9.-]+")


@dataclass(slots=True)
class _Told:
    """A party as far as it was told, and where."""

    place: str
    part: PartyPart
    interests: list[Interest] = field(default_factory=list)
    parents: set[str] = field(default_factory=set)


class Graph:
    """What some files say. Errors gather in `faults`; `records` answers only where there are none."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._parties: dict[str, _Told] = {}
        self._customers: dict[str, tuple[str, str, KycProfile | None]] = {}
        self._owned: list[tuple[str, str, Interest | None, str]] = []
        self._spelled: dict[str, str] = {}
        self._refused: set[str] = set()
        self._is_loose = False
        self._interests: dict[tuple[str, str, date | None], str] = {}

    def id_of(self, place: str, foreign: str) -> str:
        """Our id for the id of another system: lower case, other signs as dashes, a hash where it is too long.

        Two spellings that come to one id are an error: nobody knows whether they are one party.
        """
        plain = _NO_ID.sub("-", foreign.lower()).strip(".-")
        if len(plain) > ID_CHARACTERS_MAX or not plain:
            plain = "x-" + hashlib.sha256(foreign.encode()).hexdigest()[:32]
        if self._spelled.setdefault(plain, foreign) != foreign:
            self.faults.add(place, f"the id {foreign!r:.80} is too much like {self._spelled[plain]!r:.80}")
        return plain

    def party(self, place: str, values: Mapping[str, Any], *, unfit: Collection[str] = ()) -> None:
        """A party with the fields of `parties:` in our own files; `unfit` are those that were refused already."""
        # What hangs on a refused party is no error of its own.
        self._refused.add(str(values.get("id", "")))
        with self.faults.at(place):
            kept = {name: each for name, each in values.items() if name not in unfit}
            part = PartyPart.model_validate({"id": "unfit", **kept} if "id" in unfit else kept)
            if unfit:
                return
            self._refused.discard(part.id)
            before = self._parties.get(part.id)
            if before is not None:
                self.faults.add(place, f"party {part.id} is told at {before.place} already")
                return
            told = _Told(place, part, [interest_of(each) for each in part.interests], set(part.parents))
            self._parties[part.id] = told

    def interest(self, place: str, asset: str, values: Mapping[str, Any]) -> None:
        """Who owns a share of a party."""
        with self.faults.at(place):
            part = InterestPart.model_validate(values)
            if part.owner == asset:
                self.faults.add(f"{place}:owner", f"party {asset} cannot own itself; leave treasury shares out")
                return
            if self._interests.setdefault((asset, part.owner, part.begins), place) != place:
                before = self._interests[asset, part.owner, part.begins]
                self.faults.add(place, f"{part.owner} owns a share of {asset} from that day on at {before} already")
                return
            self._owned.append((place, asset, interest_of(part), part.owner))

    def parent(self, place: str, asset: str, owner: str) -> None:
        """Who controls a party by other means than a share."""
        self._owned.append((place, asset, None, owner))

    def loosen(self) -> None:
        """Read shares that sum to more than the whole as bounds from nothing: what is held jointly is told of each
        holder by some publishers, and nobody knows whose it is."""
        self._is_loose = True

    def customer(self, place: str, customer: str, party: str, profile: Mapping[str, Any] | None = None) -> None:
        """A party that has an account here."""
        if customer in self._customers:
            self.faults.add(place, f"customer {customer} is told at {self._customers[customer][0]} already")
            return
        found = None
        with self.faults.at(place):
            found = profile_of(ProfilePart.model_validate(profile)) if profile else None
        self._customers[customer] = (place, party, found)

    def parties(self) -> dict[str, Party]:
        """All parties.

        Raises:
            InvalidInput: everything that is wrong so far.
        """
        found = self._gathered()
        self.faults.check()
        return found

    def _gathered(self) -> dict[str, Party]:
        """All parties that can be built; what is wrong with the others is told."""
        for place, asset, interest, owner in self._owned:
            told = self._parties.get(asset)
            if told is None and asset in self._refused:
                continue
            if told is None:
                self.faults.add(place, f"there is no party {asset!r:.80} that could be owned")
            elif interest is not None:
                told.interests.append(interest)
            else:
                told.parents.add(owner)
        self._owned = []
        for id_, told in self._parties.items() if self._is_loose else ():
            if _exceeds(told.interests):
                told.interests = [replace(each, least=0) for each in told.interests]
                more = "more than the whole (held jointly?): each may be anything up to what is told"
                self.faults.warn(told.place, f"the shares of {id_} sum to {more}")
        found = {}
        for id_, told in self._parties.items():
            with self.faults.at(told.place):
                part = told.part.model_copy(update={"parents": tuple(sorted(told.parents))})
                found[id_] = party_of(part, tuple(told.interests))
        return found

    def records(self) -> list[KycRecord]:
        """The record of each customer, with every owner that the files name.

        Raises:
            InvalidInput: everything that is wrong.
        """
        parties, found = self._gathered(), []
        for customer, (place, party_id, profile) in self._customers.items():
            if party_id not in parties and (party_id in self._refused or party_id in self._parties):
                continue  # why it is not there was told
            if party_id not in parties:
                near = party_id.lower()
                meant = f"; if you mean {near}, say it in lower case" if near in parties and near != party_id else ""
                self.faults.add(place, f"there is no party {party_id!r:.80} in the files{meant}")
                continue
            with self.faults.at(place):
                chain = tuple(owners_of(parties, party_id).values())
                if len(chain) > PARTIES_MAX:
                    self.faults.add(
                        place,
                        f"customer {customer} has {len(chain):,} owners; {PARTIES_MAX} is the most, so give those that "
                        "matter: ultimate parents, listed parties and whoever owns 5 % or more",
                    )
                    continue
                found.append(KycRecord(customer, party_id, chain, profile=profile))
        self.faults.check()
        return found


def _exceeds(interests: Iterable[Interest]) -> bool:
    """Whether shares sum to more than the whole on some day."""
    held = list(interests)
    days = {each.begins or date.min for each in held}
    return any(sum(each.least for each in held if _holds(each, day)) > WHOLE for day in days)


def _holds(interest: Interest, day: date) -> bool:
    return (interest.begins or date.min) <= day and (interest.ends is None or day < interest.ends)
