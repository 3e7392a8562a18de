"""Which pods start together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gatekeeper.cluster.gangs import gang_owner, group
from gatekeeper.cluster.pods import Owner, PodState
from tests.cluster.test_pods import kept, recorded

JOB = Owner("batch/v1", "Job", "train", "uid-of-job")


def pod(name: str, owner: Owner | None = None, *, namespace: str = "team", age_s: int = 0) -> PodState:
    state = kept(recorded("running"))
    ref = replace(state.workload.ref, namespace=namespace, name=name, uid=f"{namespace}-{name}")
    return replace(
        state,
        workload=replace(state.workload, ref=ref),
        owner=owner,
        created_at=state.created_at - timedelta(seconds=age_s),
    )


def names(pods: list[PodState]) -> list[str]:
    return [each.workload.ref.name for each in pods]


def test_pods_of_one_job_are_one_gang() -> None:
    ((owner, gang),) = group([pod("a", JOB), pod("b", JOB)])
    assert owner == JOB
    assert names(gang) == ["a", "b"]
    assert gang_owner(owner, gang).kind == "Job"
    assert gang_owner(owner, gang).uid == "uid-of-job"


def test_a_pod_without_owner_is_its_own_gang() -> None:
    found = group([pod("a"), pod("b")])
    assert [(owner, names(gang)) for owner, gang in found] == [(None, ["a"]), (None, ["b"])]
    assert gang_owner(None, found[0][1]).name == "a"


def test_pods_of_owners_that_start_them_singly_do_not_wait_for_each_other() -> None:
    for kind in ("ReplicaSet", "StatefulSet", "DaemonSet"):
        owner = Owner("apps/v1", kind, "web", "uid-of-owner")
        assert len(group([pod("a", owner), pod("b", owner)])) == 2


def test_an_owner_named_in_another_namespace_is_another_owner() -> None:
    assert len(group([pod("a", JOB), pod("a", JOB, namespace="other")])) == 2


def test_who_waits_longest_comes_first() -> None:
    found = group([pod("young"), pod("old", age_s=60), pod("of-job", JOB, age_s=30)])
    assert [names(gang) for _, gang in found] == [["old"], ["of-job"], ["young"]]
