"""The release: what must come with it, and what nobody changes about a lease afterwards."""

from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab
from tests.controlplane.pods import (
    AWAY,
    GATE,
    affinity,
    gates_of,
    gpu_pod,
    host_pod,
    pod,
    release_patch,
)

OTHER_GATE = "example.org/queue"


# --- how it is lifted --------------------------------------------------------------------------------------


def test_one_patch_of_the_controller_releases_a_pod_with_a_lease(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=3600), "json")
    assert answer.ok, answer
    assert gates_of(answer.body) == []
    assert answer.body["spec"]["activeDeadlineSeconds"] == 3600


def test_the_controller_cannot_release_a_pod_that_changed_meanwhile(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.tenant.patch(path, {"metadata": {"labels": {"team": "blue"}}}).ok
    assert not lab.controller.patch(path, release_patch(made), "json").ok
    assert gates_of(lab.tenant.get(path).body) == [GATE]


def test_the_controller_cannot_release_without_a_deadline(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=None), "json")
    assert answer.refused_by == "release"
    assert "activeDeadlineSeconds" in answer.message


def test_the_controller_releases_last(lab: Lab) -> None:
    """A claim may be exchanged while another gate holds the pod: what was reserved would not be what runs."""
    made = lab.make_pod(gpu_pod(schedulingGates=[{"name": OTHER_GATE}]))
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, gates=[OTHER_GATE]), "json")
    assert answer.refused_by == "release"


@pytest.mark.parametrize(
    ("placement", "refused_by"),
    [
        pytest.param(None, "release", id="no affinity"),
        pytest.param(affinity([AWAY]), "", id="away"),
        pytest.param(
            affinity([{"key": "zone", "operator": "In", "values": ["a"]}, AWAY], [AWAY]), "", id="away in every term"
        ),
        pytest.param(
            affinity([AWAY], [{"key": "zone", "operator": "In", "values": ["a"]}]), "release", id="one term leads there"
        ),
        pytest.param(affinity([{**AWAY, "operator": "Exists"}]), "release", id="towards them"),
        pytest.param(affinity([{**AWAY, "key": "example.org/accelerator"}]), "release", id="another label"),
        pytest.param(
            {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": {"matchExpressions": [AWAY]}}
                    ]
                }
            },
            "release",
            id="only preferred",
        ),
    ],
)
def test_a_pod_that_only_could_reach_is_released_away_from_accelerators(
    lab: Lab, placement: dict[str, Any] | None, refused_by: str
) -> None:
    made = lab.make_pod(host_pod())
    patch = release_patch(made, deadline_s=None)
    if placement:
        patch.append({"op": "add", "path": "/spec/affinity", "value": placement})
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), patch, "json")
    assert answer.refused_by == refused_by, answer


def test_a_pod_with_terms_of_its_own_is_steered_by_adding_to_each(lab: Lab) -> None:
    zones = [[{"key": "zone", "operator": "In", "values": [zone]}] for zone in ("a", "b")]
    made = lab.make_pod(host_pod(affinity=affinity(*zones)))
    patch = release_patch(made, deadline_s=None)
    terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"
    patch += [{"op": "add", "path": f"{terms}/{index}/matchExpressions/-", "value": AWAY} for index in range(2)]
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), patch, "json")
    assert answer.ok, answer


def test_nobody_steers_a_released_pod_back(lab: Lab) -> None:
    made = lab.make_pod(host_pod())
    path = lab.path(made["metadata"]["name"])
    patch = [*release_patch(made, deadline_s=None), {"op": "add", "path": "/spec/affinity", "value": affinity([AWAY])}]
    assert lab.controller.patch(path, patch, "json").ok
    for caller in (lab.tenant, lab.admin, lab.controller):
        assert caller.patch(path, [{"op": "remove", "path": "/spec/affinity"}], "json").status == 422


def test_a_pod_that_put_our_gate_on_itself_for_nothing_is_released_as_it_is(lab: Lab) -> None:
    made = lab.make_pod(pod(schedulingGates=[{"name": GATE}]))
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=None), "json")
    assert answer.ok, answer


# --- the lease afterwards ----------------------------------------------------------------------------------


@pytest.fixture
def released(lab: Lab) -> str:
    """The path of a released pod whose deadline is 3600 s."""
    made = lab.make_pod(gpu_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.controller.patch(path, release_patch(made, deadline_s=3600), "json").ok
    return path


@pytest.mark.parametrize("who", ["tenant", "controller", "admin"])
@pytest.mark.parametrize("deadline_s", [3601, 2**31 - 1, None, 0, -1])
def test_nobody_raises_or_unsets_a_deadline(lab: Lab, released: str, who: str, deadline_s: int | None) -> None:
    caller: Caller = getattr(lab, who)
    assert caller.patch(released, {"spec": {"activeDeadlineSeconds": deadline_s}}).status == 422
    assert lab.tenant.get(released).body["spec"]["activeDeadlineSeconds"] == 3600


def test_a_deadline_may_come_closer(lab: Lab, released: str) -> None:
    assert lab.tenant.patch(released, {"spec": {"activeDeadlineSeconds": 60}}).ok


@pytest.mark.parametrize("who", ["tenant", "controller"])
def test_nobody_changes_the_grace_period_later(lab: Lab, released: str, who: str) -> None:
    caller: Caller = getattr(lab, who)
    assert caller.patch(released, {"spec": {"terminationGracePeriodSeconds": 300}}).status == 422


def test_gates_cannot_come_back(lab: Lab, released: str) -> None:
    assert lab.tenant.patch(released, {"spec": {"schedulingGates": [{"name": OTHER_GATE}]}}).status == 422
