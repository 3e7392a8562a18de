"""What is counted while the process runs: by a real gate, a real meter and real stores that do not know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.sight import Way
from gatekeeper.domain.customer import Binding
from gatekeeper.domain.errors import Conflict, Unavailable
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.policy import Site
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import Observation, PodFacts, PodInterval
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.gate import Gang
from gatekeeper.meter import Meter
from gatekeeper.metrics.events import worst_case_reason
from gatekeeper.metrics.watching import WatchedCounters, WatchedGate, WatchedStores
from gatekeeper.ports import Transaction
from gatekeeper.view import Provider
from tests.metering import (
    CATALOGUE,
    GPU,
    HOUR,
    PRODUCT,
    Said,
    VirtualClock,
    at,
    hold,
    make_facts,
    make_reservation,
    plain_times,
    settle_end,
)
from tests.metrics.stage import NOW, PACKS, Stage, of, pod, record

BUSY = Observation("GPU-0", 1_000_000_000, HOUR)
REF = WorkloadRef("east", "team-a", "Job", "train", "owner")


@pytest.fixture
def stores(stage: Stage) -> WatchedStores:
    return WatchedStores(stage.stores, stage.exporter.events)


def total(stage: Stage, name: str, **labels: str) -> float:
    return stage.page()[name][of(**labels)]


# --- records ------------------------------------------------------------------------------------------------


def test_a_record_counts_once_it_is_durable(stage: Stage, stores: WatchedStores) -> None:
    loaded = record(RecordType.POLICY_LOADED, {})
    stores.transact(lambda tx: tx.append(loaded))
    stores.submit(lambda tx: tx.append(record(RecordType.POLICY_LOADED, {}))).result()
    assert total(stage, "log_appended_total", type="policy.loaded") == 2
    assert stage.page()["log_records"] == {(): 2}


def test_a_record_that_was_taken_back_does_not_count(stage: Stage, stores: WatchedStores) -> None:
    def fails(tx: Transaction) -> None:
        tx.append(record(RecordType.POLICY_LOADED, {}))
        raise Conflict("changed my mind")

    with pytest.raises(Conflict):
        stores.transact(fails)
    with pytest.raises(Conflict):
        stores.submit(fails).result()
    assert total(stage, "log_appended_total", type="policy.loaded") == 0


def test_what_is_on_record_as_blocked_counts_by_the_pack_and_the_code_that_decided(
    stage: Stage, stores: WatchedStores
) -> None:
    reasons = [{"pack": "us-ai-diffusion", "code": "budget.exhausted"}, {"pack": "other", "code": "budget.enough"}]
    stores.transact(lambda tx: tx.append(record(RecordType.WORKLOAD_HELD, {"decision": {"reasons": reasons}})))
    stores.transact(lambda tx: tx.append(record(RecordType.WORKLOAD_STOPPED, {"decision": {}})))
    assert stage.page()["blocked_total"] == {
        of(type="workload.held", pack="us-ai-diffusion", code="budget.exhausted"): 1,
        of(type="workload.stopped", pack="", code=""): 1,
    }


def test_what_never_happened_begins_at_zero_so_that_its_first_time_shows_as_an_increase(stage: Stage) -> None:
    page = stage.page()
    assert page["overruns_total"] == {(): 0}
    assert page["log_appended_total"][of(type="workload.stopped")] == 0
    assert page["review_duration_seconds_count"][of(verdict="deny")] == 0
    assert page["meter_worst_case_pieces_total"][of(reason="devices_missing")] == 0


# --- the gate -----------------------------------------------------------------------------------------------


def test_every_decision_on_a_gang_is_timed_by_its_verdict(stage: Stage, stores: WatchedStores) -> None:
    fleet = Fleet.of(load_catalogue(), [NodeOffer("n", GPU, PRODUCT, 8)])
    gate = WatchedGate(stores, Provider("east", Site("US"), PACKS, lambda: fleet, 120), stage, stage.exporter.events)
    stage.enrol("lab")
    stage.stores.transact(lambda tx: tx.put_binding(Binding("east", "team-a", "lab")))
    uids = ("one", "two")
    for uid in (*uids, "one"):  # asking again gets the same reservation back, without a decision
        ref = WorkloadRef("east", "team-a", "Pod", uid, uid)
        gate.release(Gang(REF, (Workload(ref, {GPU: Count(1, 1)}),)))
    stranger = WorkloadRef("east", "nobodys", "Pod", "x", "x")
    gate.release(Gang(stranger, (Workload(stranger, {GPU: Count(1, 1)}),)))
    page = stage.page()
    counted = page["release_duration_seconds_count"]
    assert sum(counted.values()) == 3
    assert counted[of(verdict="deny")] == 1
    assert page["release_duration_seconds_sum"][of(verdict="deny")] > 0
    assert page["blocked_total"] == {of(type="workload.held", pack=PACKS[0].pack.id, code="customer.unknown"): 1}
    assert total(stage, "log_appended_total", type="reservation.pending") == 2


def test_how_long_a_pod_waited_is_counted_by_the_way_it_was_let_go(stage: Stage) -> None:
    stage.exporter.events.pod_released(pod("a"), Way.LEASE)
    stage.exporter.events.step_failed("release")
    stage.exporter.events.passed(0.2, well=True)
    stage.exporter.events.passed(0.2, well=False)
    page = stage.page()
    assert page["gate_wait_seconds_count"][of(way="lease")] == 1
    assert page["controller_step_failures_total"] == {of(step="release"): 1}
    assert page["controller_pass_duration_seconds_count"] == {(): 2}
    assert page["controller_pass_failures_total"] == {(): 1}


# --- the meter ----------------------------------------------------------------------------------------------


def metered(
    stage: Stage, stores: WatchedStores, said: Said, facts: PodFacts | None = None, *, held_s: int = HOUR + 120
) -> None:
    """Book one hour of a pod of one device, by what the counters say."""
    clock = VirtualClock(at(2 * HOUR))
    counters = WatchedCounters(said, stage.exporter.events)
    hold(stage.stores, make_reservation(count=1, lease_s=HOUR, held_s=held_s))
    meter = Meter(stores, counters, clock, CATALOGUE, plain_times())
    settle_end(meter, "pod-0", facts or make_facts(count=1, ended=HOUR - 1))


@pytest.mark.parametrize(
    ("said", "facts", "reason"),
    [
        (Said([BUSY]), None, ""),
        (Said([]), None, "devices_missing"),
        (Said(error=Unavailable("down")), None, "telemetry_unavailable"),
        (Said([BUSY, Observation("GPU-1", 1, HOUR)]), None, "too_many_devices"),
        (Said([BUSY]), make_facts(count=1, ended=HOUR - 1, products={GPU: ""}), "not_countable"),
        (Said([Observation("GPU-0", 0, HOUR)]), None, ""),
    ],
)
def test_each_reason_of_the_meter_for_the_worst_case_has_a_word(
    stage: Stage, stores: WatchedStores, said: Said, facts: PodFacts | None, reason: str
) -> None:
    metered(stage, stores, said, facts)
    page = stage.page()
    counted = {
        dict(labels)["reason"]: value for labels, value in page["meter_worst_case_pieces_total"].items() if value
    }
    assert page["meter_pieces_total"] == {(): 1}
    assert counted == ({reason: 1} if reason else {})
    assert page["overruns_total"] == {(): 0}


def test_a_note_that_nobody_knows_is_told_of_all_the_same() -> None:
    assert worst_case_reason({"note": "a new one", "low_tflop": "0", "best_tflop": "5"}) == "other"
    assert worst_case_reason({"note": "bound late", "low_tflop": "4", "best_tflop": "5"}) == ""
    assert worst_case_reason({"note": "bound late; no counters of 1 of 2 devices"}) == "devices_missing"


def test_usage_above_what_was_held_is_an_overrun_with_its_amount(stage: Stage, stores: WatchedStores) -> None:
    metered(stage, stores, Said([]), make_facts(count=1, ended=2 * HOUR - 1), held_s=HOUR)
    page = stage.page()
    assert page["overruns_total"] == {(): 1}
    assert page["overrun_tflop_total"][()] > 0


# --- telemetry ----------------------------------------------------------------------------------------------


class _Spoken:
    """Answers each pod in its own way."""

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        said: dict[str, list[Observation] | Unavailable] = {"busy": [BUSY], "none": [], "down": Unavailable("x")}
        return ((each, said[each.pod]) for each in asked)


def test_answers_of_the_telemetry_are_passed_on_and_counted_by_what_they_say(stage: Stage) -> None:
    asked = [PodInterval("ns", each, NOW, at(60)) for each in ("busy", "none", "down", "none")]
    answers = list(WatchedCounters(_Spoken(), stage.exporter.events).observe(asked))
    assert [interval for interval, _ in answers] == asked
    page = stage.page()
    assert page["telemetry_answers_total"] == {
        of(outcome="counters"): 1, of(outcome="nothing"): 2, of(outcome="unavailable"): 1,
    }  # fmt: skip
    assert page["telemetry_duration_seconds_count"] == {(): 1}


class _Breaking:
    """Answers one, and then no more."""

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        yield asked[0], [BUSY]
        raise Unavailable("gone")


def test_what_had_no_answer_when_the_telemetry_broke_off_counts_as_unavailable(stage: Stage) -> None:
    asked = [PodInterval("ns", each, NOW, at(60)) for each in ("a", "b", "c")]
    with pytest.raises(Unavailable):
        list(WatchedCounters(_Breaking(), stage.exporter.events).observe(asked))
    answers = stage.page()["telemetry_answers_total"]
    assert (answers[of(outcome="counters")], answers[of(outcome="unavailable")]) == (1, 2)


def test_whoever_stops_reading_half_way_has_asked_once_all_the_same(stage: Stage) -> None:
    asked = [PodInterval("ns", "busy", NOW, at(60))] * 3
    answers = WatchedCounters(_Spoken(), stage.exporter.events).observe(asked)
    next(answers)
    del answers
    page = stage.page()
    assert page["telemetry_answers_total"][of(outcome="counters")] == 1
    assert page["telemetry_duration_seconds_count"] == {(): 1}


def test_whether_there_is_any_telemetry_is_told(tmp_path: Path, stage: Stage) -> None:
    assert stage.page()["telemetry_configured"] == {(): 0}
    assert Stage(stage.stores, telemetry=True).page()["telemetry_configured"] == {(): 1}
