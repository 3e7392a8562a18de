"""Which part of a changed record one person may put into effect: the part that can only make tiers stricter.

Raising strictness needs one person, lowering it two. A changed record may do both at once (a customer is sold: a new
owner comes, an old one goes). So the change is split (`merging`): owners, shares and listings are added at once, and a
headquarters that is as strict or stricter by every pack is taken at once; what removes, lowers or ends anything, moves
a headquarters to a milder tier or explains an unknown away waits. What is left is then resolved as a whole, by every
pack, today and on each later day on which a table, a rule or a share changes: whatever would be milder for anybody is
left out. No sequence of one-handed changes can therefore end in a milder tier, on any later day, or a smaller corporate
group, and with it in a fresh budget: what is added stays until two people have looked. Where an owner turns out to be
the wrong one and nobody knows the right one, removing it waits too; a suspension is what one person can do at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import TierFinding, TierTable
from gatekeeper.registry.kyc_record import KycRecord, in_order, overlaid, owners_of
from gatekeeper.registry.merging import stricter_of

# Findings that are kept, of some kilobytes each.
_FINDINGS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What "stricter" is measured by: the tables of all packs, whatever their mode, from a day on.

    Packs that are off count too: they may be switched on later. Without any pack nothing is known to be stricter.
    `placing`: the packs to whose decisions a tier matters now; only these are shown to people as tiers. `known`: what
    was found already, as much as it `keeps`; `fixed`: the days of each table itself.
    """

    tables: Mapping[str, TierTable]
    day: date
    placing: frozenset[str] = frozenset()
    keeps: int = _FINDINGS_MAX
    known: dict[tuple[object, ...], dict[str, TierFinding]] = field(default_factory=dict, compare=False, repr=False)
    fixed: dict[str, frozenset[date]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, packs: Iterable[ActivePack], day: date) -> Yardstick:
        """The yardstick of some packs."""
        packs = tuple(packs)
        placing = frozenset(each.pack.id for each in packs if each.mode is not Mode.OFF and each.pack.tells_tiers_apart)
        return cls({active.pack.id: active.pack.tiers for active in packs}, day, placing)

    def at_least(self, country: str, other: str) -> bool:
        """Whether a country is as strict as another by every table, on this day and on all later ones."""
        return bool(self.tables) and all(
            table.tier_of(country, day).strictness >= table.tier_of(other, day).strictness
            for table in self.tables.values()
            for day in (self.day, *_later_changes(table, (country, other), self.day))
        )

    def is_unresolved_at_best(self, party: Party) -> bool:
        """Whether a party is as strict by itself as one without a record, and ties groups as that one does."""
        if party.branch_of or party.kind is PartyKind.STATE:
            return False
        known = {country for country in (party.headquarters, *party.nationalities) if self.at_least(country, "")}
        return bool(known) or (party.kind is PartyKind.PERSON and not party.nationalities)

    def is_milder(self, before: Mapping[str, Party], changes: Mapping[str, Party], known: Set[str]) -> bool:
        """Whether changed parties make anybody milder by any table, on this day or on a later one: anybody on record,
        named by somebody on record, or `known` otherwise."""
        if not changes:
            return False
        after = overlaid(before, changes.values())
        known = known | before.keys() | {owner for party in before.values() for owner in party.owners}
        affected = sorted(_owned_by(changes, before, after) & known)
        graph = [*_graph_of(affected, before), *_graph_of(affected, after)]
        for pack, table in self.tables.items():
            for day in self._later(pack, _days_of(graph)):
                was, will = (Settled(Holdings(parties, affected, table, day)) for parties in (before, after))
                if any(will.level[each] < was.level[each] for each in range(len(affected))):
                    return True
        return False

    def days(self, graph: Iterable[Party]) -> list[date]:
        """This day, and each later one on which a table, a rule or the parties themselves say something new."""
        told = _days_of(graph)
        return sorted({day for pack in self.tables for day in self._later(pack, told)} | {self.day})

    def _later(self, pack: str, told: Set[date]) -> list[date]:
        """This day, and each later one on which a table or a rule says something new, or that parties tell of."""
        fixed = self.fixed.get(pack)
        if fixed is None:
            fixed = self.fixed[pack] = _fixed_days(self.tables[pack])
        return sorted({self.day, *(each for each in fixed | told if each > self.day)})

    def findings(
        self, parties: Mapping[str, Party], party_id: str, as_of: date | None = None
    ) -> dict[str, TierFinding]:
        """Tier of a party by each table."""
        day = as_of or self.day
        # A tier rests on the party and its owners alone, and one use case asks for the same several times.
        asked = (party_id, day, *owners_of(parties, party_id).values())
        known = self.known.get(asked)
        if known is None:
            if len(self.known) >= self.keeps:
                self.known.clear()
            known = {pack: resolve(parties, party_id, table, day) for pack, table in self.tables.items()}
            self.known[asked] = known
        return dict(known)


