"""What applying a record would do, worked out without doing it: the dry run and the real thing share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding
from gatekeeper.registry.books import Books
from gatekeeper.registry.chains import check_chains
from gatekeeper.registry.consequences import TierChange, tier_changes
from gatekeeper.registry.kyc_reader import KycReader
from gatekeeper.registry.kyc_record import KycRecord, overlaid, owners_of
from gatekeeper.registry.proposal import Proposal
from gatekeeper.registry.strictness import Yardstick, strict_part


class Outcome(StrEnum):
    """What becomes of a record that is applied."""

    UNCHANGED = "unchanged"
    ENROLLED = "enrolled"  # a new customer; waits for approval
    AT_ONCE = "at_once"  # as strict or stricter: took effect
    PARTLY = "partly"  # the stricter part took effect, the rest waits
    WAITS = "waits"  # milder: a second person must approve
    DRAFT = "draft"  # kept, and waits for nobody until it is submitted
    WITHDRAWN = "withdrawn"  # says what is in effect already; what had waited is dropped


@dataclass(frozen=True, slots=True)
class Replaced:
    """What had waited and waits no more; `at`: since when, None where that was before versions were kept."""

    prepared_by: str
    at: datetime | None

    def __str__(self) -> str:
        return f"{self.prepared_by} proposed" + (f" on {self.at:%Y-%m-%d}" if self.at else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a record does.

    Attributes:
        before: the record as in effect, or as it waits for a customer that was never approved; None for a new one.
        wanted: the record that is applied, with the owners that the registry adds.
        written: parties that change at once; changes: customers whose tier that moves.
        findings: tier by each pack once all of it is in effect.
        replaced: what somebody else proposed, and what this takes the place of.
        ended: overrides that it ends, because it makes their customers stricter than whoever let them be had seen.
    """

    outcome: Outcome
    customer: Customer | None
    before: KycRecord | None
    wanted: KycRecord
    written: Mapping[str, Party]
    changes: tuple[TierChange, ...]
    findings: Mapping[str, TierFinding]
    placing: frozenset[str] = frozenset()
    replaced: Replaced | None = field(default=None, compare=False)
    ended: tuple[Override, ...] = ()

    @property
    def shown(self) -> dict[str, TierFinding]:
        """The findings by the packs to which a tier matters."""
        return {pack: each for pack, each in self.findings.items() if pack in self.placing}


def plan_of(reader: KycReader, record: KycRecord, yardstick: Yardstick) -> Plan:
    """Work out what applying a record does now.

    Raises:
        NotPermitted: the customer's account is closed. InvalidInput: it is too much to read, for this customer or for
            another that would have these owners too.
    """
    record.check_size()
    customer, parties = reader.customer(record.customer_id), reader.parties()
    if customer is not None:
        _check_may_apply(customer)
    kept = kept_of(reader, record.customer_id)
    proposal = kept if customer is None or waits(customer) else None
    written = strict_part(parties, reader.customers(), record, yardstick)
    everything = overlaid(parties, record.parties)
    check_chains(reader.customers(), parties, written, record)
    return Plan(
        outcome=_outcome(customer, proposal, record, parties, written),
        customer=customer,
        before=_before(customer, kept, parties),
        wanted=completed(record, everything),
        written=written,
        changes=tier_changes(reader.customers(), parties, written.values(), yardstick),
        findings=yardstick.findings(everything, record.party_id),
        placing=yardstick.placing,
    )


