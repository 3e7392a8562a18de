"""Counters of simulated devices, shaped like what DCGM's cycle counters say: one observation for each device and
interval, exact at whatever clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.units import SECONDS_PER_DAY
from gatekeeper.domain.usage import HZ_PER_MHZ, Observation, PodInterval
from gatekeeper.simulate.scenario import JobSpec, Stretch

# Covers any interval that the meter asks about: more than the interval never counts.
ALL_OF_IT_S = SECONDS_PER_DAY * 365


class ScenarioCounters:
    """Answers for the jobs of a scenario, found by the name of their pod."""

    def __init__(self, starts: datetime, jobs: Iterable[JobSpec]) -> None:
        self._starts = starts
        self._jobs = {(job.namespace, job.name): job for job in jobs}

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        """The same mean for each device of a job; nothing where its metrics are away for the whole interval."""
        return ((each, self._of(each)) for each in asked)

    def _of(self, asked: PodInterval) -> list[Observation]:
        job = self._jobs[asked.namespace, asked.pod.rpartition("-")[0]]
        begins_at, through, covered_s, cycles = asked.begins_at, asked.through, 0, 0
        for begin, end, stretch in self._stretches(job, begins_at, through):
            seconds = (end - begin) // timedelta(seconds=1)
            if stretch.metrics:
                covered_s += seconds
                cycles += round(seconds * stretch.tensor_activity_percent / 100 * stretch.sm_clock_mhz * HZ_PER_MHZ)
        if not covered_s:
            return []
        complete = covered_s >= (through - begins_at) // timedelta(seconds=1)
        return list(_devices(job.name, job.devices, cycles // covered_s, ALL_OF_IT_S if complete else covered_s))

    def _stretches(
        self, job: JobSpec, begins_at: datetime, through: datetime
    ) -> Iterable[tuple[datetime, datetime, Stretch]]:
        begin = begins_at
        for index, stretch in enumerate(job.profile):
            last = index == len(job.profile) - 1
            end = through if last else min(through, self._starts + timedelta(days=stretch.until_day))
            if end > begin:
                yield begin, end, stretch
                begin = end


@lru_cache(maxsize=64)
def _devices(name: str, count: int, busy_hz: int, covered_s: int) -> tuple[Observation, ...]:
    """One observation a device; intervals repeat, and ten thousand devices are many to name each time."""
    return tuple(Observation(f"GPU-{name}-{index}", busy_hz, covered_s) for index in range(count))
