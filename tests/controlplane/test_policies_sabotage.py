"""Somebody else's mutation of our pods: what the policies check again after all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.controlplane.calls import Answer
from tests.controlplane.chart import Lab, new_lab
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import (
    GATE,
    Pod,
    fresh_name,
    gates_of,
    gpu_pod,
    host_pod,
    pod,
    release_patch,
)

OTHER_GATE = "example.org/queue"


REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
STRIP_GATES = '[JSONPatch{op: "remove", path: "/spec/schedulingGates"}]'
STRIP_DEADLINE = '[JSONPatch{op: "remove", path: "/spec/activeDeadlineSeconds"}]'
RAISE_GRACE = '[JSONPatch{op: "replace", path: "/spec/terminationGracePeriodSeconds", value: 300}]'


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A foreign mutating policy that spoils the pods carrying its own label."""

    lab: Lab
    name: str

    def install(self, operation: str, patch: str, *, condition: str = "true", again: str = "IfNeeded") -> None:
        """Spoil them at the operation, by the patch, where the condition holds."""
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": ["pods"]}
        mark = f'object.metadata.?labels[?"sabotage"].orValue("") == "{self.name}"'
        conditions = {"marked": mark, "applies": condition}
        spec = {
            "failurePolicy": "Fail",
            "reinvocationPolicy": again,
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [{"name": key, "expression": value} for key, value in conditions.items()],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        }
        binding = {"metadata": {"name": self.name}, "spec": {"policyName": self.name}}
        admin = self.lab.admin
        assert admin.create(f"{REGISTRATION}/mutatingadmissionpolicies", {**binding, "spec": spec}).ok
        assert admin.create(f"{REGISTRATION}/mutatingadmissionpolicybindings", binding).ok

    def remove(self) -> None:
        """Take it away; pods of other tests do not carry its label, so it does not matter when that is obeyed."""
        for kind in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
            assert self.lab.admin.delete(f"{REGISTRATION}/{kind}/{self.name}").ok

    def marked(self, manifest: Pod) -> Pod:
        """The pod with the label that the policy looks for."""
        manifest["metadata"]["labels"] = {"sabotage": self.name}
        return manifest


@pytest.fixture
def sabotage(lab: Lab) -> Iterator[Sabotage]:
    """A foreign policy, to be installed by the test."""
    policy = Sabotage(lab, fresh_name("sabotage"))
    yield policy
    policy.remove()


def test_a_gate_that_is_stripped_once_is_stamped_again(lab: Lab, sabotage: Sabotage) -> None:
    sabotage.install("CREATE", STRIP_GATES, condition="has(object.spec.schedulingGates)", again="Never")
    other: dict[str, Any] = {"schedulingGates": [{"name": OTHER_GATE}]}
    wait_until(lambda: not gates_of(lab.make_pod(sabotage.marked(pod(**other)))), "the foreign policy to take effect")
    assert gates_of(lab.make_pod(sabotage.marked(gpu_pod(**other)))) == [GATE]


def test_a_gate_that_is_stripped_every_time_is_on_at_the_end_or_keeps_the_pod_out(lab: Lab, sabotage: Sabotage) -> None:
    """Which of two mutations has the last word is the API server's own business, and changes from run to run."""
    sabotage.install("CREATE", STRIP_GATES, condition="has(object.spec.schedulingGates)")
    other: dict[str, Any] = {"schedulingGates": [{"name": OTHER_GATE}]}
    wait_until(lambda: not gates_of(lab.make_pod(sabotage.marked(pod(**other)))), "the foreign policy to take effect")
    answer = lab.try_pod(sabotage.marked(gpu_pod()))
    if answer.ok:
        assert gates_of(answer.body) == [GATE]
    else:
        assert answer.refused_by == "gate-check"
        assert "scheduling gate" in answer.message


def test_a_grace_that_is_raised_every_time_is_capped_at_the_end_or_keeps_the_pod_out(
    lab: Lab, sabotage: Sabotage
) -> None:
    sabotage.install("CREATE", RAISE_GRACE)
    grace = "terminationGracePeriodSeconds"
    wait_until(
        lambda: lab.make_pod(sabotage.marked(host_pod()))["spec"][grace] == 300, "the foreign policy to take effect"
    )
    answer = lab.try_pod(sabotage.marked(gpu_pod()))
    if answer.ok:
        assert answer.body["spec"][grace] <= 60
    else:
        assert answer.refused_by == "gate-check"
        assert grace in answer.message


def test_a_deadline_that_is_stripped_keeps_the_gate_on(lab: Lab, sabotage: Sabotage) -> None:
    sabotage.install("UPDATE", STRIP_DEADLINE, condition="has(object.spec.activeDeadlineSeconds)")
    waiting = lab.make_pod(sabotage.marked(gpu_pod()))
    path = lab.path(waiting["metadata"]["name"])

    def refused() -> Answer | None:
        answer = lab.controller.patch(f"{path}?dryRun=All", release_patch(waiting), "json")
        return None if answer.ok else answer

    answer = wait_until(refused, "the foreign policy to take effect")
    assert answer.refused_by == "release"
    assert "activeDeadlineSeconds" in answer.message


def test_a_long_grace_from_the_time_of_a_clearance_keeps_the_gate_on(lab: Lab) -> None:
    """Under a clearance nothing is shortened; a pod that brought our gate itself outlives the clearance with it."""
    place = new_lab(lab.plane, fresh_name("once"))
    place.clear()
    waiting = place.make_pod(gpu_pod(schedulingGates=[{"name": GATE}], terminationGracePeriodSeconds=300))
    place.clear(None, label=None, then="gated")
    answer = lab.controller.patch(place.path(waiting["metadata"]["name"]), release_patch(waiting), "json")
    assert answer.refused_by == "release"
    assert "terminationGracePeriodSeconds" in answer.message
