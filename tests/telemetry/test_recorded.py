"""Pages of every vendor's exporter, scraped by the real Prometheus and read back as observations."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.usage import Measure, Observation, PodInterval
from gatekeeper.telemetry.exporters import FAMILIES
from gatekeeper.telemetry.prometheus import Prometheus
from gatekeeper.telemetry.source import PrometheusSource
from tests.exporter.replay import RECORDED, recorded, replayed
from tests.exporter.server import printing
from tests.telemetry.prometheus_server import prometheus

PAGES = sorted(each.stem for each in RECORDED.glob("*.prom"))
WITHIN_S = 60.0
SPAN_S = 4
MHZ = 1_000_000
NEURON = "i-09db9b55e0095612f"

# Pod -> device -> (rate, measure): what each page says.
SAYS: dict[str, dict[str, tuple[int, Measure]]] = {
    "trainer-0": {"GPU-8f1c6a52-3c2b-4d0e-9a77-0e5d1b7c4f10": (600 * MHZ, Measure.TENSOR_CYCLES)},
    "trainer-1": {"GPU-c40a9e13-3c2b-4d0e-9a77-0e5d1b7c4f10": (600 * MHZ, Measure.TENSOR_CYCLES)},
    "slice-0": {"GPU-5b0d3a77-91c4-4c0b-8f2a-6c1e7d90ab21/9": (300 * MHZ, Measure.TENSOR_CYCLES)},
    "rocm-0": {
        "692409005408/0": (415_000, Measure.PEAK_SHARE),
        "692409005511/0": (370_000, Measure.BUSY_SHARE),
    },
    "jax-0": {
        "4804027351049-0": (220_000, Measure.PEAK_SHARE),
        "4804027351049-1": (230_000, Measure.PEAK_SHARE),
    },
    "neuron-0": {f"{NEURON}/0": (41_000, Measure.FLOP_RATE), f"{NEURON}/1": (100_000, Measure.BUSY_SHARE)},
    "ascend-0": {"54A4C0C0 21118E6F A4B0C210 4E3F0801 2B0B0E06": (360_000, Measure.BUSY_SHARE)},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_that_a_parser_reads_and_holds_series_of_a_family(name: str) -> None:
    found = {sample.name for family in text_string_to_metric_families(recorded(name)) for sample in family.samples}
    assert any(found & set(family.claiming) for family in FAMILIES)


def test_a_replayed_counter_goes_on_and_a_printed_time_is_now() -> None:
    later = replayed(
        'DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL{a="b c"} 10\nn{x="}"} 1 5\n# HELP n n\n', seconds=2, now_ms=7
    )
    assert later == 'DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL{a="b c"} 3000000010\nn{x="}"} 1 7\n# HELP n n\n'


def printed(name: str, since: float) -> str:
    return replayed(recorded(name), seconds=time.time() - since, now_ms=int(time.time() * 1_000))


def observed(counters: Prometheus, pods: list[str]) -> dict[str, list[Observation] | Unavailable]:
    """What all the pods did in the last seconds, asked in one question."""
    through = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2)
    begins_at = through - timedelta(seconds=SPAN_S)
    return {
        each.pod: answer
        for each, answer in counters.observe([PodInterval("lab", pod, begins_at, through) for pod in pods])
    }


@pytest.mark.slow
def test_every_vendors_page_becomes_an_observation_of_each_device_of_each_pod_in_one_question(tmp_path: Path) -> None:
    since = time.time()
    with ExitStack() as stack:
        targets = {name: [stack.enter_context(printing(partial(printed, name, since))).address] for name in PAGES}
        url = stack.enter_context(prometheus(tmp_path, targets=targets))
        counters = Prometheus(PrometheusSource(url, {"namespace": "gpu-operator"}, sample_s=2))
        deadline = time.monotonic() + WITHIN_S
        while True:
            answers = observed(counters, [*SAYS, "nobody"])
            seen = {
                pod: {each.device: each for each in answer if each.covered_s}
                for pod, answer in answers.items()
                if not isinstance(answer, Unavailable)
            }
            if all(seen.get(pod, {}).keys() == devices.keys() for pod, devices in SAYS.items()):
                break
            assert time.monotonic() < deadline, answers
            time.sleep(0.2)  # a poll with a deadline: Prometheus tells nobody when it has scraped
    assert seen["nobody"] == {}
    for pod, devices in SAYS.items():
        for device, (rate, measure) in devices.items():
            one = seen[pod][device]
            assert (one.measure, one.exclusive) == (measure, True)
            # A page is made a moment before its scrape has its time, so a counter's rate is off by milliseconds.
            assert one.rate == pytest.approx(rate, rel=0.02), device
