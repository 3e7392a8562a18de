"""The page: every number from real books and a described cluster, and nothing that a customer wrote."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.cluster.names import GATE
from gatekeeper.cluster.sight import Waits
from gatekeeper.domain.customer import Standing
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.lineage import Generator, Lineage
from gatekeeper.domain.override import Override
from gatekeeper.domain.policy import Mode
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.run import Purpose, Run, RunState
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.tier import Tier
from gatekeeper.facts import Facts, new_record
from gatekeeper.log import checkpoint
from gatekeeper.ports import Reader, Transaction
from gatekeeper.signing import Ed25519Signer
from tests.domain.questions import limit_of_pack
from tests.metering import hold, make_reservation
from tests.metrics.stage import LIMIT, PACKS, Seen, Stage, of, opened, pod, record

DAY = timedelta(days=1)


def test_an_empty_process_shows_that_it_is_there_and_how_its_packs_are_run(stage: Stage) -> None:
    page = stage.page()
    assert page["up_to_date"] == {(): 1}
    assert list(page["build_info"].values()) == [1]
    (labels,) = (dict(each) for each in page["policy_pack_info"] if dict(each)["pack"] == PACKS[0].pack.id)
    assert labels["mode"] == "enforce"
    assert page["runs_left_out"] == {(): 0}
    assert page["customers"][of(standing="approved")] == 0
    assert "approval_soonest_expiry_seconds" not in page
    assert "controller_last_pass_age_seconds" not in page


# --- runs ---------------------------------------------------------------------------------------------------


def test_a_run_shows_its_amounts_its_limit_and_how_near_it_is(stage: Stage) -> None:
    stage.enrol("lab")
    run = Run("llm", "lab", "Secret Title", "ana", LIMIT // 10, "model card", RunState.APPROVED, "ben")
    stage.stores.transact(lambda tx: tx.put_run(run))
    stage.book("llm", best=LIMIT // 10, high=LIMIT // 2, pending=LIMIT // 5)
    page, whose = stage.page(), {"run": "llm", "customer": "lab"}
    assert page["run_limit_tflop"] == {of(**whose): LIMIT}
    assert page["run_carried_in_tflop"] == {of(**whose): LIMIT // 10}
    assert page["run_settled_high_tflop"] == {of(**whose): LIMIT // 2}
    assert page["run_settled_best_tflop"] == {of(**whose): LIMIT // 10}
    assert page["run_settled_low_tflop"] == {of(**whose): 0}
    assert page["run_pending_tflop"] == {of(**whose): LIMIT // 5}
    assert page["run_used_ratio"] == {
        of(**whose, bound="high"): pytest.approx(0.6),
        of(**whose, bound="best"): pytest.approx(0.2),
    }
    assert page["run_headroom_ratio"] == {of(**whose): pytest.approx(0.2)}


def test_undeclared_runs_of_a_group_are_as_near_to_the_limit_as_all_of_them_together(stage: Stage) -> None:
    stage.enrol("parent")
    stage.enrol("daughter", parents=("parent",))
    stage.book("undeclared.parent", high=LIMIT // 4)
    stage.book("undeclared.daughter", high=LIMIT // 4)
    used = {
        dict(labels)["run"]: value for labels, value in stage.page()["run_used_ratio"].items() if "high" in str(labels)
    }
    assert used == {"undeclared.parent": pytest.approx(0.5), "undeclared.daughter": pytest.approx(0.5)}


def test_the_models_that_made_the_data_of_a_run_count_in_its_shares_and_are_told_apart(stage: Stage) -> None:
    stage.enrol("lab")
    teacher = Generator("teacher", 60, LIMIT // 4, LIMIT // 4, "their word")
    run = Run(
        "llm", "lab", "A model", "ana", state=RunState.APPROVED, approved_by="ben", lineage=Lineage(None, 0, (teacher,))
    )
    stage.stores.transact(lambda tx: tx.put_run(run))
    stage.book("llm", high=LIMIT // 4)
    page, whose = stage.page(), {"run": "llm", "customer": "lab"}
    assert page["run_synthetic_data_tflop"] == {of(**whose): LIMIT // 4 * 2}
    assert page["run_used_ratio"][of(**whose, bound="high")] == pytest.approx(0.75)
    assert page["run_headroom_ratio"] == {of(**whose): pytest.approx(0.25)}


def test_a_run_that_went_past_its_limit_has_no_headroom_and_says_by_how_much(stage: Stage) -> None:
    stage.enrol("lab")
    stage.book("undeclared.lab", high=LIMIT * 2)
    page = stage.page()
    assert max(page["run_used_ratio"].values()) == pytest.approx(2)
    assert list(page["run_headroom_ratio"].values()) == [0]


def test_a_customer_that_every_pack_simply_allows_has_amounts_and_no_limit(stage: Stage) -> None:
    stage.enrol("tier-one", country="US")
    stage.book("undeclared.tier-one", high=5)
    page = stage.page()
    assert page["run_settled_high_tflop"] == {of(run="undeclared.tier-one", customer="tier-one"): 5}
    assert not page.get("run_limit_tflop")
    assert not page.get("run_used_ratio")


def test_what_was_classified_as_no_training_has_amounts_and_no_limit(stage: Stage) -> None:
    stage.enrol("lab")
    run = Run(
        "chat", "lab", "Chat", "ana", state=RunState.APPROVED, approved_by="ben",
        purpose=Purpose.INFERENCE, namespaces=("serving",),
    )  # fmt: skip
    stage.stores.transact(lambda tx: tx.put_run(run))
    stage.book("chat", high=LIMIT * 2)
    page = stage.page()
    assert list(page["run_settled_high_tflop"].values()) == [LIMIT * 2]
    assert not page.get("run_limit_tflop")


def test_the_limit_is_that_of_the_packs_that_go_furthest(tmp_path: Path) -> None:
    (pack,) = (active.pack for active in PACKS if active.pack.threshold and limit_of_pack(active.pack) == LIMIT)
    lower = replace(pack, id="research", threshold=Threshold(1_000, reached_is_controlled=True, source="test"))
    with opened(tmp_path) as stores:
        for mode, limit in ((Mode.OBSERVE, LIMIT), (Mode.ENFORCE, limit_of_pack(lower)), (Mode.OFF, LIMIT)):
            stage = Stage(stores, packs=(PACKS[0], replace(PACKS[0], pack=lower, mode=mode)))
            stage.enrol("lab")
            stage.book("undeclared.lab", high=5)
            assert list(stage.page()["run_limit_tflop"].values()) == [limit]


def test_of_many_runs_those_nearest_to_their_limit_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    with opened(tmp_path) as stores:
        stage = Stage(stores, runs_max=2)
        stage.enrol("tier-one", country="US")
        for number in range(5):
            stage.enrol(f"c{number}")
            stage.book(f"undeclared.c{number}", high=number * 10)
        stage.book("undeclared.tier-one", high=LIMIT * 9)
        page = stage.page()
    assert {dict(labels)["run"] for labels in page["run_pending_tflop"]} == {"undeclared.c4", "undeclared.c3"}
    assert page["runs_left_out"] == {(): 3}  # c1, c2 and the one without a limit; c0 has used nothing


def test_a_change_of_customers_shows_at_the_next_scrape(stage: Stage) -> None:
    stage.enrol("lab")
    stage.book("undeclared.lab", high=5)
    assert "run_limit_tflop" in stage.page()
    stage.enrol("lab", country="US")
    assert not stage.page().get("run_limit_tflop")


# --- customers and log --------------------------------------------------------------------------------------


def test_customers_are_counted_by_their_standing_as_of_now(stage: Stage) -> None:
    stage.enrol("soon", days=5)
    stage.enrol("later", days=60)
    stage.enrol("far", days=100)
    page = stage.page()
    assert page["customers"][of(standing="expiring")] == 2
    assert page["customers"][of(standing="approved")] == 1
    assert page["approvals_expiring"] == {of(within_days="7"): 1, of(within_days="30"): 1, of(within_days="90"): 2}
    assert page["approval_soonest_expiry_seconds"] == {(): 5 * 86_400}
    stage.at += 6 * DAY  # nobody has written down that the approval is over
    page = stage.page()
    assert page["customers"][of(standing=Standing.EXPIRED.value)] == 1
    assert page["approvals_expiring"][of(within_days="7")] == 0
    assert page["approval_soonest_expiry_seconds"] == {(): 54 * 86_400}


def test_customers_that_nobody_can_place_and_overrides_in_force_are_counted(stage: Stage) -> None:
    stage.enrol("lab")
    pack = PACKS[0].pack.id
    stage.stores.transact(lambda tx: tx.put_known_tiers({("lab", pack): Tier.UNRESOLVED}))
    asked = Override("o1", "lab", Tier.TWO, 12, "x", "ana", stage.at)
    stage.stores.transact(lambda tx: _let(tx, asked, stage.at))
    page = stage.page()
    assert page["customers_unresolved"][of(pack=pack)] == 1
    assert page["overrides"] == {(): 1}
    stage.at += timedelta(hours=12)
    assert stage.page()["overrides"] == {(): 0}


def _let(tx: Transaction, asked: Override, at: datetime) -> None:
    tx.put_override(asked.approve(by="ben", now=at))
    actor = Actor(ActorKind.PERSON, "ben")
    tx.append(new_record(RecordType.OVERRIDE_APPROVED, actor, at, {"customer": "lab"}))


def test_what_no_checkpoint_covers_is_counted(stage: Stage, tmp_path: Path) -> None:
    stage.enrol("one")
    checkpoint(stage.stores, Ed25519Signer.create(tmp_path / "log.key", "log/test"))
    stage.enrol("two")
    page = stage.page()
    assert page["log_records"] == {(): 2}
    assert page["log_unsigned_records"] == {(): 1}


def test_the_age_of_the_last_checkpoint_begins_anew_when_it_is_told(stage: Stage) -> None:
    before = stage.page()["log_checkpoint_age_seconds"][()]
    assert stage.page()["log_checkpoint_age_seconds"][()] > before
    so_far = stage.exporter.events.signed_s_ago
    stage.exporter.events.signed()
    assert stage.exporter.events.signed_s_ago < so_far


# --- gate and meter -----------------------------------------------------------------------------------------


def test_pods_at_the_gate_are_told_apart_by_what_they_wait_for(stage: Stage) -> None:
    stage.sight = Seen(
        pods=[
            pod("held", age_s=900),
            pod("gang", age_s=50),
            pod("kueue", age_s=70, gates=("kueue.x-k8s.io/admission", GATE)),
            pod("new", age_s=2),
            pod("newer", age_s=1),
            replace(pod("deleted", age_s=9_999), deleting=True),
        ],
        waits={"held": Waits.HELD, "gang": Waits.GANG, "kueue": Waits.HELD},
    ).sight()
    page = stage.page()
    assert page["gated_pods"] == {
        of(why="held"): 1, of(why="gang"): 1, of(why="other_gates"): 1, of(why="no_answer"): 2,
    }  # fmt: skip
    assert page["gated_oldest_seconds"] == {
        of(why="held"): 900, of(why="gang"): 50, of(why="other_gates"): 70, of(why="no_answer"): 2,
    }  # fmt: skip


def test_the_first_lease_to_end_is_the_one_that_the_nodes_know(stage: Stage) -> None:
    stage.sight = Seen(
        pods=[
            pod("a", gates=(), started_s=100, deadline_s=3_600),
            pod("b", gates=(), started_s=3_000, deadline_s=3_600),
        ]
    ).sight()
    assert stage.page()["lease_soonest_end_seconds"] == {(): 600}


def test_the_meter_is_behind_since_a_pod_started_or_since_it_was_last_booked(stage: Stage) -> None:
    hold(stage.stores, make_reservation("a"))
    hold(stage.stores, make_reservation("b"))
    hold(stage.stores, make_reservation("gone"))
    running = [pod("a", gates=(), started_s=400), pod("b", gates=(), started_s=300)]
    stage.sight = Seen(pods=running).sight()
    page = stage.page()
    assert page["reservations_open"][of(state="pending")] == 3
    assert page["meter_behind_seconds"] == {(): 400}
    assert page["reservations_without_pod"] == {(): 1}


def test_a_pod_that_is_gone_is_behind_until_it_is_settled(stage: Stage) -> None:
    hold(stage.stores, make_reservation("a"))
    stage.sight = Seen(departed=[pod("a", gates=(), started_s=500)]).sight()
    page = stage.page()
    assert page["meter_behind_seconds"] == {(): 500}
    assert page["reservations_without_pod"] == {(): 0}


def test_what_holds_nothing_is_booked_seldom_and_so_the_meter_is_not_behind_it(stage: Stage) -> None:
    held = make_reservation("a")
    cleared = replace(held, lease_s=0, held_s=0, pending_tflop=0, state=ReservationState.METERED)
    stage.stores.transact(lambda tx: tx.add_reservations([cleared, replace(cleared, id="gone")]))
    stage.sight = Seen(pods=[pod("a", gates=(), started_s=20_000)]).sight()
    page = stage.page()
    assert page["reservations_open"][of(state="metered")] == 2
    assert page["meter_behind_seconds"] == {(): 0}
    assert page["reservations_without_pod"] == {(): 0}


def test_the_controller_shows_its_last_pass_and_how_well_it_sees(stage: Stage) -> None:
    stage.sight = Seen(passed_s_ago=42.0).sight()
    page = stage.page()
    assert page["controller_last_pass_age_seconds"] == {(): 42}
    assert page["informer_silent_seconds"][of(collection="pods")] == 5
    stage.sight = Seen(passed_s_ago=None).sight()
    assert "controller_last_pass_age_seconds" not in stage.page()


# --- what may not be on it, and what may not hold it up -----------------------------------------------------


def test_nothing_on_the_page_was_written_by_a_customer(stage: Stage) -> None:
    stage.enrol("lab")
    stage.book("undeclared.lab", high=5)
    stage.sight = Seen(pods=[pod("a"), pod("b", gates=(), started_s=1, deadline_s=9)]).sight()
    reason = {"pack": "p", "code": "customer.suspended", "text": "The Secret Reason"}
    facts: Facts = {
        "customer": "lab",
        "workload": {"namespace": "team-secret"},
        "decision": {"sentence": "Secret", "reasons": [reason]},
    }
    stage.exporter.events.appended(record(RecordType.WORKLOAD_REFUSED, facts))
    stage.page()
    text = stage.exporter.page().decode()
    assert "secret" not in text.lower()
    assert "customer.suspended" in text


def test_a_database_whose_readers_are_all_taken_costs_a_scrape_two_seconds_and_its_own_numbers(tmp_path: Path) -> None:
    """More than that, and Prometheus gives up on the page with everything on it."""
    release, taken = threading.Event(), threading.Barrier(9)

    def sit(_: Reader) -> None:
        taken.wait(timeout=10)
        release.wait(timeout=30)

    with opened(tmp_path) as stores:
        stage = Stage(stores)
        sitting = [threading.Thread(target=stores.read, args=(sit,)) for _ in range(8)]
        for each in sitting:
            each.start()
        taken.wait(timeout=10)
        stage.sight = Seen(pods=[pod("a")]).sight()
        began_at = time.monotonic()
        page = stage.page()
        took_s = time.monotonic() - began_at
        release.set()
        for each in sitting:
            each.join()
        assert took_s < 4
        assert page["up_to_date"] == {(): 0}
        assert page["gated_pods"][of(why="no_answer")] == 1
        assert not {"log_records", "customers", "runs_left_out", "meter_behind_seconds"} & page.keys()
        deadline = time.monotonic() + 10
        while stage.page()["up_to_date"] != {(): 1}:
            assert time.monotonic() < deadline, "it never came back"


def test_a_database_that_is_broken_is_told_of(stage: Stage, tmp_path: Path) -> None:
    stage.enrol("lab")
    assert stage.page()["up_to_date"] == {(): 1}
    stage.stores.transact(lambda tx: tx.append(record(RecordType.LOG_EXPORTED, {})))
    for each in tmp_path.glob("gatekeeper.db*"):
        each.write_bytes(b"not a database" * 1_000)
    page = stage.page()
    assert page["up_to_date"] == {(): 0}
    assert "log_records" not in page


def test_a_scrape_waits_for_nobody_who_writes(stage: Stage) -> None:
    """The writer holds the lock from its first line on."""
    inside, release = threading.Event(), threading.Event()

    def write(tx: object) -> None:
        inside.set()
        release.wait(timeout=30)

    writing = stage.stores.submit(write)
    assert inside.wait(timeout=10)
    assert stage.page()["up_to_date"] == {(): 1}
    assert not writing.done()
    release.set()
    writing.result(timeout=10)
