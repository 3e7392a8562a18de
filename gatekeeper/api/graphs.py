"""An ownership graph that somebody sends is resolved only as far as one request may cost.

A graph of a megabyte can be built to take minutes. What it costs is known before it is resolved: how many parties and
ties it has, and how many of them lie in circles, whose members are put together at once, and whose shares may go round
long before they come to rest. The limits leave a request about a second; larger graphs are for `gatekeeper tier
resolve`, on the asker's own machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.circles import circles
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.party import Party
from gatekeeper.domain.resolving import Resolver
from gatekeeper.domain.tier import TierFinding, TierTable

FINDINGS_MAX = 2_000
PARTIES_MAX = 10_000
TIES_MAX = 20_000
# Steps are about microseconds, measured: for each member and each tie of a circle the reasons that are handed on; where
# shares go round in it, that they hardly come to rest, and that each member's way leads through all others.
CIRCLE_STEPS_MAX = 1_500_000
_A_MEMBER, _A_TIE, _NO_REST, _WAYS_A_STEP = 200, 100, 14_000, 10
ANSWER_CHARACTERS_MAX = 8 * 1024**2
_HINT = "Resolve it with `gatekeeper tier resolve` on your own machine."
_ONE = "Ask about one party: ?party=ID"


def findings(
    parties: Mapping[str, Party], wanted: Sequence[str], table: TierTable, day: date
) -> dict[str, TierFinding]:
    """The findings of the wanted parties.

    Raises:
        InvalidInput: it would take too long, or be too much to answer.
    """
    if len(wanted) > FINDINGS_MAX:
        raise InvalidInput(f"{len(wanted):,} parties at once; {FINDINGS_MAX:,} is the most.", hint=_ONE)
    ties = sum(len(each.owners) + len(each.interests) for each in parties.values())
    if len(parties) > PARTIES_MAX or ties > TIES_MAX:
        raise InvalidInput(
            f"The graph has {len(parties):,} parties and {ties:,} ties; {PARTIES_MAX:,} and {TIES_MAX:,} are the most.",
            hint=_HINT,
        )
    held = Holdings(parties, wanted, table, day)
    steps = circle_steps(held)
    if steps > CIRCLE_STEPS_MAX:
        raise InvalidInput(
            f"The circles of owners in the graph take {steps:,} steps; {CIRCLE_STEPS_MAX:,} is the most.", hint=_HINT
        )
    return _within(Resolver(Settled(held)), wanted)


def circle_steps(held: Holdings) -> int:
    """What the circles of a graph cost at worst."""
    numbers, steps = range(len(held.ids)), 0
    for members in circles(numbers, held.above, numbers):
        if len(members) == 1:
            continue
        inside = set(members)
        ties = sum(owner in inside for member in members for owner in held.above[member])
        steps += _A_MEMBER * len(members) + _A_TIE * ties
        if any(owner in inside for member in members for owner, _ in held.shares[member]):
            steps += _NO_REST + len(members) * (len(members) + ties) // _WAYS_A_STEP
    return steps


def _within(resolver: Resolver, wanted: Sequence[str]) -> dict[str, TierFinding]:
    found, characters = dict[str, TierFinding](), 0
    for party_id in wanted:
        finding = found[party_id] = resolver.finding(party_id)
        characters += sum(len(each.text) + sum(map(len, each.path)) for each in finding.reasons)
        if characters > ANSWER_CHARACTERS_MAX and len(wanted) > 1:
            raise InvalidInput(
                f"The reasons of all parties are more than {ANSWER_CHARACTERS_MAX:,} characters.", hint=_ONE
            )
    return found
