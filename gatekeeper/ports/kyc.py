"""What the store keeps of who a customer is: versions that only grow in number, overrides, evidence, attestations.

Two times matter. A day on which something *holds* is a matter of the records themselves (interests begin and end, tier
tables change). What was *known* at a moment is a matter of versions: the log had so many records then, and what was
written before is what was known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.evidence import Attestation, Evidence
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import Record


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a party, a customer, or a customer's proposal.

    Attributes:
        kind: party, customer or proposal.
        number: counts the versions of this one, from 1.
        seq: index of the record that tells of it; record: that record, None for what was there before versions were
            kept: its first version is known since then, and no record tells of it.
        body: the whole as JSON values; None where a proposal was taken away.
    """

    kind: str
    id: str
    number: int
    seq: int
    record: Record | None
    body: dict[str, Any] | None


class KycReads(Protocol):
    """Read side."""

    def versions(self, kind: str, uid: str) -> list[Version]:
        """All versions of a party, a customer or a customer's proposal, oldest first."""
        ...

    def known_size(self, at: datetime) -> int:
        """How many records the log had at a moment."""
        ...

    def versions_from(self) -> int:
        """The size of the log from which on versions tell what was known."""
        ...

    def customers_known(self, size: int) -> dict[str, Customer]:
        """All customers as they were when the log had this many records, by id."""
        ...

    def parties_known(self, size: int) -> dict[str, Party]:
        """All parties as they were when the log had this many records, by id."""
        ...

    def proposal_known(self, customer_id: str, size: int) -> str | None:
        """The proposal of a customer as it was when the log had this many records."""
        ...

    def proposals_known(self, size: int) -> dict[str, str]:
        """All proposals as they were when the log had this many records, by customer."""
        ...

    def party_acts(self, party_ids: Sequence[str]) -> list[tuple[str, int, Record]]:
        """Every version of some parties: the party, the index of the record that tells of it, and that record; in
        the order of the log. Versions from before records told of them are left out."""
        ...

    def override(self, override_id: str) -> Override | None: ...
    def overrides(self, customer_id: str | None = None) -> list[Override]:
        """All overrides of one customer or of all, oldest first."""
        ...

    def evidence(self, customer_id: str | None = None) -> list[Evidence]:
        """Evidence on one customer or on all, oldest first."""
        ...

    def evidence_of(self, sha256s: Collection[str]) -> list[Evidence]:
        """Evidence on whomever that is one of these files."""
        ...

    def attestations(self, customer_id: str | None = None) -> list[Attestation]:
        """Attestations on one customer or on all, oldest first."""
        ...


class KycWrites(Protocol):
    """Write side. What is put is told by the record that is appended next in the same transaction."""

    def hold_records(self, count: int) -> None:
        """Say how many records of this transaction wait to be appended: the one that tells of what is put next comes
        after them."""
        ...

    def put_customer(self, customer: Customer) -> None: ...
    def put_party(self, party: Party) -> None: ...
    def put_proposal(self, customer_id: str, proposal: str | None) -> None: ...
    def put_override(self, override: Override) -> None: ...
    def add_evidence(self, evidence: Evidence) -> None:
        """Put a file on record.

        Raises:
            Conflict: the customer has it already, or is not stored.
        """
        ...

    def add_attestation(self, attestation: Attestation) -> None:
        """Put an attestation on record.

        Raises:
            Conflict: there is one with this id, or the customer is not stored.
        """
        ...
