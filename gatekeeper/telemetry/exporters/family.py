"""What there is to say of an exporter: names of its series, what they count, and how its labels name device and pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.domain.usage import PPM, Measure


@dataclass(frozen=True, slots=True)
class Gauge:
    """A series whose value says how busy a device is.

    Attributes:
        name: of the metric.
        measure: what its rate counts.
        per_unit: what one unit of its value is, in the unit of the measure.
        highest: above this a value is no reading (a blank, another unit, an invention).
    """

    name: str
    measure: Measure
    per_unit: float
    highest: float


def ratio(name: str, measure: Measure) -> Gauge:
    """A gauge from 0 to 1."""
    return Gauge(name, measure, PPM, 1)


def percent(name: str, measure: Measure) -> Gauge:
    """A gauge from 0 to 100."""
    return Gauge(name, measure, PPM / 100, 100)


@dataclass(frozen=True, slots=True)
class Family:
    """Series of one exporter that are read together.

    Attributes:
        exporter: name of the exporter, under which settings may say which labels of it are trusted.
        gauges: in the order in which their measures are preferred.
        device: labels that together name a device; the first of them must be there. A second one names a part of it.
        parts: whether a device without a second label is the whole of which others are parts (MIG).
        pod: labels that name the pod: (namespace, pod).
        clock: gauge of the clock in MHz; a gauge of TENSOR_CYCLES is multiplied with it.
        cycles: counters since boot: (cycles active, cycles elapsed).
    """

    exporter: str
    gauges: tuple[Gauge, ...]
    device: tuple[str, ...]
    parts: bool = False
    pod: tuple[str, str] = ("namespace", "pod")
    clock: str = ""
    cycles: tuple[str, str] | None = None

    @property
    def claiming(self) -> tuple[str, ...]:
        """Names of the series that say which device a pod has."""
        active = self.cycles[:1] if self.cycles else ()
        return (*(each.name for each in self.gauges), *active)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all its series."""
        clock = (self.clock,) if self.clock else ()
        return tuple(dict.fromkeys((*self.claiming, *(self.cycles or ()), *clock)))

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Its measures, the preferred one first."""
        return tuple(dict.fromkeys(each.measure for each in self.gauges))

    def pod_labels(self, *, honor_labels: bool) -> tuple[str, str]:
        """Labels that name the pod as Prometheus stores them: `namespace` and `pod` are the exporter's own pod, and a
        scrape that does not honor labels moves what the exporter says of them to `exported_*`."""
        if honor_labels:
            return self.pod
        namespace, pod = (f"exported_{each}" if each in {"namespace", "pod"} else each for each in self.pod)
        return namespace, pod

    def device_of(self, labels: Mapping[str, str]) -> tuple[str, str]:
        """(device, part of it) as labels name it; both empty where they name none."""
        device, *part = self.device
        found = labels.get(device, "")
        return (found, labels.get(part[0], "") if part and found else "")
