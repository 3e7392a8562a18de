"""The end of a lease on real kubelets, with everything else dead: who stops a container, when, and what it is charged.

One story, told once for all tests of this file, because its waits are real: two nodes, pods that ignore SIGTERM, then
no controller and no control plane at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cluster.state import Times
from gatekeeper.domain.ledger import Reservation, ReservationState
from tests.controlplane.calls import Answer
from tests.controlplane.chart import install_chart
from tests.controlplane.harness.components import COMPONENTS
from tests.controlplane.harness.node import RealNode
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper, with_lease
from tests.controlplane.work import Team, running, uid

LEASE_S = 20
# What the pods ask for after their deadline, and what is held for that and for a node that is late.
POD_GRACE_S = 5
DELETE_GRACE_S = 10
HELD_GRACE_S = 15
# A kubelet looks at its pods every second; on a busy machine it takes longer to get round.
KUBELET_IS_LATE_S = 8
FINALIZER = "example.com/keep"
STUBBORN = "trap '' TERM; while true; do sleep 1; done"


def work(name: str, node: RealNode, script: str) -> dict[str, Any]:
    """A pod with one GPU that runs a script on this node."""
    container = {
        "name": "main", "image": RealNode.image, "imagePullPolicy": "Never", "command": ["sh", "-c", script],
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }  # fmt: skip
    spec = {
        "containers": [container],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": POD_GRACE_S,
        "nodeSelector": {"kubernetes.io/hostname": node.name},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


@dataclass
class Story:
    """What was seen, pod by pod; times are this machine's."""

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: dict[str, datetime] = field(default_factory=dict)
    gone_at: dict[str, datetime] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    tries: dict[str, Answer] = field(default_factory=dict)
    outlived_at: datetime | None = None
    reservations: dict[str, Reservation] = field(default_factory=dict)
    settlements: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    left_open: dict[str, Reservation] = field(default_factory=dict)

    def ran_s(self, name: str) -> float:
        """How long a container ran, from its pod's start until containerd no longer knew it."""
        return (self.gone_at[name] - self.started_at[name]).total_seconds()


