"""A namespace that is deleted and made anew under its old name is another one: it inherits nothing of the first."""

from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import gpu_pod
from tests.controlplane.test_controller_stop import QUOTA, clear, cleared, namespace, quota
from tests.controlplane.work import DEADLINE_S, Team, gated, released, uid


def make_anew(team: Team) -> None:
    """Delete the team's namespace and make it again, as whoever may make namespaces can."""
    before = namespace(team)["uid"]
    team.plane.kubectl("delete", "namespace", team.namespace, "--wait=true")
    team.plane.create_tenant(team.namespace, f"user@{team.namespace}")
    assert namespace(team)["uid"] != before


def wait_until_known(keeper: Keeper, team: Team) -> None:
    """Return when the first look at the namespace is on record: what is another one later, is by this."""

    def seen() -> bool:
        return any(each["holds"] for each in keeper.books.records("namespace.identified", namespace=team.namespace))

    wait_until(seen, "the namespace to be identified", deadline_s=DEADLINE_S)


def wait_until_refused(team: Team) -> None:
    """Return when nothing may start there."""
    refused = wait_until(lambda: quota(team), "the stop quota", deadline_s=DEADLINE_S)
    assert refused == {"requests.nvidia.com/gpu": "0"}
    answer = team.tenant.create(team.path(), gpu_pod())
    assert answer.status == 403
    assert QUOTA in answer.message


def renew(keeper: Keeper, team: Team) -> None:
    """Two people look at who made it; the first of them alone changes nothing."""
    keeper.books.registry.renew_binding(team.namespace, by="ana")
    wait_until_refused(team)
    keeper.books.registry.approve_binding(team.namespace, by="ben")
    wait_until(lambda: quota(team) is None, "the quota to be lifted", deadline_s=DEADLINE_S)


def test_it_is_not_cleared_until_two_people_renew_it(keeper: Keeper, team: Team) -> None:
    clear(keeper, team)
    wait_until_known(keeper, team)
    make_anew(team)
    wait_until_refused(team)
    (_, found) = keeper.books.records("namespace.identified", namespace=team.namespace)
    assert (found["holds"], found["found_uid"]) == (False, namespace(team)["uid"])
    assert not cleared(team)
    renew(keeper, team)
    wait_until(lambda: cleared(team), "the clearance to be given", deadline_s=DEADLINE_S)
    given = keeper.books.records("clearance.given", namespace=team.namespace)
    assert len(given) == 2
    assert not gated(team.make(gpu_pod()))


def test_nothing_of_it_is_booked_on_the_customer_until_two_people_renew_it(keeper: Keeper, tier_two: Team) -> None:
    keeper.start()
    first = tier_two.make(gpu_pod())
    tier_two.wait_for(first["metadata"]["name"], "to be released", released)
    wait_until_known(keeper, tier_two)
    make_anew(tier_two)
    wait_until(
        lambda: not keeper.books.open_reservations(tier_two.namespace),
        "the first one's reservation to end",
        deadline_s=DEADLINE_S,
    )
    used = keeper.books.account(tier_two.namespace)
    wait_until_refused(tier_two)
    assert keeper.books.account(tier_two.namespace) == used
    renew(keeper, tier_two)
    other = tier_two.make(gpu_pod())
    tier_two.wait_for(other["metadata"]["name"], "to be released", released)
    booked = keeper.books.reservation(uid(other))
    assert booked is not None
    assert booked.customer_id == tier_two.namespace
