"""Many pods in one question: one answer for each, the same as alone, and one failure concerns few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.telemetry.prometheus import DEVICES_MAX, Prometheus
from gatekeeper.telemetry.promql import ALTERNATIVES_MAX
from gatekeeper.telemetry.shards import PODS_MAX, by_devices, shards
from gatekeeper.telemetry.source import PrometheusSource
from tests.telemetry.fake_prometheus import FakePrometheus, Labels, Samples, serving

BEGINS = 1_790_856_000
MHZ = 1_000_000
TRUSTED = {"job": "dcgm-exporter"}
TENSOR, CLOCK = "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_DEV_SM_CLOCK"

Found = list[tuple[PodInterval, list[Observation] | Unavailable]]


def interval(pod: int | str, begin: int = 0, end: int = 300, *, namespace: str = "lab") -> PodInterval:
    name = pod if isinstance(pod, str) else f"trainer-{pod}"
    begins_at = datetime.fromtimestamp(BEGINS, UTC)
    return PodInterval(namespace, name, begins_at + timedelta(seconds=begin), begins_at + timedelta(seconds=end))


def gpu(uuid: str, pod: str, *, activity: float = 0.4, step: int = 30, **labels: str) -> list[tuple[Labels, Samples]]:
    own = {"UUID": uuid, "exported_namespace": "lab", "exported_pod": pod, **TRUSTED, **labels}
    at = range(BEGINS - 120, BEGINS + 720, step)
    return [
        ({"__name__": TENSOR, **own}, [(each, activity) for each in at]),
        ({"__name__": CLOCK, **own}, [(each, 1_500.0) for each in at]),
    ]


def fleet(pods: int, *, each: int = 2) -> list[tuple[Labels, Samples]]:
    """Pod N has `each` GPUs, all with an activity of its own."""
    return [
        series
        for pod in range(pods)
        for index in range(each)
        for series in gpu(f"GPU-{pod}-{index}", f"trainer-{pod}", activity=(pod % 10) / 10)
    ]


def ask(prometheus: FakePrometheus, asked: Sequence[PodInterval], **source: Any) -> Found:
    with serving(prometheus) as url:
        return list(Prometheus(PrometheusSource(url, TRUSTED, **source)).observe(asked))


def telling(found: Found) -> dict[str, str]:
    """Pod -> what is told of it where there is no answer."""
    return {each.pod: str(answer) for each, answer in found if isinstance(answer, Unavailable)}


@pytest.mark.parametrize("at_once", [1, 4])
def test_every_interval_gets_one_answer_of_its_own_pod(at_once: int) -> None:
    asked = [interval(pod) for pod in range(3 * PODS_MAX + 7)]
    prometheus = FakePrometheus(fleet(len(asked) - 1))
    found = ask(prometheus, asked, at_once=at_once)
    assert Counter(each for each, _ in found) == Counter(asked)
    for each, answer in found:
        number = int(each.pod.removeprefix("trainer-"))
        gpus = [
            Observation(f"GPU-{number}-{index}", number % 10 * 150 * MHZ, 300, activity_ppm=number % 10 * 100_000)
            for index in (0, 1)
        ]
        assert answer == ([] if number == len(asked) - 1 else gpus)


def test_a_question_never_names_more_than_a_server_looks_up() -> None:
    prometheus = FakePrometheus(fleet(PODS_MAX, each=8))
    assert not telling(ask(prometheus, [interval(pod) for pod in range(PODS_MAX)]))
    for query in prometheus.asked:
        assert all(each.count("|") < ALTERNATIVES_MAX for each in query.split('"'))
    assert sum("UUID=~" in query for query in prometheus.asked) <= PODS_MAX * 8 // 100


def test_asked_together_or_alone_a_pod_gets_the_same_answer() -> None:
    asked = [interval(pod, 30 * (pod % 5), 300 + 17 * (pod % 7)) for pod in range(40)]
    asked += [interval(3, 0, 100), interval(3, 100, 300), interval(3), interval(5, 10, 11)]
    series = fleet(40)
    for pod in range(0, 40, 3):  # with holes that only more of the past could close
        series += gpu(f"GPU-{pod}-hole", f"trainer-{pod}", step=90)
    prometheus = FakePrometheus(series)
    together = ask(prometheus, asked)
    alone = [ask(prometheus, [each])[0] for each in asked]
    assert sorted(together, key=str) == sorted(alone, key=str)


def test_the_same_interval_asked_twice_is_answered_twice_and_an_empty_one_with_nothing() -> None:
    found = ask(FakePrometheus(fleet(1)), [interval(0), interval(0), interval(0, 60, 60)])
    assert sorted(len(answer) for _, answer in found if not isinstance(answer, Unavailable)) == [0, 2, 2]


def refusing(pod: str, status: int) -> Callable[[str, int], int | None]:
    return lambda query, _: status if pod in query else None


def test_one_shard_that_fails_leaves_the_others_their_answers() -> None:
    asked = [interval(pod) for pod in range(3 * PODS_MAX)]
    found = ask(FakePrometheus(fleet(3 * PODS_MAX), refusing("trainer-150|", 500)), asked)
    assert 1 < len(telling(found)) <= PODS_MAX
    assert "answered 500: 'told to fail'" in telling(found)["trainer-150"]


@pytest.mark.parametrize("where", [r"trainer-150\b", "GPU-150-0"])
def test_a_pod_whose_answer_is_too_much_is_the_only_one_without(where: str) -> None:
    prometheus = FakePrometheus(fleet(3 * PODS_MAX), lambda query, _: 422 if re.search(where, query) else None)
    assert list(telling(ask(prometheus, [interval(pod) for pod in range(3 * PODS_MAX)]))) == ["trainer-150"]


def test_answers_over_the_limit_are_asked_for_in_smaller_pieces() -> None:
    prometheus = FakePrometheus(fleet(64))
    found = ask(prometheus, [interval(pod) for pod in range(64)], answer_bytes_max=40_000)
    assert not telling(found)
    assert len(found) == 64


def test_a_label_of_ten_megabytes_costs_only_its_own_pod() -> None:
    series = fleet(40) + gpu("GPU-7-0", "trainer-7", note="x" * 10_000_000)
    found = ask(FakePrometheus(series), [interval(pod) for pod in range(40)], answer_bytes_max=8_000_000)
    assert list(telling(found)) == ["trainer-7"]


def test_a_server_that_hangs_up_is_asked_once_and_not_once_a_shard() -> None:
    prometheus = FakePrometheus([], lambda _, __: 0)
    found = ask(prometheus, [interval(pod) for pod in range(10 * PODS_MAX)])
    assert len(telling(found)) == 10 * PODS_MAX
    assert len(prometheus.asked) == 1


@pytest.mark.parametrize("status", [401, 422, 503])
def test_a_server_that_refuses_everything_is_soon_left_alone(status: int) -> None:
    prometheus = FakePrometheus([], lambda _, __: status)
    found = ask(prometheus, [interval(pod) for pod in range(20 * PODS_MAX)])
    assert len(telling(found)) == 20 * PODS_MAX
    assert len(prometheus.asked) <= 16


def test_a_pod_with_more_devices_than_any_node_has_does_not_hold_up_the_others() -> None:
    series = fleet(3) + [each for index in range(DEVICES_MAX + 1) for each in gpu(f"GPU-many-{index}", "trainer-3")]
    prometheus = FakePrometheus(series)
    answers = {each.pod: answer for each, answer in ask(prometheus, [interval(pod) for pod in range(4)])}
    assert [len(answers[f"trainer-{pod}"]) for pod in range(4)] == [2, 2, 2, DEVICES_MAX + 1]  # type: ignore[arg-type]
    assert not any("GPU-many" in query for query in prometheus.asked)


def test_pods_that_share_a_device_in_one_question_are_not_exclusive() -> None:
    series = gpu("GPU-1", "trainer-0") + gpu("GPU-1", "trainer-1")
    for _, answer in ask(FakePrometheus(series), [interval(0), interval(1)]):
        assert answer == [Observation("GPU-1", 0, 0, exclusive=False)]


def test_pods_of_one_name_in_two_namespaces_are_two_pods() -> None:
    series = gpu("GPU-1", "trainer-0") + gpu("GPU-2", "trainer-0", exported_namespace="other", activity=0.8)
    found = dict(ask(FakePrometheus(series), [interval(0), interval(0, namespace="other")]))
    assert found[interval(0)] == [Observation("GPU-1", 600 * MHZ, 300, activity_ppm=400_000)]
    assert found[interval(0, namespace="other")] == [Observation("GPU-2", 1_200 * MHZ, 300, activity_ppm=800_000)]


@pytest.mark.parametrize("pod", ['x"} or {job="y', ".*", "a|trainer-0", "x" * 300, "\ud800", "tráiner-0"])
def test_a_hostile_name_among_others_changes_nothing_for_them(pod: str) -> None:
    found = dict(ask(FakePrometheus(fleet(2)), [interval(0), interval(pod), interval(1)]))
    assert [len(found[interval(each)]) for each in (0, 1)] == [2, 2]  # type: ignore[arg-type]
    assert found[interval(pod)] == []


def test_samples_of_a_tenants_exporter_are_not_asked_for() -> None:
    series = fleet(1) + gpu("GPU-0-0", "trainer-0", activity=0.0, job="tenant")
    prometheus = FakePrometheus(series)
    ask(prometheus, [interval(0)])
    assert all('job="dcgm-exporter"' in query for query in prometheus.asked)


def test_samples_of_the_future_or_out_of_order_are_no_cover() -> None:
    own = {"__name__": TENSOR, "UUID": "GPU-1", "exported_namespace": "lab", "exported_pod": "trainer-0", **TRUSTED}
    clock = {**own, "__name__": CLOCK}
    at = [BEGINS - 30, BEGINS + 30, BEGINS, BEGINS + 400, BEGINS + 10**6]
    series: list[tuple[Labels, Samples]] = [
        (own, [(each, 0.4) for each in at]),
        (clock, [(each, 1_500) for each in at]),
    ]
    assert ask(FakePrometheus(series), [interval(0)])[0][1] == [
        Observation("GPU-1", 600 * MHZ, 30, activity_ppm=400_000)
    ]


intervals = st.builds(
    lambda pod, begin, seconds: interval(pod, begin, begin + seconds),
    st.one_of(st.integers(0, 300), st.sampled_from(["a.b", "A|B", ""])),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
)


@given(st.lists(intervals, max_size=250))
def test_shards_hold_every_interval_once_and_read_little_for_nothing(asked: list[PodInterval]) -> None:
    found = list(shards(asked, 30_000))
    held = [each for shard in found for many in shard.by_pod.values() for each in many]
    assert Counter(held) == Counter(each for each in asked if each.begins_at < each.through)
    for shard in found:
        assert len(shard.by_pod) <= PODS_MAX
        for many in shard.by_pod.values():
            for each in many:
                seconds = (each.through - each.begins_at).total_seconds()
                assert shard.window.through_ms - shard.window.begins_ms <= 2_000 * seconds


@given(st.dictionaries(st.tuples(st.just("lab"), st.text(max_size=3)), st.lists(st.text("ab", max_size=3))))
def test_pods_are_packed_once_each_and_within_the_limit(devices: dict[tuple[str, str], list[str]]) -> None:
    packed = list(by_devices(devices, 4))
    assert [pod for pods in packed for pod in pods] == list(devices)
    for pods in packed:
        assert len(pods) == 1 or len({each for pod in pods for each in devices[pod]}) <= 4
