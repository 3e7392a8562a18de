"""When a reservation ends, and when it must not: only a node's word about its containers gives budget back."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.cluster.api import Api, Expired, Json
from gatekeeper.cluster.informer import Informer
from gatekeeper.domain.ledger import ReservationState
from tests.controlplane.calls import Caller
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import fresh_name, gpu_pod
from tests.controlplane.work import Team, gated, phase, released, uid


def state_of(keeper: Keeper, pod: dict[str, Any]) -> ReservationState | None:
    found = keeper.books.reservation(uid(pod))
    return found.state if found else None


def start(team: Team, node: FakeNode, **spec: Any) -> dict[str, Any]:
    """A released pod whose container runs."""
    made = team.make(gpu_pod(**spec))
    name = made["metadata"]["name"]
    team.wait_for(name, "to be released", released)
    node.start_pod(team.namespace, name)
    return made


def sweep(keeper: Keeper, team: Team) -> None:
    """Return when the controller has looked at everything after this moment: it released a pod that came now."""
    made = team.make(gpu_pod(nodeSelector={"no": "such-node"}))
    team.wait_for(made["metadata"]["name"], "to be released", released)
    assert team.delete(made["metadata"]["name"]).ok
    wait_until(lambda: state_of(keeper, made) is ReservationState.VOIDED, "the pod's reservation to be voided")


@pytest.fixture
def blocked(tier_two: Team) -> Any:
    """Somebody else's policy that keeps gates where they are, in the team's namespace alone; returns how to lift it."""
    name = fresh_name("foreign")
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tier_two.namespace}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}
                ],
            },
            "validations": [{"expression": "has(object.spec.schedulingGates)", "message": "not now"}],
        },
    }
    binding = {**policy, "kind": "ValidatingAdmissionPolicyBinding"}
    binding["spec"] = {"policyName": name, "validationActions": ["Deny"]}
    base = "/apis/admissionregistration.k8s.io/v1/"
    kinds = {"validatingadmissionpolicies": policy, "validatingadmissionpolicybindings": binding}
    for plural, manifest in kinds.items():
        assert tier_two.admin.create(base + plural, manifest).ok
    probe = tier_two.make(gpu_pod())
    path = tier_two.path("pods", probe["metadata"]["name"]) + "?dryRun=All"
    lift = {"spec": {"schedulingGates": None, "activeDeadlineSeconds": 60}}
    controller = Caller(tier_two.plane, "controller")
    wait_until(lambda: controller.patch(path, lift).refused_by == name, "the policy to be obeyed")
    assert tier_two.delete(probe["metadata"]["name"]).ok

    def lift_it() -> None:
        for plural in reversed(kinds):
            tier_two.admin.delete(f"{base}{plural}/{name}")

    yield lift_it
    lift_it()


# Never started


def test_a_pod_deleted_at_its_gate_gives_its_reservation_back(keeper: Keeper, tier_two: Team, blocked: Any) -> None:
    keeper.start()
    made = tier_two.make(gpu_pod())
    wait_until(lambda: state_of(keeper, made) is ReservationState.PENDING, "the reservation")
    assert tier_two.delete(made["metadata"]["name"]).ok
    wait_until(lambda: state_of(keeper, made) is ReservationState.VOIDED, "the reservation to be voided")
    assert keeper.books.account(tier_two.namespace).used_tflop == 0
    (voided,) = keeper.books.records("reservation.voided", namespace=tier_two.namespace)
    assert voided["reservation"] == uid(made)


def test_a_reservation_waits_for_whoever_keeps_the_gate_and_is_not_made_twice(
    keeper: Keeper, tier_two: Team, blocked: Any
) -> None:
    keeper.start()
    made = tier_two.make(gpu_pod())
    wait_until(lambda: state_of(keeper, made) is ReservationState.PENDING, "the reservation")
    keeper.stop()
    keeper.start()
    blocked()
    tier_two.wait_for(made["metadata"]["name"], "to be released", released)
    assert len(keeper.books.records("reservation.pending", namespace=tier_two.namespace)) == 1


def test_a_released_pod_that_found_no_node_gives_its_reservation_back(keeper: Keeper, tier_two: Team) -> None:
    keeper.start()
    sweep(keeper, tier_two)  # releases a pod where no node is, deletes it, and waits for the void


# Vanished, forged


def test_a_force_deleted_pod_whose_container_runs_on_keeps_its_reservation(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    made = start(tier_two, gpu_node)
    assert tier_two.delete(made["metadata"]["name"], gracePeriodSeconds=0).ok
    wait_until(lambda: tier_two.pod(made["metadata"]["name"]) is None, "the object to go")
    sweep(keeper, tier_two)
    assert state_of(keeper, made) is ReservationState.PENDING
    held = keeper.books.account(tier_two.namespace).used_tflop
    assert held > 0
    # It is counted on, piece by piece, although its object is gone.
    wait_until(
        lambda: [each for each in keeper.books.records("reservation.settled") if each["reservation"] == uid(made)],
        "usage to be booked",
    )


def test_a_pod_that_vanishes_while_the_controller_is_away_keeps_its_reservation(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    made = start(tier_two, gpu_node)
    keeper.stop()
    assert tier_two.delete(made["metadata"]["name"], gracePeriodSeconds=0).ok
    keeper.start()
    sweep(keeper, tier_two)
    assert state_of(keeper, made) is ReservationState.PENDING


def test_a_deleted_pod_is_settled_when_its_node_says_that_it_ended(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    made = start(tier_two, gpu_node)
    assert tier_two.delete(made["metadata"]["name"]).ok
    assert state_of(keeper, made) is ReservationState.PENDING
    gpu_node.remove_pod(tier_two.namespace, made["metadata"]["name"])
    wait_until(lambda: state_of(keeper, made) is ReservationState.SETTLED, "the reservation to be settled")


def test_a_tenant_with_a_right_to_pod_status_cannot_end_or_move_its_own_usage(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    made = start(tier_two, gpu_node)
    grant_pod_status(tier_two)
    path = tier_two.path("pods", made["metadata"]["name"], "status")
    running = tier_two.pod(made["metadata"]["name"])
    assert running is not None
    (container,) = running["status"]["containerStatuses"]
    ended = {"exitCode": 0, "finishedAt": container["state"]["running"]["startedAt"]}
    gone = {**container, "state": {"terminated": ended}}
    conditions = [{"type": "example.com/ready", "status": "True"}]
    forged: list[dict[str, Any]] = [
        {"phase": "Succeeded"},
        {"startTime": "2030-01-01T00:00:00Z"},
        {"containerStatuses": [gone]},
        {"phase": "Succeeded", "containerStatuses": [gone]},
    ]
    for status in forged:
        assert tier_two.tenant.patch(path, {"status": status}).refused_by == "pod-status", status
    assert tier_two.tenant.patch(path, {"status": {"conditions": conditions}}, "strategic").ok
    sweep(keeper, tier_two)
    assert state_of(keeper, made) is ReservationState.PENDING


def test_a_phase_alone_ends_nothing(keeper: Keeper, tier_two: Team, gpu_node: FakeNode) -> None:
    keeper.start()
    made = start(tier_two, gpu_node)
    # The pod garbage collector writes this for a node that was lost: nobody has seen the containers end.
    node = Caller(tier_two.plane, f"system:node:{gpu_node.name}")
    status_path = tier_two.path("pods", made["metadata"]["name"], "status")
    assert node.patch(status_path, {"status": {"phase": "Failed"}}).ok
    tier_two.wait_for(made["metadata"]["name"], "to be called failed", lambda pod: phase(pod) == "Failed")
    sweep(keeper, tier_two)
    assert state_of(keeper, made) is ReservationState.PENDING


def grant_pod_status(team: Team) -> None:
    """What some clusters give their tenants: the right to write the status of pods."""
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{team.namespace}"
    group = "rbac.authorization.k8s.io"
    both = {"apiVersion": f"{group}/v1", "metadata": {"name": "status"}}
    rules = [{"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch", "update"]}]
    assert team.admin.create(f"{base}/roles", {**both, "kind": "Role", "rules": rules}).ok
    user = {"apiGroup": group, "kind": "User", "name": f"user@{team.namespace}"}
    reference = {"apiGroup": group, "kind": "Role", "name": "status"}
    binding = {**both, "kind": "RoleBinding", "subjects": [user], "roleRef": reference}
    assert team.admin.create(f"{base}/rolebindings", binding).ok
    made = team.make(gpu_pod())
    path = team.path("pods", made["metadata"]["name"], "status")
    wait_until(lambda: team.tenant.patch(path, {"status": {}}).ok, "the right to write pod status")
    assert team.delete(made["metadata"]["name"]).ok


# Following the cluster


class Backdated(Api):
    """The API of the plane, whose first list pretends to be as old as the cluster."""

    def __init__(self, api: Api) -> None:
        super().__init__(api._client)
        self.lists = 0

    def pages(self, path: str, **selectors: str) -> Iterator[tuple[list[Json], str]]:
        self.lists += 1
        for items, version in super().pages(path, **selectors):
            yield items, "1" if self.lists == 1 else version


def test_an_expired_watch_is_taken_up_again_by_a_new_list(keeper: Keeper, team: Team) -> None:
    team.plane.restart()  # Its memory of events begins anew.
    api = Backdated(keeper.api)
    with pytest.raises(Expired):
        next(api.watch("/api/v1/pods", "1"))
    informer: Informer[str] = Informer(
        api, team.path(), lambda pod: str(pod["metadata"]["name"]), threading.Event().set
    )
    informer.start()
    made = team.make(gpu_pod())
    wait_until(lambda: uid(made) in informer.held(), "the pod to be seen")
    assert api.lists == 2
    assert team.delete(made["metadata"]["name"]).ok
    wait_until(lambda: uid(made) not in informer.held(), "the deletion to be seen")
    informer.stop()


def test_the_controller_goes_on_when_the_api_server_comes_back(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    before = start(tier_two, gpu_node)
    tier_two.plane.restart()
    after = wait_until(lambda: tier_two.tenant.create(tier_two.path(), gpu_pod()), "a pod to be created").body
    assert gated(after)
    tier_two.wait_for(after["metadata"]["name"], "to be released", released)
    gpu_node.finish_pod(tier_two.namespace, before["metadata"]["name"])
    wait_until(lambda: state_of(keeper, before) is ReservationState.SETTLED, "the reservation to be settled")
