"""What a change of parties does to customers: whose tiers it moves, today or later, and whose group it splits.

An approver is shown all of it, and approves it by name. A tier that a share moves when it ends is a consequence of
today's approval; so is a group that gets smaller, because who leaves one gets a budget of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier
from gatekeeper.registry.kyc_reader import KycReader
from gatekeeper.registry.kyc_record import overlaid, owners_of
from gatekeeper.registry.proposal import Proposal
from gatekeeper.registry.strictness import Yardstick, was_approved


@dataclass(frozen=True, slots=True)
class TierChange:
    """What a change does to the tier of a customer by one pack; `day`: the first day of it, None for today."""

    customer_id: str
    pack: str
    before: Tier
    after: Tier
    day: date | None = None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A customer whose corporate group a change makes smaller; `left`: the parties that it no longer pools with."""

    customer_id: str
    left: tuple[str, ...]


def tier_changes(
    customers: Iterable[Customer],
    before: Mapping[str, Party],
    changes: Iterable[Party],
    yardstick: Yardstick,
    own: Mapping[str, str] | None = None,
) -> tuple[TierChange, ...]:
    """What changed parties do to the tiers of all customers that they own or are, and that two people approved.

    Args:
        own: customer -> its own party afterwards, where that is another one.
    """
    after, own = overlaid(before, changes), own or {}
    touched = {id_ for id_, party in after.items() if before.get(id_) != party}
    found = list[TierChange]()
    for customer in filter(was_approved, customers):
        party_id = own.get(customer.id, customer.party_id)
        chain = owners_of(before, customer.party_id).keys() | owners_of(after, party_id).keys()
        if party_id != customer.party_id or not touched.isdisjoint(chain):
            found += _moves(customer.id, (before, customer.party_id), (after, party_id), yardstick)
    return tuple(found)


def changes_of_waiting(
    reader: KycReader, customer_id: str, written: list[Party], yardstick: Yardstick
) -> tuple[TierChange, ...]:
    """What the parties that an approval of one customer writes do to others that wait for their first approval."""
    found = list[TierChange]()
    for other, text in sorted(reader.proposals().items() if written else ()):
        customer = reader.customer(other) if other != customer_id else None
        if customer is None or customer.standing is not Standing.SUBMITTED:
            continue
        record = Proposal.from_text(text).record
        told = {each.id: each for each in record.parties}
        before = overlaid(reader.parties(), record.parties)
        chain = owners_of(before, record.party_id)
        if any(each.id in chain and told.get(each.id) != each for each in written):
            after = overlaid(before, written)
            found += _moves(other, (before, record.party_id), (after, record.party_id), yardstick)
    return tuple(found)


def drift(customer_id: str, parties: Mapping[str, Party], party_id: str, yardstick: Yardstick) -> list[TierChange]:
    """How the tier of a customer moves by itself on later days, held against today's."""
    found, today = list[TierChange](), yardstick.findings(parties, party_id)
    known = {pack: each.tier for pack, each in today.items()}
    for day in yardstick.days(owners_of(parties, party_id).values())[1:]:
        for pack, each in yardstick.findings(parties, party_id, day).items():
            if each.tier is not known[pack]:
                found.append(TierChange(customer_id, pack, today[pack].tier, each.tier, day))
                known[pack] = each.tier
    return found


def group_changes(
    customers: Iterable[Customer],
    before: Mapping[str, Party],
    changes: list[Party],
    own: Mapping[str, str] | None = None,
) -> tuple[GroupChange, ...]:
    """Customers that two people approved and whose corporate group changed parties make smaller; `own` as above."""
    own = own or {}
    known = [each for each in customers if was_approved(each)]
    moved = any(own.get(each.id, each.party_id) != each.party_id for each in known)
    if not moved and not may_untie(before, changes):
        return ()
    after = overlaid(before, changes)
    was = _groups(before, [each.party_id for each in known])
    will = _groups(after, [own.get(each.id, each.party_id) for each in known])
    found = []
    for each in known:
        left = was[each.party_id] - will[own.get(each.id, each.party_id)]
        if left:
            found.append(GroupChange(each.id, tuple(sorted(left))))
    return tuple(found)


def may_untie(before: Mapping[str, Party], changes: Iterable[Party]) -> bool:
    """Whether changed parties may make a corporate group smaller; what only adds owners does not."""
    for each in changes:
        old = before.get(each.id)
        if old is None:
            if each.kind is PartyKind.STATE:  # its shares tie nobody; those of an owner without a record do
                return True
        elif (
            (old.kind, old.branch_of) != (each.kind, each.branch_of)
            or set(old.parents) - set(each.parents)
            or set(old.interests) - set(each.interests)
        ):
            return True
    return False


def _groups(parties: Mapping[str, Party], wanted: list[str]) -> dict[str, frozenset[str]]:
    found = {member: group for group in corporate_groups(parties, wanted) for member in group}
    return {each: found.get(each, frozenset({each})) for each in wanted}


def _moves(
    customer_id: str,
    before: tuple[Mapping[str, Party], str],
    after: tuple[Mapping[str, Party], str],
    yardstick: Yardstick,
) -> Iterator[TierChange]:
    """Each way in which the tier of a customer differs between two graphs, from the first day on which it does."""
    chain = [*owners_of(*before).values(), *owners_of(*after).values()]
    last: dict[str, tuple[Tier, Tier]] = {}
    for day in yardstick.days(chain):
        was, will = (yardstick.findings(*each, day) for each in (before, after))
        for pack in yardstick.tables:
            pair = was[pack].tier, will[pack].tier
            if pair != last.get(pack) and pair[0] is not pair[1]:
                yield TierChange(customer_id, pack, *pair, day if day > yardstick.day else None)
            last[pack] = pair
