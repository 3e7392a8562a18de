"""From what a customer's record resolves to, to what decisions take it for: open screenings, then an override."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gatekeeper.domain.open_screening import with_open_hits
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding


def judged(
    findings: Mapping[str, TierFinding],
    parties: Mapping[str, Party],
    open_hits: Collection[str],
    override: Override | None,
) -> tuple[dict[str, TierFinding], Override | None]:
    """Findings by pack as decisions use them, and the override that they are under: none where any of them bars it.

    Args:
        parties: the customer's party and all its owners, at least.
        open_hits: ids of the parties with a hit that nobody has judged.
        override: the one in force, whether or not it applies.
    """
    found = {pack: with_open_hits(each, parties, open_hits) for pack, each in findings.items()}
    if override is None or any(map(override.bars, found.values())):
        return found, None
    return {pack: override.lowers(each) for pack, each in found.items()}, override
