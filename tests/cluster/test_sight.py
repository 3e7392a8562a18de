"""What can be seen of the controller from outside: what pods were told, how they were let go, and how well it sees."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.gangs import GangSizes
from gatekeeper.cluster.identifying import Identifying
from gatekeeper.cluster.informer import Informer
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.releasing import Releasing
from gatekeeper.cluster.sight import Listener, Waits, Way
from gatekeeper.cluster.state import ClusterState
from gatekeeper.cluster.tell import Teller
from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.workload import Count, Workload
from gatekeeper.gate import Gang, Gate, Release
from tests.cluster.answering import Answering
from tests.metrics.stage import pod


class _Refusing(Gate):
    """A gate that holds everybody, however it came to that."""

    def __init__(self) -> None:
        """Needs nothing."""

    def release(self, gang: Gang) -> Release:
        return Release(Decision(Verdict.DENY, (), f"{gang.owner.name} has to wait."))

    def pass_by(self, workload: Workload) -> None:
        """Keeps no record."""

    def cleared_until(self, namespace: str, *, at_most: timedelta) -> datetime | None:
        """Whatever the controller holds to be cleared still is."""
        return datetime.max.replace(tzinfo=UTC)


class _AtHome(Identifying):
    """Every pod is in the namespace that was bound."""

    def __init__(self) -> None:
        """Needs nothing."""

    def look(self, namespace: str, pods: Iterable[PodState]) -> None:
        """Finds nothing new."""


class _Heard(Listener):
    def __init__(self) -> None:
        self.released: list[tuple[str, Way]] = []

    def pod_released(self, pod: PodState, way: Way) -> None:
        self.released.append((pod.uid, way))


def asking(uid: str) -> PodState:
    waiting = pod(uid)
    return replace(waiting, workload=Workload(waiting.workload.ref, {"nvidia.com/gpu": Count(1, 1)}))


@pytest.fixture
def api(answering: Answering) -> Api:
    """An API server that likes every patch and event."""
    answering.answer(200, b"{}")
    return Api(answering.client())


def releasing(api: Api, heard: Listener) -> Releasing:
    sizes = GangSizes(api, lambda _: None)
    attempts = Attempts(heard)
    return Releasing(
        api=api,
        gate=_Refusing(),
        identifying=_AtHome(),
        sizes=sizes,
        teller=Teller(api),
        attempts=attempts,
        listener=heard,
    )


def run(step: Releasing, pods: list[PodState], cleared: set[str]) -> None:
    state = ClusterState({each.uid: each for each in pods}, {}, {}, {}, 60.0)
    step.run(state, cleared=cleared, blocked=set(), marked=True)


def test_a_pod_that_was_told_to_wait_is_known_to_until_it_is_gone(api: Api) -> None:
    step, held = releasing(api, Listener()), asking("held")
    run(step, [held], set())
    assert step.waits == {"held": Waits.HELD}
    run(step, [replace(held, gates=("another", *held.gates))], set())
    assert step.waits == {"held": Waits.HELD}
    run(step, [], set())
    assert step.waits == {}


def test_every_way_of_letting_a_pod_go_is_heard_of(api: Api) -> None:
    heard = _Heard()
    step = releasing(api, heard)
    away = pod("away")
    run(step, [asking("freely"), away], {away.workload.ref.namespace})
    assert set(heard.released) == {("freely", Way.FREELY), ("away", Way.AWAY)}
    assert step.waits == {}


def test_an_informer_is_silent_for_as_long_as_the_server_says_nothing(answering: Answering) -> None:
    informer: Informer[str] = Informer(Api(answering.client()), "/api/v1/pods", lambda _: "", lambda: None)
    informer._heard_at -= 100
    assert informer.silent_s > 100
    answering.answer(200, json.dumps({"items": [], "metadata": {"resourceVersion": "1"}}).encode())
    informer._list()
    assert informer.silent_s < 100
    assert informer.synced
