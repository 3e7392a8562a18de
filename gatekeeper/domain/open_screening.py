"""What an open screening does to a tier: nobody knows it until somebody has looked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from gatekeeper.domain.grounds import REASONS_MAX
from gatekeeper.domain.party import Party
from gatekeeper.domain.resolving import PATH_MAX
from gatekeeper.domain.tier import Tier, TierFinding, TierReason, worst

OPEN_CODE = "screening.open"


def with_open_hits(finding: TierFinding, parties: Mapping[str, Party], blocked: Collection[str]) -> TierFinding:
    """The tier of a party while names of it or of its owners are being looked at: unresolved, unless it is Tier 3.

    Args:
        blocked: ids of the parties with open hits.
    """
    found = _reached(finding.party_id, parties, blocked) if blocked else []
    if not found:
        return finding
    reasons = [_open_reason(parties[path[-1]], path) for path in found[:REASONS_MAX]]
    both = sorted((*reasons, *finding.reasons), key=lambda each: -each.tier.strictness)
    more = finding.more + len(found) - len(reasons)
    return replace(finding, tier=worst(each.tier for each in both), reasons=tuple(both), more=more)


def _open_reason(party: Party, path: tuple[str, ...]) -> TierReason:
    owner = f", an owner behind {path[0]}," if len(path) > 1 else ""
    text = f"the screening of the name {party.legal_name}{owner} against restrictive lists is still open"
    return TierReason(Tier.UNRESOLVED, OPEN_CODE, path, text)


def _reached(party_id: str, parties: Mapping[str, Party], blocked: Collection[str]) -> list[tuple[str, ...]]:
    """The shortest ways from a party to those of its owners, itself among them, that are blocked; at most one more
    than reasons are kept. Each party only knows from whom it was reached: a group may be a chain of ten thousand."""
    came, waiting, found = {party_id: party_id}, [party_id], list[tuple[str, ...]]()
    for each in waiting:  # grows while it is read: breadth first
        party = parties.get(each)
        if party is None:
            continue
        if each in blocked:
            found.append(_path(came, each))
            if len(found) > REASONS_MAX:
                break
        for owner in party.owners:
            if owner not in came:
                came[owner] = each
                waiting.append(owner)
    return found


def _path(came: Mapping[str, str], last: str) -> tuple[str, ...]:
    """The way to the last one; of a longer one than is kept, both ends."""
    way = [last]
    while came[way[-1]] != way[-1]:
        way.append(came[way[-1]])
    way.reverse()
    half = PATH_MAX // 2
    return tuple(way) if len(way) <= PATH_MAX else (*way[: PATH_MAX - half], *way[-half:])