@pytest.fixture(scope="module")
def story(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with ControlPlane() as plane:
        install_chart(plane)
        with RealNode(plane, name="steady") as steady, RealNode(plane, name="forgetful") as forgetful:
            folder = tmp_path_factory.mktemp("books")
            times = Times(resync_s=2, settle_every_s=5)
            keeper = Keeper(plane, folder, times, packs=with_lease(LEASE_S), grace_s=HELD_GRACE_S)
            try:
                yield tell(plane, keeper, steady, forgetful)
            finally:
                keeper.close()


def note(told: Story, what: str) -> None:
    print(f"{(datetime.now(UTC) - told.began_at).total_seconds():6.1f} s  {what}")


def tell(plane: ControlPlane, keeper: Keeper, steady: RealNode, forgetful: RealNode) -> Story:
    """All of it, in order."""
    told, team = Story(), Team.new(plane)
    keeper.books.enrol(team.namespace, "IN")
    keeper.books.bind(team.namespace, team.namespace)
    keeper.start()
    begin(told, team, steady, forgetful)
    note(told, "all run")
    told.tries = try_to_outlive(team)
    assert team.delete("deleted", gracePeriodSeconds=DELETE_GRACE_S).ok
    wait_until(lambda: state_of(keeper, told, "done") is ReservationState.SETTLED, "`done` to be settled")
    note(told, "done is settled")
    keeper.stop()
    for component in reversed(COMPONENTS):
        plane.kill(component)
    forgetful.kill_kubelet()
    forgetful.start_kubelet(wait=False)
    for name in ("deleted", "stubborn"):
        wait_until(
            lambda name=name: not steady.containers(team.namespace, name),  # type: ignore[misc]
            f"the kubelet to end {name}", deadline_s=90, interval_s=0.2,
        )  # fmt: skip
        told.gone_at[name] = datetime.now(UTC)
        note(told, f"{name} is gone")
    # The hole: its kubelet was restarted and cannot ask what it should run, so nobody looks at the deadline.
    beyond = told.started_at["forgotten"] + timedelta(seconds=LEASE_S + HELD_GRACE_S + 5)
    wait_until(lambda: datetime.now(UTC) >= beyond, "all that was held to be over", deadline_s=90)
    note(told, "held is over")
    if forgetful.containers(team.namespace, "forgotten"):
        told.outlived_at = datetime.now(UTC)
    told.left_open = {each.workload.name: each for each in keeper.books.open_reservations(team.namespace)}
    come_back(told, plane, keeper, team, forgetful)
    return told


def begin(told: Story, team: Team, steady: RealNode, forgetful: RealNode) -> None:
    """Start the pods: each is gated, reserved for and released by the controller."""
    team.make(work("stubborn", steady, STUBBORN))
    # Somebody's finalizer keeps the object until we have seen how the pod ended; ours may be away when it goes.
    deleted = work("deleted", steady, STUBBORN)
    team.make(deleted | {"metadata": deleted["metadata"] | {"finalizers": [FINALIZER]}})
    team.make(work("done", steady, "sleep 2"))
    team.make(work("forgotten", forgetful, STUBBORN))
    for name in ("stubborn", "deleted", "forgotten"):
        told.pods[name] = team.wait_for(name, "to run", running)
    told.pods["done"] = team.wait_for("done", "to end", lambda pod: pod["status"]["phase"] == "Succeeded")
    for name, pod in told.pods.items():
        told.started_at[name] = datetime.fromisoformat(pod["status"]["startTime"].replace("Z", "+00:00"))


def try_to_outlive(team: Team) -> dict[str, Answer]:
    """The ways by which a tenant has held up a kubelet, tried on a running pod and on new ones."""
    path = team.path("pods", "stubborn")
    slow_image = {"spec": {"containers": [{"name": "main", "image": "slow.example.com/image:1"}]}}
    debugger = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "slow.example.com/image:1"}]}}
    eviction = {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "stubborn"},
        "deleteOptions": {"gracePeriodSeconds": 240},
    }  # fmt: skip
    probe = {"exec": {"command": ["false"]}, "terminationGracePeriodSeconds": 240}
    return {
        "long deletion": team.tenant.delete(path, {"gracePeriodSeconds": 240}),
        "long eviction": team.tenant.create(f"{path}/eviction", eviction),
        "later deadline": team.tenant.patch(path, {"spec": {"activeDeadlineSeconds": 3600}}),
        "other image": team.tenant.patch(path, slow_image, "strategic"),
        "ephemeral container": team.admin.patch(f"{path}/ephemeralcontainers", debugger, "strategic"),
        "probe": team.tenant.create(team.path(), with_container(livenessProbe=probe)),
        "postStart": team.tenant.create(
            team.path(), with_container(lifecycle={"postStart": {"exec": {"command": ["sleep", "9999"]}}})
        ),
    }


def with_container(**fields: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "a", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    metadata = {"generateName": "way-"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container | fields]}}


def come_back(told: Story, plane: ControlPlane, keeper: Keeper, team: Team, forgetful: RealNode) -> None:
    """Everything starts again; returns when all is settled."""
    for component in COMPONENTS:
        plane.start(component)
    plane.wait_ready()
    note(told, "plane is back")
    keeper.start()
    wait_until(
        lambda: not forgetful.containers(team.namespace, "forgotten"),
        "the kubelet to end what it had forgotten", deadline_s=120, interval_s=0.2,
    )  # fmt: skip
    told.gone_at["forgotten"] = datetime.now(UTC)
    note(told, "forgotten is gone")
    for name, pod in told.pods.items():
        wait_until(
            lambda name=name: state_of(keeper, told, name) is not ReservationState.PENDING,  # type: ignore[misc]
            f"{name} to be settled", deadline_s=60,
        )  # fmt: skip
        reservation = keeper.books.reservation(uid(pod))
        assert reservation is not None
        told.reservations[name] = reservation
        settled = keeper.books.records("reservation.settled")
        told.settlements[name] = [each for each in settled if each["reservation"] == uid(pod)]
        told.pods[name] = team.pod(name) or pod
    assert team.tenant.patch(team.path("pods", "deleted"), {"metadata": {"finalizers": None}}).ok


