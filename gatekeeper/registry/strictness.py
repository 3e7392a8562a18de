"""Which part of a changed record one person may put into effect: the part that can only make tiers stricter.

Raising strictness needs one person, lowering it two. A changed record may do both at once (a customer is sold: a new
owner comes, an old one goes). So the change is split: owners are added at once, and a headquarters that is as strict
or stricter by every pack is taken at once; what removes an owner, moves a headquarters to a milder tier or explains
an unknown away waits. No sequence of one-handed changes can therefore end in a milder tier or a smaller corporate
group, and with it in a fresh budget: what is added stays until two people have looked. Where an owner turns out to be
the wrong one and nobody knows the right one, removing it waits too; a suspension is what one person can do at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierFinding, TierTable
from gatekeeper.registry.kyc_record import KycRecord, in_order, overlaid, owners_of


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What "stricter" is measured by: the tables of all packs, whatever their mode, from a day on.

    Packs that are off count too: they may be switched on later. Without any pack nothing is known to be stricter.
    """

    tables: Mapping[str, TierTable]
    day: date

    @classmethod
    def of(cls, packs: Iterable[ActivePack], day: date) -> Yardstick:
        """The yardstick of some packs."""
        return cls({active.pack.id: active.pack.tiers for active in packs}, day)

    def at_least(self, country: str, other: str) -> bool:
        """Whether a country is as strict as another by every table, on this day and on all later ones."""
        return bool(self.tables) and all(
            table.tier_of(country, day).strictness >= table.tier_of(other, day).strictness
            for table in self.tables.values()
            for day in (self.day, *_later_changes(table, (country, other), self.day))
        )

    def findings(
        self, parties: Mapping[str, Party], party_id: str, as_of: date | None = None
    ) -> dict[str, TierFinding]:
        """Tier of a party by each table."""
        return {pack: resolve(parties, party_id, table, as_of or self.day) for pack, table in self.tables.items()}


@dataclass(frozen=True, slots=True)
class TierChange:
    """What a change does to the tier of a customer by one pack."""

    customer_id: str
    pack: str
    before: Tier
    after: Tier


def strict_part(
    parties: Mapping[str, Party], customers: Iterable[Customer], record: KycRecord, yardstick: Yardstick
) -> dict[str, Party]:
    """The parties to write at once: never milder for any customer, and no corporate group gets smaller.

    Only parties that the registry knows are changed, and those added that they now name as owners: what belongs to a
    new customer alone waits for its approval.
    """
    changed = _part_by_part(parties, record, yardstick)
    # An owner outside a circle of owners gives it an ultimate parent, which no single party shows: look at the whole.
    changes = tier_changes(customers, parties, changed.values(), yardstick)
    return {} if any(each.after.strictness < each.before.strictness for each in changes) else changed


def _part_by_part(parties: Mapping[str, Party], record: KycRecord, yardstick: Yardstick) -> dict[str, Party]:
    referred = {parent for party in parties.values() for parent in party.parents}
    changed: dict[str, Party] = {}
    for wanted in record.parties:
        before = parties.get(wanted.id)
        if before is not None and (merged := _stricter_of(before, wanted, yardstick)) != in_order(before):
            changed[wanted.id] = merged
    new = {wanted.id: wanted for wanted in record.parties if wanted.id not in parties}
    waiting = [each for each in new if each in referred]
    waiting += [parent for party in changed.values() for parent in party.parents]
    while waiting:
        party_id = waiting.pop()
        party = new.pop(party_id, None)
        # Somebody names it already, so it counts as unresolved today; a record of it may make things milder.
        if party is None or (party_id in referred and not yardstick.at_least(party.headquarters, "")):
            continue
        changed[party_id] = party
        waiting += party.parents
    return changed


def tier_changes(
    customers: Iterable[Customer], before: Mapping[str, Party], changes: Iterable[Party], yardstick: Yardstick
) -> tuple[TierChange, ...]:
    """What changed parties do to the tiers of all customers that they own or are, and that two people approved."""
    after = overlaid(before, changes)
    touched = {id_ for id_, party in after.items() if before.get(id_) != party}
    found = []
    for customer in filter(_was_approved, customers):
        chain = owners_of(before, customer.party_id).keys() | owners_of(after, customer.party_id).keys()
        if touched.isdisjoint(chain):
            continue
        was, will = (yardstick.findings(graph, customer.party_id) for graph in (before, after))
        found += [
            TierChange(customer.id, pack, was[pack].tier, will[pack].tier)
            for pack in yardstick.tables
            if was[pack].tier is not will[pack].tier
        ]
    return tuple(found)


def _stricter_of(before: Party, wanted: Party, yardstick: Yardstick) -> Party:
    """The wanted party as far as nothing of it is milder than what stands there."""
    # Who owns it is an open question where nobody has said so: any answer may be milder than that.
    is_open = not before.parents and not before.no_parent_reason
    parents = () if is_open else tuple(sorted({*before.parents, *wanted.parents}))
    reason = wanted.no_parent_reason if before.no_parent_reason and not parents else ""
    stricter = yardstick.at_least(wanted.headquarters, before.headquarters)
    return replace(
        wanted,
        headquarters=wanted.headquarters if stricter else before.headquarters,
        parents=parents,
        no_parent_reason=reason,
    )


def _was_approved(customer: Customer) -> bool:
    """Whether its tier rests on what two people approved; the approval of all others is still to come."""
    return customer.standing in (Standing.APPROVED, Standing.SUSPENDED, Standing.EXPIRED)


def _later_changes(table: TierTable, countries: Iterable[str], day: date) -> set[date]:
    """Days after this one on which the table says something new about one of the countries."""
    rows = [row for country in countries for row in table.rows_behind(country)]
    days = {row.effective_from for row in rows} | {row.effective_to for row in rows if row.effective_to}
    return {each for each in days if each > day}
