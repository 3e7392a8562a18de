"""The exporter that prints what dcgm-exporter prints, scraped by the real Prometheus, read by the meter's counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.usage import Observation
from gatekeeper.telemetry.prometheus import Prometheus
from gatekeeper.telemetry.source import PrometheusSource
from tests.exporter.exposition import Gpu, exposition
from tests.exporter.server import exporting
from tests.metering import observed_of
from tests.telemetry.prometheus_server import prometheus

WITHIN_S = 40.0
MHZ = 1_000_000
TRAINER = Gpu("GPU-live", activity=0.5, clock_mhz=1200).given_to("lab", "trainer-0")
SPAN = timedelta(seconds=4)


def observed(url: str, begins_at: datetime) -> list[Observation]:
    source = PrometheusSource(url, {"job": "dcgm-exporter", "namespace": "gpu-operator"}, sample_s=2)
    return list(
        observed_of(Prometheus(source), namespace="lab", pod="trainer-0", begins_at=begins_at, through=begins_at + SPAN)
    )


def eventually(url: str, begins_at: Callable[[], datetime], *, covered_s: int) -> list[Observation]:
    """What is observed of a span once that many of its seconds are covered."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        found = observed(url, begins_at())
        if found and found[0].covered_s >= covered_s:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)  # a poll with a deadline: Prometheus tells nobody when it has scraped


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.mark.slow
def test_live_scrapes_are_observed_and_outlive_a_restart_and_a_tenants_own_exporter_does_not_count(
    tmp_path: Path,
) -> None:
    fake = Gpu("GPU-fake", activity=0.0, clock_mhz=100).given_to("lab", "trainer-0")
    with exporting(lambda: [TRAINER]) as real, exporting(lambda: [TRAINER, fake]) as tenants:
        targets = {"dcgm-exporter": [real.address], "tenant": [tenants.address]}
        with prometheus(tmp_path, targets=targets) as url:
            eventually(url, lambda: now() - SPAN, covered_s=2)  # Prometheus takes some seconds to its first scrape.
            begins_at = now()
            first = eventually(url, lambda: begins_at, covered_s=SPAN.seconds)
        with pytest.raises(Unavailable):
            observed(url, begins_at)
        with prometheus(tmp_path, targets=targets) as url:
            assert eventually(url, lambda: begins_at, covered_s=SPAN.seconds) == first
            assert first == [Observation("GPU-live", 600 * MHZ, SPAN.seconds, activity_ppm=500_000)]


def test_the_exposition_is_what_a_parser_expects() -> None:
    families = {
        each.name: each for each in text_string_to_metric_families(exposition([TRAINER, Gpu("GPU-idle", index=1)]))
    }
    active = families["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"]
    assert active.type == "gauge"
    assert [each.value for each in active.samples] == [0.5, 0.0]
    assert list(active.samples[0].labels) == [
        "gpu",
        "UUID",
        "pci_bus_id",
        "device",
        "modelName",
        "Hostname",
        "DCGM_FI_DRIVER_VERSION",
        "container",
        "namespace",
        "pod",
    ]
    assert "pod" not in active.samples[1].labels
    assert set(families) == {
        "DCGM_FI_DEV_SM_CLOCK",
        "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    }


def test_a_pod_name_cannot_break_out_of_the_exposition() -> None:
    hostile = 'x"} 1\nDCGM_FI_DEV_SM_CLOCK{UUID="GPU-live"} 1 \\'
    (family,) = [
        each
        for each in text_string_to_metric_families(exposition([TRAINER.given_to("lab", hostile)]))
        if each.name == "DCGM_FI_DEV_SM_CLOCK"
    ]
    assert [each.labels["pod"] for each in family.samples] == [hostile]
