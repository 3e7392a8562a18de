"""Reading the counters of a fleet: CPU and memory for one settle window of 1,000 to 1,000,000 devices.

The product's own `Prometheus.observe`, in a process of its own on one core, asks a server that answers like Prometheus
(bench/telemetry_server.py, on the other core). Pods are asked about batch by batch from a generator, so that neither
side holds the fleet. Every answer is checked.

python -m bench.telemetry --url http://127.0.0.1:9090 --devices 1000    # one measurement, as JSON
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console

from bench.fleet import DEVICES_PER_POD, SAMPLE_S, labels, mean_rate, values
from bench.tools import cpu_s, say, start
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.telemetry.prometheus import Prometheus
from gatekeeper.telemetry.source import PrometheusSource
from tests.exporter.exposition import braces
from tests.telemetry.prometheus_server import prometheus, write_blocks

SIZES = (1_000, 10_000, 100_000, 1_000_000)
REAL_SIZE = 1_000
WINDOW_S = 300
PODS_AT_ONCE = 2_500
BEGINS = 1_790_856_000
SAMPLES_AT = range(BEGINS - 2 * SAMPLE_S + 1, BEGINS + WINDOW_S + SAMPLE_S + 1, SAMPLE_S)
RATE = mean_rate(SAMPLES_AT, BEGINS, BEGINS + WINDOW_S)
TRUSTED = {"job": "dcgm-exporter", "namespace": "gpu-operator"}
# Goals: 100,000 devices on one core with room to spare; 1,000,000 in less than half the window, in 1 GiB.
# The reading side is one process and so uses one core; the other one is the server's.
WINDOW_SHARE_MAX, MEMORY_MIB_MAX = 0.5, 1_024


class Wrong(Exception):
    """An answer is not what the fleet did."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one settle window of a fleet cost: seconds of the clock and of one CPU, and the peak memory."""

    devices: int
    wall_s: float
    cpu_s: float
    peak_mib: float

    @property
    def cpu_us_per_device(self) -> float:
        return self.cpu_s * 1e6 / self.devices


@dataclass(frozen=True, slots=True)
class TelemetryResult:
    """Readings by size against the prepared answers, and one against the real server.

    `server_cpu_us`: for each device of them, of the process that gives the prepared answers; in no reading.
    """

    readings: list[Reading]
    real: Reading
    server_cpu_us: float

    @property
    def slope_us(self) -> float:
        """CPU of each further device between the smallest and the largest fleet."""
        first, last = self.readings[0], self.readings[-1]
        if first is last:
            return last.cpu_us_per_device
        return (last.cpu_s - first.cpu_s) * 1e6 / (last.devices - first.devices)


def measure(folder: Path, *, sizes: tuple[int, ...] = SIZES) -> TelemetryResult:
    """All sizes, one after the other, and one round against the real Prometheus."""
    command = [sys.executable, "-m", "bench.telemetry_server", "--begins", str(BEGINS), "--seconds", str(WINDOW_S)]
    server = start(command, server=True, folder=folder)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        began = cpu_s(server.pid)
        readings = [_in_a_process(url, each, folder) for each in sizes]
        server_cpu_us = (cpu_s(server.pid) - began) * 1e6 / sum(sizes)
    finally:
        server.terminate()
        server.wait(timeout=10)
    write_blocks(_history(REAL_SIZE), folder / "prometheus")
    with prometheus(folder / "prometheus") as url:
        real = _in_a_process(url, REAL_SIZE, folder)
    return TelemetryResult(readings, real, server_cpu_us)


def up_to(devices: int) -> tuple[int, ...]:
    """The usual sizes below a number of devices, and that number itself, as a multiple of eight."""
    largest = max(devices - devices % DEVICES_PER_POD, 2 * DEVICES_PER_POD)
    return (*(each for each in SIZES if each < largest), largest)


def facts(result: TelemetryResult) -> dict[str, object]:
    """The result as plain numbers."""
    return {"telemetry": _numbers(result)}


