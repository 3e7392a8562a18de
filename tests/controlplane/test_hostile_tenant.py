"""A tenant against the controller: one odd object must neither stop it for others, nor make it act on theirs."""

import pytest

from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import Pod, gpu_pod
from tests.controlplane.work import Team, gpu_job, released, uid


def owned(api_version: str, *, kind: str = "Job", name: str = "mine", owner_uid: str = "no-such-uid") -> Pod:
    """A GPU pod that claims an owner; Kubernetes checks of the fields only that they are not empty."""
    wanted = gpu_pod()
    owner = {"apiVersion": api_version, "kind": kind, "name": name, "uid": owner_uid, "controller": True}
    wanted["metadata"]["ownerReferences"] = [owner]
    return wanted


@pytest.mark.parametrize("api_version", ["batch/v1?x=", "batch/v1#", "batch/v1 \n", "batch/v1%2f..%2f..", "batch/.."])
def test_an_owner_that_is_no_address_keeps_nobody_elses_work_waiting(
    keeper: Keeper, tier_two: Team, api_version: str
) -> None:
    tier_two.make(owned(api_version))
    other = Team.new(tier_two.plane)
    keeper.books.enrol(other.namespace, "IN")
    keeper.books.bind(other.namespace, other.namespace)
    plain = other.make(gpu_pod())
    keeper.start()
    other.wait_for(plain["metadata"]["name"], "to be released", released)


def test_a_claimed_owner_never_leads_to_a_job_of_another_namespace(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    """The version of an owner is text of the tenant's: as part of a path it could name anybody's Job."""
    keeper.start()
    victim = Team.new(tier_two.plane)
    job = victim.make(gpu_job(1, name="precious"))
    path = f"batch/v1%2fnamespaces%2f{victim.namespace}%2fjobs%2fprecious?x="
    bait = tier_two.make(owned(path, name="precious", owner_uid=uid(job)))
    tier_two.wait_for(bait["metadata"]["name"], "to be released", released)
    gpu_node.start_pod(tier_two.namespace, bait["metadata"]["name"])
    keeper.books.registry.suspend(tier_two.namespace, by="ana", reason="this test")
    tier_two.wait_for(bait["metadata"]["name"], "to be stopped", lambda each: "deletionTimestamp" in each["metadata"])
    assert not victim.admin.get(victim.path("jobs", "precious")).body["spec"].get("suspend")
