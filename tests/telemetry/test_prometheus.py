"""What the real Prometheus server answers, turned into observations. History is backfilled, so hours take no time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import Measure, Observation, PodInterval
from gatekeeper.telemetry.prometheus import Prometheus
from gatekeeper.telemetry.source import PrometheusSource
from tests.exporter.exposition import Gpu
from tests.metering import observed_of
from tests.telemetry.prometheus_server import Moment, history, prometheus, write_blocks

pytestmark = pytest.mark.slow

BEGINS = int(datetime(2026, 10, 1, 12, 0, tzinfo=UTC).timestamp())
HOUR = 3_600
SAMPLE_S = 30
MHZ = 1_000_000
TRAINER = Gpu("GPU-0001", activity=0.4, clock_mhz=1500).given_to("lab", "trainer-0")
EXPORTED = {"job": "dcgm-exporter", "namespace": "gpu-operator"}

Samples = list[tuple[str, int, str, float]]


def every(seconds: int, *gpus: Gpu, begin: int = -600, end: int = HOUR + 600) -> list[Moment]:
    """The same GPUs at each scrape, from `begin` to `end` seconds after BEGINS."""
    return [(BEGINS + at, gpus) for at in range(begin, end, seconds)]


def ask(
    folder: Path,
    samples: Samples,
    *,
    namespace: str = "lab",
    pod: str = "trainer-0",
    seconds: int = HOUR,
    **source: object,
) -> list[Observation]:
    """What is observed of a pod over [BEGINS, BEGINS + seconds) when the server holds these samples."""
    write_blocks(samples, folder)
    with prometheus(folder) as url:
        return observed(url, namespace=namespace, pod=pod, seconds=seconds, **source)


def observed(
    url: str, *, namespace: str = "lab", pod: str = "trainer-0", seconds: int = HOUR, **source: object
) -> list[Observation]:
    counters = Prometheus(PrometheusSource(url, **{"trusted": EXPORTED, **source}))  # type: ignore[arg-type]
    begins_at = datetime.fromtimestamp(BEGINS, UTC)
    through = datetime.fromtimestamp(BEGINS + seconds, UTC)
    return list(observed_of(counters, namespace=namespace, pod=pod, begins_at=begins_at, through=through))


def one(observations: Iterable[Observation]) -> Observation:
    (found,) = observations
    return found


def test_steady_activity_times_clock_is_exact_and_covers_the_whole_hour(tmp_path: Path) -> None:
    assert ask(tmp_path, history(every(15, TRAINER))) == [
        Observation("GPU-0001", 600 * MHZ, HOUR, activity_ppm=400_000)
    ]


def test_the_mean_is_of_the_product_and_not_a_product_of_means(tmp_path: Path) -> None:
    # Busy at a high clock and idle at a low one: mean 0.5 x mean 1000 MHz would be 500 MHz.
    moments = [
        (
            at,
            [
                replace(TRAINER, activity=1.0, clock_mhz=1900)
                if index % 2
                else replace(TRAINER, activity=0, clock_mhz=100)
            ],
        )
        for index, (at, _) in enumerate(every(30, TRAINER))
    ]
    assert one(ask(tmp_path, history(moments))).rate == 950 * MHZ


def test_consecutive_intervals_share_no_sample_and_lose_none(tmp_path: Path) -> None:
    write_blocks(history([(at, [replace(TRAINER, activity=(at % 7) / 10)]) for at, _ in every(10, TRAINER)]), tmp_path)
    with prometheus(tmp_path) as url:
        counters = Prometheus(PrometheusSource(url, EXPORTED))
        edges = [datetime.fromtimestamp(BEGINS + at, UTC) for at in (0, 600, 1_811, 2_000, HOUR)]
        pieces = [
            one(observed_of(counters, namespace="lab", pod="trainer-0", begins_at=begins, through=through))
            for begins, through in itertools.pairwise(edges)
        ]
        whole = one(observed_of(counters, namespace="lab", pod="trainer-0", begins_at=edges[0], through=edges[-1]))
    assert sum(each.covered_s for each in pieces) == whole.covered_s == HOUR
    assert sum(each.rate * each.covered_s for each in pieces) == pytest.approx(whole.rate * HOUR, rel=1e-8)


def test_a_scrape_gap_is_not_covered(tmp_path: Path) -> None:
    moments = [(at, gpus) for at, gpus in every(15, TRAINER) if not BEGINS + 600 < at <= BEGINS + 1_200]
    found = one(ask(tmp_path, history(moments)))
    # The first sample after the gap stands for the 30 s that its gauge is a mean of.
    assert found == Observation("GPU-0001", 600 * MHZ, HOUR - 600 + 15, activity_ppm=400_000)


def test_a_pod_whose_samples_end_is_covered_up_to_the_last_one(tmp_path: Path) -> None:
    assert one(ask(tmp_path, history(every(15, TRAINER, end=1_801)))).covered_s == 1_800


def test_the_first_sample_of_a_pod_stands_for_nothing(tmp_path: Path) -> None:
    assert one(ask(tmp_path, history(every(15, TRAINER, begin=15)))).covered_s == HOUR - 15


def test_a_device_that_lost_its_activity_counter_is_not_observed(tmp_path: Path) -> None:
    paused = replace(TRAINER, uuid="GPU-0002", index=1, activity=None)
    assert [each.device for each in ask(tmp_path, history(every(15, TRAINER, paused)))] == ["GPU-0001"]


def test_activity_without_a_clock_covers_nothing(tmp_path: Path) -> None:
    found = one(ask(tmp_path, history(every(15, replace(TRAINER, clock_mhz=None)))))
    assert (found.rate, found.covered_s) == (0, 0)


@pytest.mark.parametrize("activity", [float("nan"), -0.2, 1.5, float("inf")])
def test_an_impossible_activity_covers_nothing(tmp_path: Path, activity: float) -> None:
    assert one(ask(tmp_path, history(every(15, replace(TRAINER, activity=activity))))).covered_s == 0


@pytest.mark.parametrize("clock_mhz", [float("nan"), -1500, 0, 1e9])
def test_an_impossible_clock_covers_nothing(tmp_path: Path, clock_mhz: float) -> None:
    assert one(ask(tmp_path, history(every(15, replace(TRAINER, clock_mhz=clock_mhz))))).covered_s == 0


def test_two_exporters_on_one_node_are_one_device(tmp_path: Path) -> None:
    both = history(every(15, TRAINER)) + history(
        [(at + 7, gpus) for at, gpus in every(15, TRAINER)], address="10.0.0.1:9401"
    )
    assert ask(tmp_path, both) == [Observation("GPU-0001", 600 * MHZ, HOUR, activity_ppm=400_000)]


def test_an_exporter_that_moves_to_another_address_leaves_one_device(tmp_path: Path) -> None:
    moved = history(every(15, TRAINER, end=1_800)) + history(every(15, TRAINER, begin=1_800), address="10.0.0.2:9400")
    found = one(ask(tmp_path, moved))
    assert (found.rate, found.covered_s) == (600 * MHZ, HOUR - 15)


def test_two_containers_of_one_pod_on_one_device_are_one_device(tmp_path: Path) -> None:
    moments = every(15, TRAINER, replace(TRAINER, container="evaluator"))
    assert ask(tmp_path, history(moments)) == [Observation("GPU-0001", 600 * MHZ, HOUR, activity_ppm=400_000)]


def test_a_lower_series_of_the_same_device_cannot_lower_the_count(tmp_path: Path) -> None:
    liar = history(every(15, replace(TRAINER, activity=0.01)), address="10.0.0.9:9400")
    assert one(ask(tmp_path, history(every(15, TRAINER)) + liar)).rate == 600 * MHZ


def test_a_tenants_own_series_under_another_job_is_not_read(tmp_path: Path) -> None:
    fake = history(every(15, replace(TRAINER, uuid="GPU-fake", activity=0)), job="tenant-exporter")
    assert [each.device for each in ask(tmp_path, history(every(15, TRAINER)) + fake)] == ["GPU-0001"]
    assert ask(tmp_path / "alone", fake) == []


def test_a_time_sliced_device_is_not_exclusive(tmp_path: Path) -> None:
    moments = every(15, TRAINER, TRAINER.given_to("other-lab", "theirs"))
    found = one(ask(tmp_path, history(moments)))
    assert (found.covered_s, found.exclusive) == (0, False)


def test_time_in_which_another_pod_had_the_device_is_not_covered(tmp_path: Path) -> None:
    theirs = every(15, TRAINER.given_to("other-lab", "theirs"), begin=900, end=1_801)
    found = one(ask(tmp_path, history(every(15, TRAINER)) + history(theirs)))
    assert (found.covered_s, found.exclusive) == (HOUR - 930, True)


def test_an_unattributed_copy_of_a_series_is_nobody_elses_claim(tmp_path: Path) -> None:
    bare = history(every(15, replace(TRAINER, namespace="", pod="")), address="10.0.0.7:9400")
    assert one(ask(tmp_path, history(every(15, TRAINER)) + bare)).covered_s == HOUR


def test_instances_of_a_partitioned_gpu_are_devices_of_their_own(tmp_path: Path) -> None:
    ours, theirs = replace(TRAINER, instance="1"), replace(TRAINER, instance="2").given_to("other-lab", "theirs")
    assert ask(tmp_path, history(every(15, ours, theirs))) == [
        Observation("GPU-0001/1", 600 * MHZ, HOUR, activity_ppm=400_000)
    ]


def test_both_spellings_of_the_host_label_and_both_names_of_the_counter_are_read(tmp_path: Path) -> None:
    renamed = replace(
        TRAINER, uuid="GPU-0002", host_label="hostname", activity=None, extra={"DCGM_FI_PROF_TENSOR_UTIL_RATIO": 0.2}
    )
    found = ask(tmp_path, history(every(15, TRAINER, renamed)))
    assert [(each.device, each.rate) for each in found] == [("GPU-0001", 600 * MHZ), ("GPU-0002", 300 * MHZ)]


def test_a_gauge_and_cycle_counters_of_one_device_are_read_together_and_the_counters_fill_a_gap(
    tmp_path: Path,
) -> None:
    def at_second(second: int) -> Gpu:
        counted = {
            "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL": float(10**14 + second * 600 * MHZ),
            "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL": float(10**15 + second * 1_500 * MHZ),
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 1.0,
        }
        paused = 600 < second <= 1_200
        return replace(TRAINER, activity=None if paused else 0.4, clock_mhz=None if paused else 1500, extra=counted)

    moments = [(BEGINS + second, [at_second(second)]) for second in range(-600, HOUR + 600, 30)]
    missed = [each for each in moments if not BEGINS + 1_500 < each[0] < BEGINS + 2_400]
    gauged_s = HOUR - 600 - (2_400 - SAMPLE_S - 1_500)
    assert ask(tmp_path, history(missed)) == [
        Observation(
            "GPU-0001",
            600 * MHZ,
            HOUR,
            activity_ppm=ceil_div(400_000 * gauged_s, HOUR),
            counted_hz=600 * MHZ * (HOUR - gauged_s) // HOUR,
        )
    ]


def test_a_device_that_only_says_that_it_is_busy_is_observed_as_busy(tmp_path: Path) -> None:
    busy = replace(TRAINER, activity=None, extra={"DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.75})
    found = one(ask(tmp_path, history(every(15, replace(busy, extra={**busy.extra, "DCGM_FI_DEV_GPU_UTIL": 60})))))
    assert found == Observation("GPU-0001", 750_000, HOUR, measure=Measure.BUSY_SHARE)


def test_many_pods_are_asked_about_at_once(tmp_path: Path) -> None:
    gpus = [
        replace(TRAINER, uuid=f"GPU-{number:04}", activity=number / 400).given_to("lab", f"trainer-{number}")
        for number in range(300)
    ]
    write_blocks(history(every(30, *gpus)), tmp_path)
    begins_at = datetime.fromtimestamp(BEGINS, UTC)
    asked = [PodInterval("lab", f"trainer-{each}", begins_at, begins_at + timedelta(hours=1)) for each in range(301)]
    with prometheus(tmp_path) as url:
        answers = {each.pod: answer for each, answer in Prometheus(PrometheusSource(url, EXPORTED)).observe(asked)}
    assert answers == {"trainer-300": []} | {
        f"trainer-{number}": [Observation(f"GPU-{number:04}", number * 3_750_000, HOUR, activity_ppm=number * 2_500)]
        for number in range(300)
    }


def test_labels_kept_by_the_scrape_are_read_where_the_settings_say_so(tmp_path: Path) -> None:
    kept = history(every(15, TRAINER), honor_labels=True)
    found = ask(tmp_path, kept, honor_labels=True, trusted={"job": "dcgm-exporter"})
    assert found == [Observation("GPU-0001", 600 * MHZ, HOUR, activity_ppm=400_000)]


@pytest.mark.parametrize(
    "pod",
    [
        'x"} or {job="dcgm-exporter',
        "trainer-.*",
        "trainer-0\\",
        'trainer-0",exported_pod!="',
        "trainer-0\n",
        "tráiner-0",
        "",
    ],
)
def test_a_hostile_pod_name_is_only_a_name(tmp_path: Path, pod: str) -> None:
    assert ask(tmp_path, history(every(60, TRAINER)), pod=pod) == []


@pytest.mark.parametrize("pod", ['x"} or {job="y', "back\\slash", "two\nlines", "tráiner-0"])
def test_a_hostile_name_finds_exactly_its_own_series(tmp_path: Path, pod: str) -> None:
    samples = history(every(15, TRAINER.given_to("lab", pod)))
    assert one(ask(tmp_path, samples, pod=pod)).covered_s == HOUR


def test_a_device_id_that_is_no_id_is_not_asked_for(tmp_path: Path) -> None:
    assert ask(tmp_path, history(every(60, replace(TRAINER, uuid='GPU-.*"')))) == []


def test_a_restarted_prometheus_answers_the_same(tmp_path: Path) -> None:
    write_blocks(history(every(15, TRAINER)), tmp_path)
    with prometheus(tmp_path) as url:
        before = observed(url)
    with pytest.raises(Unavailable):
        observed(url)
    with prometheus(tmp_path) as url:
        assert observed(url) == before == [Observation("GPU-0001", 600 * MHZ, HOUR, activity_ppm=400_000)]


def test_an_answer_over_the_size_limit_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="more than 1,000 bytes"):
        ask(tmp_path, history(every(15, TRAINER)), answer_bytes_max=1_000)


def test_a_refusal_of_prometheus_is_told(tmp_path: Path) -> None:
    with prometheus(tmp_path) as url, pytest.raises(Unavailable, match="answered 404"):
        observed(f"{url}/elsewhere")
