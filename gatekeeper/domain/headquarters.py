"""Tier of a party by headquarters alone: its own and those of its parents, where nobody's shares come into it.

That is most customers, and the webhook asks for each workload: so it is answered without a graph. What it cannot
answer (shares, listings, branches, persons, circles) is left to `resolving`, which gives the same answer to the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gatekeeper.domain.holdings import OPEN
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.telling import Fact, by_headquarters, named, unrecorded, with_hidden_parent, without_parent
from gatekeeper.domain.tier import TierFinding, TierReason, TierTable

# A larger group has more reasons than are kept.
PARTIES_MAX = 10


def by_headquarters_alone(
    parties: Mapping[str, Party], party_id: str, table: TierTable, as_of: date
) -> TierFinding | None:
    """The finding, or None where headquarters alone do not decide."""
    paths = _paths(parties, party_id)
    if paths is None:
        return None
    reasons: list[TierReason] = []
    for each, path in paths.items():
        party = parties.get(each)
        if party is None:
            reasons.append(_reason(parties, path, unrecorded(each)))
            continue
        level = table.tier_of(party.headquarters, as_of).strictness if party.headquarters else OPEN
        reasons.append(_reason(parties, path, by_headquarters(party, level, table, as_of)))
        if party.hides_parent:
            reasons.append(_reason(parties, path, with_hidden_parent(party)))
        elif not party.parents and not party.no_parent_reason:
            reasons.append(_reason(parties, path, without_parent(party)))
    reasons.sort(key=lambda reason: (-reason.tier.strictness, len(reason.path), reason.path, reason.code))
    return TierFinding(party_id, as_of, reasons[0].tier, tuple(reasons))


def _paths(parties: Mapping[str, Party], party_id: str) -> dict[str, tuple[str, ...]] | None:
    """The party and all its parents, each with the way there."""
    paths: dict[str, tuple[str, ...]] = {party_id: (party_id,)}
    waiting = [party_id]
    for each in waiting:  # grows while it is read: breadth first
        party = parties.get(each)
        if party is None:
            continue
        if party.interests or party.listings or party.branch_of or party.kind is not PartyKind.ORG:
            return None
        for parent in sorted(party.parents):
            if parent in paths or len(paths) == PARTIES_MAX:
                return None  # reached twice: perhaps a circle
            paths[parent] = (*paths[each], parent)
            waiting.append(parent)
    return paths


def _reason(parties: Mapping[str, Party], path: tuple[str, ...], fact: Fact) -> TierReason:
    if len(path) == 1:
        return TierReason(fact.tier, "hq.own" if fact.code == "hq" else fact.code, path, fact.alone)
    owners = ", which is owned by ".join(named(parties, each) for each in path[1:])
    chain = f"{named(parties, path[0])} is owned by {owners}"
    code = "hq.owner" if fact.code == "hq" else fact.code
    return TierReason(fact.tier, code, path, f"{chain}{fact.after or f', and {fact.alone}'}")
