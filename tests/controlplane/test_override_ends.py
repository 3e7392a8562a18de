"""Break-glass is for some hours: when an override ends by the clock alone, what ran by it is stopped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.domain.policy import Action, ActivePack
from gatekeeper.domain.tier import Tier
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper, with_lease
from tests.controlplane.test_controller_stop import cleared, quota, start_job, wait_until_stopped
from tests.controlplane.work import DEADLINE_S, Team

HOURS = 1
# Longer than the override: no pod is stopped because its lease is over.
LEASE_S = 6 * 3600


def refusing_tier_3() -> tuple[ActivePack, ...]:
    """The pack with a long lease, and nothing at all for Tier 3."""
    (active,) = with_lease(LEASE_S)
    rules = tuple(
        replace(each, action=Action.DENY) if each.tiers == {Tier.THREE} else each for each in active.pack.rules
    )
    assert rules != active.pack.rules
    return (replace(active, pack=replace(active.pack, rules=rules)),)


def break_glass(keeper: Keeper, team: Team, country: str, tier: Tier) -> None:
    """A customer of this country, and two people who treat it as in a milder tier for an hour."""
    keeper.packs = refusing_tier_3()
    keeper.books.enrol(team.namespace, country)
    keeper.books.bind(team.namespace, team.namespace)
    registry = keeper.books.registry
    registry.override(team.namespace, tier=tier, hours=HOURS, reason="the register is down", by="ana")
    registry.approve_override(team.namespace, by="ben")
    keeper.start()


@pytest.mark.parametrize(
    ("country", "tier", "left"), [("IN", Tier.ONE, "a budget"), ("CN", Tier.TWO, "nothing")], ids=["to 1", "to 2"]
)
def test_when_an_override_ends_what_ran_by_it_is_stopped(
    keeper: Keeper, team: Team, gpu_node: FakeNode, country: str, tier: Tier, left: str
) -> None:
    break_glass(keeper, team, country, tier)
    if tier is Tier.ONE:
        wait_until(lambda: cleared(team), "the clearance to be given", deadline_s=DEADLINE_S)
    job, names = start_job(team, gpu_node, 2)
    keeper.clock.ahead = timedelta(hours=HOURS, minutes=1)
    wait_until_stopped(team, gpu_node, job, names)
    assert not cleared(team)
    stopped = keeper.books.records("workload.stopped", namespace=team.namespace)
    assert sorted(each["workload"]["name"] for each in stopped) == sorted(names)
    if left == "nothing":
        refused = wait_until(lambda: quota(team), "the stop quota", deadline_s=DEADLINE_S)
        assert refused == {"requests.nvidia.com/gpu": "0"}
    else:
        assert quota(team) is None
