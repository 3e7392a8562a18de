"""Who somebody is: parties, their parents, and the customers among them.

A party is a legal entity, a person or a state. A customer is a party with an account here; its namespaces are
bound to it by the provider. Nothing in this file comes from what a tenant can write.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.units import require_utc

_IDENTIFIER = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_COUNTRY = re.compile(r"[A-Z]{2}")


def checked_identifier(text: str, what: str) -> str:
    """The text itself, if it can be an id: lower case letters, digits, dots and dashes, 1 to 63 of them.

    Raises:
        InvalidInput: anything else; ids stand in file names, labels and records.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise InvalidInput(f"{text!r} cannot be the id of a {what}.", hint="Use a-z, 0-9, dots and dashes, at most 63.")
    return text


class PartyKind(StrEnum):
    """What a party is."""

    ORG = "org"
    PERSON = "person"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Party:
    """A node of the ownership graph.

    Attributes:
        headquarters: ISO 3166-1 alpha-2 code of the headquarters (residence of a person); "" where not known.
        parents: ids of the parties that control it, as far as known.
        no_parent_reason: why it has none ("listed company", "natural persons only"); "" where nobody has said.
    """

    id: str
    kind: PartyKind
    legal_name: str
    headquarters: str = ""
    parents: tuple[str, ...] = ()
    no_parent_reason: str = ""

    def __post_init__(self) -> None:
        checked_identifier(self.id, "party")
        if not self.legal_name.strip() or len(self.legal_name) > 300:
            raise InvalidInput(f"Party {self.id} needs a legal name of at most 300 characters.")
        if any(unicodedata.category(each) in ("Cc", "Cf") for each in self.legal_name):
            raise InvalidInput(f"The legal name of party {self.id} holds control or direction characters.")
        if self.headquarters and not _COUNTRY.fullmatch(self.headquarters):
            raise InvalidInput(f"Party {self.id}: {self.headquarters!r} is not a two-letter country code.")
        if self.id in self.parents:
            raise InvalidInput(f"Party {self.id} cannot be its own parent.")
        if len(set(self.parents)) != len(self.parents):
            raise InvalidInput(f"Party {self.id} names a parent twice.")
        if self.parents and self.no_parent_reason:
            raise InvalidInput(f"Party {self.id} has parents and a reason for having none.", hint="Remove one of them.")


def corporate_groups(parties: Mapping[str, Party], wanted: Iterable[str]) -> Iterator[frozenset[str]]:
    """The groups of the wanted parties, each once; the graph is walked once for all of them.

    A group is everybody tied by parenthood, in either direction and over any number of steps.
    """
    neighbours: dict[str, set[str]] = {}
    for party in parties.values():
        for parent in party.parents:
            neighbours.setdefault(party.id, set()).add(parent)
            neighbours.setdefault(parent, set()).add(party.id)
    seen: set[str] = set()
    for party_id in wanted:
        if party_id in seen:
            continue
        group, waiting = {party_id}, [party_id]
        while waiting:
            for other in neighbours.get(waiting.pop(), set()) - group:
                group.add(other)
                waiting.append(other)
        seen |= group
        yield frozenset(group)


class Standing(StrEnum):
    """State of a customer's KYC record."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    CLOSED = "closed"


def same_person(one: str, other: str) -> bool:
    """Whether two spellings name one person: case, width and blanks do not make a second pair of eyes."""

    def plain(name: str) -> str:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())

    return plain(one) == plain(other)


@dataclass(frozen=True, slots=True)
class Customer:
    """A party with an account here, and how its KYC record stands.

    Attributes:
        version: counts every change of the record, from 1.
        prepared_by: who wrote the version; approved_by: who else approved it, "" until then.
        expires_at: when the approval ends; None until approved.
    """

    id: str
    party_id: str
    standing: Standing
    prepared_by: str
    version: int = 1
    approved_by: str = ""
    expires_at: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        checked_identifier(self.id, "customer")
        checked_identifier(self.party_id, "party")
        if not self.prepared_by.strip():
            raise InvalidInput(f"Customer {self.id}: somebody must have prepared the record.")
        if self.expires_at is not None:
            require_utc(self.expires_at)
        if self.standing is Standing.APPROVED and (not self.approved_by or self.expires_at is None):
            raise InvalidInput(f"Customer {self.id}: an approval needs its approver and an end.")
        if self.approved_by and same_person(self.approved_by, self.prepared_by):
            raise NotPermitted(
                f"{self.approved_by} prepared the record of customer {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    def standing_at(self, now: datetime) -> Standing:
        """The standing at a moment: an approval past its end is expired, whether or not anybody wrote that down."""
        if self.standing is Standing.APPROVED and self.expires_at is not None and now >= self.expires_at:
            return Standing.EXPIRED
        return self.standing

    def approve(self, *, by: str, expires_at: datetime) -> Customer:
        """The approved record.

        Raises:
            NotPermitted: by the person who prepared it, or the record is not waiting for approval.
        """
        if self.standing not in (Standing.SUBMITTED, Standing.SUSPENDED, Standing.EXPIRED):
            raise NotPermitted(
                f"Customer {self.id} is {self.standing.value}.",
                hint="Only a submitted, suspended or expired record can be approved.",
            )
        return replace(
            self,
            standing=Standing.APPROVED,
            approved_by=by,
            expires_at=expires_at,
            version=self.version + 1,
            reason="",
        )

    def suspend(self, *, by: str, reason: str) -> Customer:
        """The suspended record. One person may raise strictness; a reason is owed to the customer.

        Raises:
            InvalidInput: no reason. NotPermitted: the account is closed.
        """
        if not reason.strip():
            raise InvalidInput("A suspension needs a reason.")
        if self.standing is Standing.CLOSED:
            raise NotPermitted(f"Customer {self.id} is closed.")
        return replace(
            self,
            standing=Standing.SUSPENDED,
            prepared_by=by,
            approved_by="",
            expires_at=None,
            version=self.version + 1,
            reason=reason,
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """A namespace of a cluster belongs to exactly one customer, and its work to one run (None: the undeclared one)."""

    cluster: str
    namespace: str
    customer_id: str
    run_id: str | None = None

    def __post_init__(self) -> None:
        if not self.cluster or not self.namespace:
            raise InvalidInput("A binding needs a cluster and a namespace.")
        checked_identifier(self.customer_id, "customer")