def strict_part(
    parties: Mapping[str, Party], customers: Iterable[Customer], record: KycRecord, yardstick: Yardstick
) -> dict[str, Party]:
    """The parties to write at once: never milder for anybody, today or later, and no corporate group gets smaller.

    Only parties that the registry knows are changed, and those added that they now name as owners: what belongs to a
    new customer alone waits for its approval.
    """
    known = {customer.party_id for customer in customers if was_approved(customer)}
    whole = _part_by_part(parties, record, yardstick, frozenset(each.id for each in record.parties))
    if not yardstick.is_milder(parties, whole, known):
        return whole
    # An owner outside a circle of owners gives it an ultimate parent, which no single party shows: what makes somebody
    # milder with the rest is left out.
    allowed: frozenset[str] = frozenset()
    changed: dict[str, Party] = {}
    for each in record.parties:
        found = _part_by_part(parties, record, yardstick, allowed | {each.id})
        if not yardstick.is_milder(parties, found, known):
            allowed, changed = allowed | {each.id}, found
    return changed


def _part_by_part(
    parties: Mapping[str, Party], record: KycRecord, yardstick: Yardstick, allowed: frozenset[str]
) -> dict[str, Party]:
    """The strict part of each allowed party, with the owners that it names anew."""
    referred = {owner for party in parties.values() for owner in party.owners}
    changed: dict[str, Party] = {}
    for wanted in record.parties:
        before = parties.get(wanted.id)
        if before is None or wanted.id not in allowed:
            continue
        merged = stricter_of(before, wanted, yardstick.at_least)
        if in_order(merged) != in_order(before):
            changed[wanted.id] = merged
    new = {wanted.id: wanted for wanted in record.parties if wanted.id not in parties}
    waiting = [each for each in new if each in referred and each in allowed]
    waiting += [owner for party in changed.values() for owner in party.owners]
    while waiting:
        party_id = waiting.pop()
        party = new.pop(party_id, None)
        # Somebody names it already, so it counts as unresolved today; a record of it may make things milder.
        if party is None or (party_id in referred and not yardstick.is_unresolved_at_best(party)):
            continue
        changed[party_id] = party
        waiting += party.owners
    return changed


def was_approved(customer: Customer) -> bool:
    """Whether its tier rests on what two people approved; the approval of all others is still to come."""
    return customer.standing in (Standing.APPROVED, Standing.SUSPENDED, Standing.EXPIRED)


def _owned_by(owners: Iterable[str], *graphs: Mapping[str, Party]) -> set[str]:
    """The parties and all that they own or control in any of some graphs, on whatever day."""
    below: dict[str, list[str]] = {}
    for parties in graphs:
        for party in parties.values():
            for owner in party.owners:
                below.setdefault(owner, []).append(party.id)
    found, waiting = set(owners), list(owners)
    while waiting:
        fresh = set(below.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return found


def _graph_of(party_ids: Iterable[str], parties: Mapping[str, Party]) -> Iterable[Party]:
    """Some parties and all their owners."""
    found: dict[str, Party] = {}
    for each in party_ids:
        if each not in found:
            found |= owners_of(parties, each)
    return found.values()


def _fixed_days(table: TierTable) -> frozenset[date]:
    """Days on which a table or its rule of ownership says something new, whoever is asked about."""
    days: set[date | None] = {*table.days}
    if table.ownership is not None:
        days |= table.ownership.listed.days | table.ownership.house.days
    return frozenset(day for day in days if day is not None)


def _days_of(graph: Iterable[Party]) -> set[date]:
    """Days on which some parties themselves say something new."""
    spans = [(each.begins, each.ends) for party in graph for told in (party.interests, party.listings) for each in told]
    return {day for span in spans for day in span if day is not None}


def _later_changes(table: TierTable, countries: Iterable[str], day: date) -> set[date]:
    """Days after this one on which the table says something new about one of the countries."""
    rows = [row for country in countries for row in table.rows_behind(country)]
    days = {row.effective_from for row in rows} | {row.effective_to for row in rows if row.effective_to}
    days |= {table.begins} if table.begins else set()
    return {each for each in days if each > day}
