"""What an open screening does to a tier: nobody knows it until somebody has looked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import Tier, TierFinding, TierReason, worst

OPEN_CODE = "screening.open"


def with_open_hits(finding: TierFinding, parties: Mapping[str, Party], blocked: Collection[str]) -> TierFinding:
    """The tier of a party while names of it or of its owners are being looked at: unresolved, unless it is Tier 3.

    Args:
        blocked: ids of the parties with open hits.
    """
    if not blocked:
        return finding
    reasons = [_open_reason(parties[path[-1]], path) for path in _paths(finding.party_id, parties, blocked)]
    if not reasons:
        return finding
    found = sorted((*reasons, *finding.reasons), key=lambda each: -each.tier.strictness)
    return replace(finding, tier=worst(each.tier for each in found), reasons=tuple(found))


def _open_reason(party: Party, path: tuple[str, ...]) -> TierReason:
    owner = f", an owner behind {path[0]}," if len(path) > 1 else ""
    text = f"the screening of the name {party.legal_name}{owner} against restrictive lists is still open"
    return TierReason(Tier.UNRESOLVED, OPEN_CODE, path, text)


def _paths(party_id: str, parties: Mapping[str, Party], blocked: Collection[str]) -> list[tuple[str, ...]]:
    """The shortest paths from a party to those of its owners, itself among them, that are blocked."""
    paths: dict[str, tuple[str, ...]] = {party_id: (party_id,)}
    waiting = [party_id]
    for each in waiting:  # grows while it is read: breadth first
        for owner in parties[each].owners if each in parties else ():
            if owner not in paths:
                paths[owner] = (*paths[each], owner)
                waiting.append(owner)
    return [path for each, path in paths.items() if each in blocked and each in parties]