def draft_plan_of(reader: KycReader, record: KycRecord, yardstick: Yardstick) -> Plan:
    """Work out what keeping a record as a draft does now: nothing takes effect.

    Raises:
        NotPermitted: it is a change of a customer that was approved or waits for it: a draft would hide what has to
            take effect at once.
        InvalidInput: it is too much to read.
    """
    record.check_size()
    customer, parties = reader.customer(record.customer_id), reader.parties()
    if customer is not None:
        _check_may_apply(customer)
        if customer.standing not in (Standing.DRAFT, Standing.REJECTED):
            raise NotPermitted(
                f"Customer {customer.id} is {customer.standing.value}: only a first record can be a draft.",
                hint="Apply it without --draft; what is milder waits for a second person.",
            )
    kept = kept_of(reader, record.customer_id)
    everything = overlaid(parties, record.parties)
    same = customer is not None and customer.standing is Standing.DRAFT and kept is not None and kept.record == record
    return Plan(
        outcome=Outcome.UNCHANGED if same else Outcome.DRAFT,
        customer=customer,
        before=_before(customer, kept, parties),
        wanted=completed(record, everything),
        written={},
        changes=(),
        findings=yardstick.findings(everything, record.party_id),
        placing=yardstick.placing,
    )


def kept_of(reader: KycReader, customer_id: str) -> Proposal | None:
    """The record of a customer that was written last and is not in effect, whether or not it waits for approval."""
    if isinstance(reader, Books):  # it has read it already
        return reader.kept(customer_id)
    text = reader.proposal(customer_id)
    return Proposal.from_text(text) if text else None


def waits(customer: Customer) -> bool:
    """Whether what was written for a customer may be approved: a draft, a rejected record or a closed account not."""
    return customer.standing not in (Standing.DRAFT, Standing.REJECTED, Standing.CLOSED)


def waiting_for(reader: KycReader, customer_id: str) -> Proposal | None:
    """The proposal of a customer that waits for approval."""
    customer = reader.customer(customer_id)
    return kept_of(reader, customer_id) if customer is not None and waits(customer) else None


def completed(record: KycRecord, parties: Mapping[str, Party]) -> KycRecord:
    """The record with every owner that is known, also those that it left out."""
    return replace(record, parties=tuple(owners_of(parties, record.party_id).values()))


def in_effect(customer: Customer, parties: Mapping[str, Party]) -> KycRecord | None:
    """The record of a customer as it holds now; None where its own party is not in the registry yet."""
    chain = tuple(owners_of(parties, customer.party_id).values())
    return KycRecord(customer.id, customer.party_id, chain, customer.profile_sha256) if chain else None


def _check_may_apply(customer: Customer) -> None:
    if customer.standing is Standing.CLOSED:
        raise NotPermitted(f"Customer {customer.id} is closed.", hint="Enrol it again under another id.")
    if customer.final:
        raise NotPermitted(
            f"Customer {customer.id} was rejected for good.",
            hint="Somebody else than who rejected it can reopen it: "
            f"gatekeeper customer reopen {customer.id} --reason REASON",
        )


def _before(customer: Customer | None, kept: Proposal | None, parties: Mapping[str, Party]) -> KycRecord | None:
    if customer is None:
        return None
    if customer.standing.is_first_record and kept is not None:
        return completed(kept.record, overlaid(parties, kept.record.parties))
    return in_effect(customer, parties)


def _outcome(
    customer: Customer | None,
    proposal: Proposal | None,
    record: KycRecord,
    parties: Mapping[str, Party],
    written: Mapping[str, Party],
) -> Outcome:
    if customer is None:
        return Outcome.ENROLLED
    if proposal is not None and proposal.record == record and not written and not proposal.moved(parties):
        return Outcome.UNCHANGED
    holds = _holds(customer, record, overlaid(parties, written.values()))
    if not holds or customer.standing.is_first_record:
        return Outcome.PARTLY if written else Outcome.WAITS
    if written:
        return Outcome.AT_ONCE
    if proposal is None or (proposal.unchanged):
        return Outcome.UNCHANGED
    return Outcome.WITHDRAWN


def _holds(customer: Customer, record: KycRecord, parties: Mapping[str, Party]) -> bool:
    """Whether a record says what is in effect already."""
    own = (customer.party_id, customer.profile_sha256) == (record.party_id, record.profile_sha256)
    return own and all(parties.get(each.id) == each for each in record.parties)