def _numbers(result: TelemetryResult) -> dict[str, object]:
    return {
        "window_s": WINDOW_S,
        "slope_us_per_device": result.slope_us,
        "server_us_per_device": result.server_cpu_us,
        "goal_met": met(result),
        "readings": [asdict(each) for each in result.readings],
        "real_prometheus": asdict(result.real),
    }


def show(result: TelemetryResult, console: Console) -> None:
    """The result for people."""
    for line in _lines(result):
        console.print(line, highlight=False, soft_wrap=True)


def _lines(result: TelemetryResult) -> Iterator[str]:
    yield f"Counters of a settle window of {WINDOW_S} s, samples every {SAMPLE_S} s, 4 series a device, one core:"
    for each in (*result.readings, result.real):
        where = "  real Prometheus" if each is result.real else ""
        yield (
            f"  {each.devices:>9,} devices  {each.wall_s:8.2f} s  CPU {each.cpu_s:8.2f} s  "
            f"{each.cpu_us_per_device:6.1f} us a device  peak {each.peak_mib:5.0f} MiB{where}"
        )
    last = result.readings[-1]
    yield (
        f"  slope: {result.slope_us:.1f} us of CPU for each further device; "
        f"the server's {result.server_cpu_us:.1f} us are in none of these"
    )
    yield (
        f"goal: {last.devices:,} devices within half a window and {MEMORY_MIB_MAX} MiB: "
        f"{'reached' if met(result) else 'missed'} ({last.wall_s / WINDOW_S:.0%} of the window, "
        f"CPU {last.cpu_s / WINDOW_S:.0%} of one core)"
    )


def met(result: TelemetryResult) -> bool:
    """Whether the largest fleet is read in time, by the clock, and all stay within the memory."""
    last = result.readings[-1]
    memory = max(each.peak_mib for each in result.readings)
    return last.wall_s <= WINDOW_SHARE_MAX * WINDOW_S and memory <= MEMORY_MIB_MAX


def _in_a_process(url: str, devices: int, folder: Path) -> Reading:
    say(f"telemetry: {devices:,} devices")
    process = start(
        [sys.executable, "-m", "bench.telemetry", "--url", url, "--devices", str(devices)], server=False, folder=folder
    )
    out, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Reading(**json.loads(out))


def _history(devices: int) -> Iterator[tuple[str, int, str, float]]:
    for name, texts in values(SAMPLES_AT).items():
        for index in range(devices):
            metric = labels(name, f"{index:08x}", str(index // DEVICES_PER_POD))
            del metric["__name__"]
            yield from ((name, each, braces(metric), float(text)) for each, text in zip(SAMPLES_AT, texts, strict=True))


def observe(url: str, devices: int) -> Reading:
    """Ask for a whole fleet and check each answer.

    Raises:
        Wrong: a device is missing, or its usage is not what it did.
    """
    counters = Prometheus(PrometheusSource(url, TRUSTED))
    begins_at = datetime.fromtimestamp(BEGINS, UTC)
    through = begins_at + timedelta(seconds=WINDOW_S)
    pods = (PodInterval("lab", f"trainer-{each}", begins_at, through) for each in range(devices // DEVICES_PER_POD))
    begin, cpu, seen = time.perf_counter(), time.process_time(), 0
    while batch := list(islice(pods, PODS_AT_ONCE)):
        for asked, answer in counters.observe(batch):
            seen += _right(asked, answer)
    if seen != devices:
        raise Wrong(f"{seen} of {devices} devices were observed.")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return Reading(devices, time.perf_counter() - begin, time.process_time() - cpu, peak_mib)


def _right(asked: PodInterval, answer: list[Observation] | Exception) -> int:
    if isinstance(answer, Exception):
        raise Wrong(f"{asked.pod}: {answer}") from answer
    for each in answer:
        if (each.rate, each.covered_s) != (RATE, WINDOW_S):
            raise Wrong(f"{asked.pod}: {each}")
    return len(answer)


def main() -> None:
    """One measurement in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="of a server over bench.fleet")
    parser.add_argument("--devices", type=int, required=True, help="a multiple of eight")
    chosen = parser.parse_args()
    print(json.dumps(asdict(observe(chosen.url, chosen.devices))))


if __name__ == "__main__":
    main()
