"""What the edges count while the process runs: durations and totals since its start. Safe from any thread.

It is a listener of the controller, is told of answers by the webhook, and of records and counters by `watching`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram

from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.sight import Listener, Way
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.record import JsonValue, Record, RecordType
from gatekeeper.metrics import families
from gatekeeper.metrics.families import PREFIX, Family

BLOCKING = (
    RecordType.WORKLOAD_REFUSED,
    RecordType.WORKLOAD_HELD,
    RecordType.WORKLOAD_STOPPED,
    RecordType.WORKLOAD_WARNED,
)
SETTLING = (RecordType.RESERVATION_SETTLED, RecordType.METERING_SETTLED)
# Of a pod, over an interval: some counters, none at all, or no answer.
COUNTERS, NOTHING, UNAVAILABLE = TELEMETRY_OUTCOMES = ("counters", "nothing", "unavailable")
# What the meter's notes say (gatekeeper/meter.py, domain/metering.py), as reasons for a label.
_NOTES = (
    (re.compile("the telemetry did not answer"), "telemetry_unavailable"),
    (re.compile("counters name "), "too_many_devices"),
    (re.compile("no counters of "), "devices_missing"),
)
# Devices of unknown make or number, or a piece within the first or last seconds of its pod.
UNCOUNTED = "not_countable"
OTHER = "other"
REASONS = (*(reason for _, reason in _NOTES), UNCOUNTED, OTHER)


class Events(Listener):
    """Counters and histograms of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._reviews = _histogram(families.REVIEW_DURATION, registry, Verdict)
        self._releases = _histogram(families.RELEASE_DURATION, registry, Verdict)
        self._waits = _histogram(families.GATE_WAIT, registry, Way)
        self._passes = _histogram(families.PASS_DURATION, registry)
        self._pass_failures = _counter(families.PASS_FAILURES, registry)
        self._step_failures = _counter(families.STEP_FAILURES, registry)
        self._appended = _counter(families.LOG_APPENDED, registry, RecordType)
        self._blocked = _counter(families.BLOCKED, registry)
        self._tokens_refused = _counter(families.TOKENS_REFUSED, registry)
        self._tokens_refused.labels("none", "missing")  # so that the metric is there before the first of them
        self._pieces = _counter(families.METER_PIECES, registry)
        self._worst = _counter(families.METER_WORST, registry, REASONS)
        self._overruns = _counter(families.OVERRUNS, registry)
        self._overrun_tflop = _counter(families.OVERRUN_TFLOP, registry)
        self._telemetry = _histogram(families.TELEMETRY_DURATION, registry)
        self._answers = _counter(families.TELEMETRY_ANSWERS, registry, TELEMETRY_OUTCOMES)
        self._signed_at = time.monotonic()

    def reviewed(self, outcome: str, duration_s: float) -> None:
        """The webhook answered."""
        self._reviews.labels(outcome).observe(duration_s)

    def decided(self, verdict: str, duration_s: float) -> None:
        """The gate answered whether a gang may start."""
        self._releases.labels(verdict).observe(duration_s)

    def passed(self, duration_s: float, *, well: bool) -> None:
        """The controller's pass ended."""
        self._passes.observe(duration_s)
        if not well:
            self._pass_failures.inc()

    def step_failed(self, step: str) -> None:
        """A step of the controller could not act on something."""
        self._step_failures.labels(step).inc()

    def pod_released(self, pod: PodState, way: Way) -> None:
        """A gate was lifted."""
        waited_s = (datetime.now(UTC) - pod.created_at).total_seconds()
        self._waits.labels(way.value).observe(max(0.0, waited_s))

    def token_refused(self, realm: str, reason: str) -> None:
        """Somebody showed a token that is nobody's, or no one could say."""
        self._tokens_refused.labels(realm, reason).inc()

    def asked(self, duration_s: float) -> None:
        """The telemetry was asked."""
        self._telemetry.observe(duration_s)

    def answered(self, outcome: str) -> None:
        """What the telemetry said of one pod; see TELEMETRY_OUTCOMES."""
        self._answers.labels(outcome).inc()

    def signed(self) -> None:
        """All records are signed as of now."""
        self._signed_at = time.monotonic()

    @property
    def signed_s_ago(self) -> float:
        """Since all records were last known to be signed; since the start where they never were."""
        return time.monotonic() - self._signed_at

    def appended(self, record: Record) -> None:
        """A record is durable."""
        self._appended.labels(record.type.value).inc()
        if record.type in BLOCKING:
            self._blocked.labels(record.type.value, *_deciding(record.facts)).inc()
        if record.type in SETTLING:
            self._settled(record.facts)

    def _settled(self, facts: Mapping[str, JsonValue]) -> None:
        self._pieces.inc()
        reason = worst_case_reason(facts)
        if reason:
            self._worst.labels(reason).inc()
        overrun_tflop = _amount(facts, "overrun_tflop")
        if overrun_tflop:
            self._overruns.inc()
            self._overrun_tflop.inc(overrun_tflop)


def worst_case_reason(facts: Mapping[str, JsonValue]) -> str:
    """Why a settled piece was booked at the worst case, by its record; "" where counters covered it."""
    note = str(facts.get("note") or "")
    known = next((reason for pattern, reason in _NOTES if pattern.search(note)), "")
    if known or _amount(facts, "low_tflop") or not _amount(facts, "best_tflop"):
        return known
    # Without counters `best` is half of the peak and `low` nothing; counters that say "idle" give nothing to both.
    return OTHER if note else UNCOUNTED


def _deciding(facts: Mapping[str, JsonValue]) -> tuple[str, str]:
    """Pack and code of the reason that decided: it stands first. Both are words of the provider's packs or our own."""
    decision = facts.get("decision")
    reasons = decision.get("reasons") if isinstance(decision, Mapping) else None
    first = reasons[0] if isinstance(reasons, list | tuple) and reasons else None
    return (str(first.get("pack", "")), str(first.get("code", ""))) if isinstance(first, Mapping) else ("", "")


def _amount(facts: Mapping[str, JsonValue], key: str) -> int:
    """A decimal string of TFLOP; 0 where there is none."""
    text = facts.get(key)
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


def _histogram(family: Family, registry: CollectorRegistry, known: Iterable[str] = ()) -> Histogram:
    made = Histogram(PREFIX + family.name, family.help, family.labels, buckets=family.buckets, registry=registry)
    for each in known:
        made.labels(str(each))
    return made


def _counter(family: Family, registry: CollectorRegistry, known: Iterable[str] = ()) -> Counter:
    """A counter; what is known beforehand starts at 0, so that its first event shows as an increase."""
    made = Counter(PREFIX + family.name, family.help, family.labels, registry=registry)
    for each in known:
        made.labels(str(each))
    return made