def state_of(keeper: Keeper, told: Story, name: str) -> ReservationState | None:
    found = keeper.books.reservation(uid(told.pods[name]))
    return found.state if found else None


def finished_at(pod: dict[str, Any]) -> datetime:
    """When the node saw the pod's container end."""
    text = pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def overrun_tflop(told: Story, name: str) -> int:
    return sum(int(each["overrun_tflop"]) for each in told.settlements[name])


# What the story shows


def test_a_container_that_ignores_sigterm_dies_at_deadline_and_grace_with_the_control_plane_dead(story: Story) -> None:
    assert story.ran_s("stubborn") >= LEASE_S
    assert story.ran_s("stubborn") <= LEASE_S + POD_GRACE_S + KUBELET_IS_LATE_S


def test_what_a_node_reports_late_is_charged_until_it_ended_and_not_until_it_was_reported(story: Story) -> None:
    for name in ("stubborn", "deleted"):
        reservation = story.reservations[name]
        assert reservation.metered_until == finished_at(story.pods[name]) + timedelta(seconds=1)
        assert overrun_tflop(story, name) == 0


def test_a_deletion_that_is_as_slow_as_allowed_ends_within_what_is_held(story: Story) -> None:
    assert story.ran_s("deleted") <= LEASE_S + DELETE_GRACE_S + KUBELET_IS_LATE_S
    assert story.reservations["deleted"].state is ReservationState.SETTLED


def test_a_pod_that_ends_is_charged_until_the_moment_that_its_node_saw(story: Story) -> None:
    reservation = story.reservations["done"]
    assert reservation.started_at == story.started_at["done"]
    assert reservation.metered_until == finished_at(story.pods["done"]) + timedelta(seconds=1)
    seconds = int((reservation.metered_until - story.started_at["done"]).total_seconds())
    assert reservation.settled.high_tflop == reservation.rate_tflop_per_s * seconds
    assert reservation.pending_tflop == 0


def test_nothing_ends_a_reservation_while_nobody_can_say_that_its_containers_are_gone(story: Story) -> None:
    assert story.left_open.keys() == {"stubborn", "deleted", "forgotten"}


def test_a_kubelet_restarted_without_an_api_server_forgets_a_lease_and_all_of_it_is_charged(story: Story) -> None:
    """The one known hole: node wardens and fencing close it, the ledger only tells of it."""
    assert story.outlived_at is not None
    reservation = story.reservations["forgotten"]
    assert reservation.metered_until is not None
    ran_s = int((reservation.metered_until - story.started_at["forgotten"]).total_seconds())
    assert ran_s > LEASE_S + HELD_GRACE_S
    assert reservation.settled.high_tflop == reservation.rate_tflop_per_s * ran_s
    assert reservation.settled.high_tflop > reservation.amount_tflop
    assert overrun_tflop(story, "forgotten") == reservation.settled.high_tflop - reservation.amount_tflop
    late_s = (story.gone_at["forgotten"] - reservation.metered_until).total_seconds()
    assert late_s <= KUBELET_IS_LATE_S


@pytest.mark.parametrize(
    ("way", "refused_by"),
    [
        ("long deletion", "delete"),
        ("long eviction", "eviction"),
        ("later deadline", "api"),
        ("other image", "pod-update"),
        ("ephemeral container", "ephemeral-containers"),
        ("probe", "gate-check"),
        ("postStart", "gate-check"),
    ],
)
def test_a_way_to_hold_up_the_kubelet_is_refused(story: Story, way: str, refused_by: str) -> None:
    assert story.tries[way].refused_by == refused_by, story.tries[way]
