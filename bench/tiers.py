"""Tiers over a registry: all parties at once, and what one change costs afterwards; one customer on its own; and what
all parties of one large ring of owners are told.

The graph is a provider's dream of a registry: groups of all sizes, most shares clean, some unknown, one party in two
hundred in a circle of holdings, one in fifty without a record of its headquarters. One change goes into the graph that
the service keeps for each tier table (`gatekeeper/affected.py`), so what is measured is what a change costs there.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from rich.console import Console

from bench.tools import say
from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.interest import PERCENT_1, Interest
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import Resolver, resolve, resolve_all
from gatekeeper.domain.tier import TierTable
from gatekeeper.domain.tier_graph import TierGraph
from gatekeeper.policy_files import bundled_dir, load_pack

PARTIES, INTERESTS = 100_000, 150_000
ALL_S_MAX, CHANGE_MS_MAX = 2.0, 50.0
CHANGES = 200
RING = 10_000
_DAY = date(2026, 11, 22)
_SEATS = ("US", "GB", "DE", "JP", "SG", "AE", "IN", "CN", "RU", "")


@dataclass(frozen=True, slots=True)
class TiersResult:
    """Seconds for all, milliseconds for each change, microseconds for one customer, round by round; seconds for the
    reasons of all in a ring."""

    all_s: list[float]
    change_ms: list[float]
    one_us: list[float]
    ring_s: float
    parties: int
    interests: int


def measure(*, rounds: int, parties: int = PARTIES, interests: int = INTERESTS) -> TiersResult:
    """Resolve a registry again and again, and change one party after the other."""
    random = Random(5)  # the same registry in each run
    table = load_pack(bundled_dir() / "us-ai-diffusion").tiers
    registry = _registry(random, parties, interests)
    all_s, one_us = [], []
    for number in range(1, rounds + 1):
        say(f"tiers: round {number} of {rounds}")
        begin = time.perf_counter()
        resolve_all(registry, table, _DAY)
        all_s.append(time.perf_counter() - begin)
        one_us.append(_one(table))
    graph = TierGraph(registry, table, _DAY)
    change_ms = []
    for each in random.sample(sorted(registry), CHANGES):
        party = registry[each]
        begin = time.perf_counter()
        graph.change([replace(party, headquarters="CN" if party.headquarters != "CN" else "US")])
        change_ms.append((time.perf_counter() - begin) * 1_000)
    ring_s = _ring(table, min(RING, parties))
    held = sum(len(each.interests) for each in registry.values())
    return TiersResult(all_s, change_ms, one_us, ring_s, len(registry), held)


def facts(result: TiersResult) -> dict[str, object]:
    """What --output json prints of it."""
    return {
        "tiers_all_s": result.all_s,
        "tiers_change_ms": {"median": statistics.median(result.change_ms), "worst": max(result.change_ms)},
        "tiers_one_us": result.one_us,
        "tiers_ring_s": result.ring_s,
        "tiers_parties": result.parties,
        "tiers_interests": result.interests,
    }


def show(result: TiersResult, console: Console) -> None:
    """The result, and whether the goals are reached."""
    every, worst = statistics.median(result.all_s), max(result.change_ms)
    console.print(
        f"tiers: {result.parties:,} parties with {result.interests:,} interests in {every:.2f} s "
        f"({min(result.all_s):.2f}-{max(result.all_s):.2f}); one change {statistics.median(result.change_ms):.2f} ms, "
        f"the worst of {len(result.change_ms)} {worst:.1f} ms; one customer of a small group "
        f"{statistics.median(result.one_us):.0f} us; the reasons of all in a ring of parents {result.ring_s:.1f} s"
    )
    for what, reached in (
        (f"all tiers in less than {ALL_S_MAX:g} s", every < ALL_S_MAX),
        (f"one change in less than {CHANGE_MS_MAX:g} ms", worst < CHANGE_MS_MAX),
    ):
        console.print(f"goal: {what}: {'reached' if reached else 'missed'}")


def _one(table: TierTable) -> float:
    """Microseconds for a customer with a parent that has one too, as the webhook asks."""
    small = {
        "lab": Party("lab", PartyKind.ORG, "Lab", "US", ("holding",)),
        "holding": Party("holding", PartyKind.ORG, "Holding", "SG", ("group",)),
        "group": Party("group", PartyKind.ORG, "Group", "CN", (), "listed company"),
    }
    begin = time.perf_counter()
    for _ in range(1_000):
        resolve(small, "lab", table, _DAY)
    return (time.perf_counter() - begin) * 1_000


def _ring(table: TierTable, count: int) -> float:
    """Seconds for every finding of a ring in which each party is the parent of the next."""
    parties = {f"p{n}": Party(f"p{n}", PartyKind.ORG, "P", "US", (f"p{(n + 1) % count}",)) for n in range(count)}
    begin = time.perf_counter()
    resolver = Resolver(Settled(Holdings(parties, parties, table, _DAY)))
    for each in parties:
        resolver.finding(each)
    return time.perf_counter() - begin


def _registry(random: Random, parties: int, interests: int) -> dict[str, Party]:
    """Owners come before what they own, but for a few circles."""
    held: dict[int, dict[int, Interest]] = {}
    while interests:
        asset = random.randrange(1, parties)
        # Owners are near, so that groups have tens of parties, some have thousands.
        owner = max(0, asset - 1 - int(random.paretovariate(1.2))) if random.random() > 0.005 else asset + 1
        mine = held.setdefault(asset, {})
        if owner != asset and owner not in mine and len(mine) < 4:
            share = None if random.random() < 0.02 else random.choice((5, 10, 15)) * PERCENT_1
            if not mine and random.random() < 0.4:
                share = random.choice((28, 28, 51)) * PERCENT_1
            mine[owner] = Interest(f"p{owner}", share or 0, share)
            interests -= 1
    return {
        f"p{number}": Party(
            f"p{number}",
            PartyKind.ORG,
            f"Party {number}",
            random.choice(_SEATS) if random.random() < 0.2 else "US",
            no_parent_reason="dispersed ownership",
            interests=tuple(held.get(number, {}).values()),
        )
        for number in range(parties)
    }
