"""The one table of all metrics: name, kind, labels, meaning. docs/metrics.md says the same, and a test compares.

Units are Prometheus' own (seconds, ratios) but for amounts: whole TFLOP (10^12 operations) as everywhere in this
program, and only ids that the provider chose stand in labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "compute_gatekeeper_"


class Kind(StrEnum):
    """Types of the exposition format that we use."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `name` without prefix, a counter's with `_total`; `buckets` are a histogram's upper bounds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus stores it."""
        return PREFIX + self.name


def _gauge(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, Kind.GAUGE, meaning, labels)


def _counter(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, meaning, labels)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Family:
    return Family(name, Kind.HISTOGRAM, meaning, labels, buckets)


_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW_S = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_WAIT_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)

# The process.
BUILD_INFO = _gauge("build_info", "Always 1; the labels say which version runs.", "version", "python")
UP_TO_DATE = _gauge("up_to_date", "1 if the database answered this scrape; 0: what is read from it is left out.")
POLICY_PACK_INFO = _gauge(
    "policy_pack_info", "Always 1, for each policy pack.", "pack", "version", "mode", "legal_status"
)
# The webhook.
REVIEW_DURATION = _histogram(
    "review_duration_seconds", "Answers of the webhook by their outcome, and how long each took.", _FAST_S, "verdict"
)
# The gate.
RELEASE_DURATION = _histogram(
    "release_duration_seconds",
    "Questions whether a gang of pods may start, by their answer, and how long each took until it was durable.",
    _SLOW_S,
    "verdict",
)
GATE_WAIT = _histogram(
    "gate_wait_seconds",
    "Pods whose gate was lifted, by the way they were let go, and how long each had waited since it was created.",
    _WAIT_S,
    "way",
)
GATED_PODS = _gauge("gated_pods", "Pods that wait at our gate, by what they wait for.", "why")
GATED_OLDEST = _gauge("gated_oldest_seconds", "Age of the oldest of them; 0 where none waits.", "why")
RESERVATIONS_OPEN = _gauge("reservations_open", "Reservations that have not ended, by their state.", "state")
RESERVATIONS_WITHOUT_POD = _gauge(
    "reservations_without_pod", "Open reservations whose pod the cluster does not show any more; they stay charged."
)
LEASE_SOONEST_END = _gauge(
    "lease_soonest_end_seconds", "Seconds until the first running lease ends; absent where none runs."
)
# Runs.
_RUN = ("run", "customer")
RUN_LIMIT = _gauge("run_limit_tflop", "What the run and those that share its limit may use; absent without one.", *_RUN)
RUN_NOTICE = _gauge(
    "run_notice",
    "An advisory pack wants the provider to know: 0 the run is near its threshold, 1 it is past it; absent below.",
    *_RUN,
    "pack",
)
RUN_CARRIED_IN = _gauge("run_carried_in_tflop", "Operations that were in the model when the run began here.", *_RUN)
RUN_SETTLED_LOW = _gauge("run_settled_low_tflop", "Metered operations, lower bound.", *_RUN)
RUN_SETTLED_BEST = _gauge("run_settled_best_tflop", "Metered operations, best estimate.", *_RUN)
RUN_SETTLED_HIGH = _gauge("run_settled_high_tflop", "Metered operations, upper bound: what blocking rests on.", *_RUN)
RUN_PENDING = _gauge("run_pending_tflop", "Held for pods that may still run.", *_RUN)
RUN_SYNTHETIC_DATA = _gauge(
    "run_synthetic_data_tflop",
    "Operations of the models that made its data, which count beside its account; absent without a limit.",
    *_RUN,
)
RUN_USED_RATIO = _gauge(
    "run_used_ratio",
    "Carried in, settled and by the models that made the data, of all that share the limit, as a share of it; without "
    "what is only held.",
    *_RUN,
    "bound",
)
RUN_HEADROOM_RATIO = _gauge(
    "run_headroom_ratio", "What may still be reserved, as a share of the limit; what is held counts as used.", *_RUN
)
RUNS_LEFT_OUT = _gauge(
    "runs_left_out", "Runs that used something and are not shown: those nearest to a limit come first."
)
# Customers.
CUSTOMERS = _gauge("customers", "Customers by the standing of their KYC record.", "standing")
CUSTOMERS_UNRESOLVED = _gauge(
    "customers_unresolved", "Customers whose tier a pack cannot resolve, as they were last looked at.", "pack"
)
OVERRIDES = _gauge("overrides", "Overrides in force: customers treated as in a milder tier by two people, for hours.")
APPROVALS_EXPIRING = _gauge("approvals_expiring", "Approvals that end within so many days.", "within_days")
APPROVAL_SOONEST_EXPIRY = _gauge(
    "approval_soonest_expiry_seconds", "Seconds until the first approval ends; absent where none holds."
)
# The log.
LOG_RECORDS = _gauge("log_records", "Records in the audit log.")
LOG_UNSIGNED = _gauge("log_unsigned_records", "Records that no stored checkpoint covers yet.")
LOG_CHECKPOINT_AGE = _gauge(
    "log_checkpoint_age_seconds", "Since this process last made sure that all records are signed."
)
LOG_APPENDED = _counter("log_appended_total", "Records that this process appended, by their type.", "type")
BLOCKED = _counter(
    "blocked_total",
    "Refusals, holds, stops and warnings on record, by type, by the pack that decided and the code of its reason.",
    "type",
    "pack",
    "code",
)
# Who asks.
TOKENS_REFUSED = _counter(
    "tokens_refused_total", "Tokens that were refused, by whose they claimed to be and why.", "realm", "reason"
)
# The controller.
PASS_DURATION = _histogram(
    "controller_pass_duration_seconds", "Passes of the controller, and how long each took.", _SLOW_S
)
PASS_FAILURES = _counter("controller_pass_failures_total", "Passes that broke off.")
STEP_FAILURES = _counter("controller_step_failures_total", "Things that a step could not act on, by step.", "step")
PASS_AGE = _gauge("controller_last_pass_age_seconds", "Since the last pass that went through; absent before the first.")
INFORMER_SYNCED = _gauge("informer_synced", "1 once a collection of the cluster has been seen whole.", "collection")
INFORMER_IN_SIGHT = _gauge("informer_in_sight_seconds", "Since a collection was last listed whole.", "collection")
INFORMER_SILENT = _gauge(
    "informer_silent_seconds", "Since the API server last said anything about a collection.", "collection"
)
# The meter.
METER_BEHIND = _gauge(
    "meter_behind_seconds", "How old the usage is that the meter has yet to book, of any pod that holds budget."
)
METER_PIECES = _counter("meter_pieces_total", "Pieces of usage that were booked.")
METER_WORST = _counter(
    "meter_worst_case_pieces_total", "Pieces that were booked at the worst case, whole or in part, by reason.", "reason"
)
OVERRUNS = _counter("overruns_total", "Pieces whose usage was more than had been held for them.")
OVERRUN_TFLOP = _counter("overrun_tflop_total", "Operations above what had been held.")
TELEMETRY_CONFIGURED = _gauge("telemetry_configured", "1 if the settings name a Prometheus for device counters.")
TELEMETRY_DURATION = _histogram(
    "telemetry_duration_seconds", "Questions to the telemetry, and how long the answers took.", _SLOW_S
)
TELEMETRY_ANSWERS = _counter(
    "telemetry_answers_total", "What the telemetry said of a pod over an interval, by outcome.", "outcome"
)

ALL: tuple[Family, ...] = tuple(each for each in globals().copy().values() if isinstance(each, Family))
