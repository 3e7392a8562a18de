"""A workload's label names a run: it sorts the books within what the provider approved, and brings no budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from admission.manifests.registry import read
from gatekeeper.belonging import RUN_LABEL
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.record import RecordType
from gatekeeper.gate import Gang, Release
from gatekeeper.statements import statement_of
from gatekeeper.unreserved import Running, Unreserved
from tests.databases import new_stores
from tests.registry.serving import classify, use
from tests.registry.test_one_budget import LIMIT_TFLOP, declare, verified
from tests.test_gate import House, make_gang, make_pod


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "house.db") as stores:
        found = House(stores)
        found.record_packs()
        found.enrol("lab", "PL")
        yield found


def release(house: House, namespace: str, uid: str, *labels: str) -> Release:
    gang = make_gang(namespace, *(f"{uid}-{number}" for number in range(len(labels))))
    pods = tuple(replace(pod, runs=(label,)) for pod, label in zip(gang.pods, labels, strict=True))
    return house.gate.release(Gang(gang.owner, pods))


def refusal(house: House, namespace: str, *labels: str) -> str:
    answer = release(house, namespace, "refused", *labels)
    assert not answer.lets_start
    assert answer.decision is not None
    return answer.decision.sentence


def test_the_label_of_the_namespace_s_own_run_changes_nothing(house: House) -> None:
    declare(house, "m1", "train")
    assert release(house, "train", "a", "m1").reservations[0].run_id == "m1"


def test_a_label_sorts_undeclared_work_beside_the_run_that_it_names(house: House) -> None:
    declare(house, "m1")
    held = release(house, "lab", "a", "m1").reservations[0]
    assert held.run_id == "undeclared.run/m1"
    pending = house.records(RecordType.RESERVATION_PENDING)[-1]
    assert pending["pool"]["runs"] == ["undeclared.lab", "undeclared.run/m1", "m1"]  # type: ignore[index]
    assert verified(house).problems == ()


def test_labels_give_one_training_no_second_budget(house: House) -> None:
    for run in ("m1", "m2"):
        declare(house, run)
    declare(house, "m3", "train")
    for amount, run in ((4, "undeclared.run/m1"), (3, "m3")):
        use(house, run, amount * 10**13)
    for label in ("m1", "m2", "m3", ""):
        decision = release(house, "lab", f"x{label}", label).decision
        assert decision is not None
        assert decision.used_tflop is not None
        assert decision.used_tflop >= 7 * 10**13
    use(house, "undeclared.run/m1", 3 * 10**13)
    for label in ("m1", "m2", "m3", ""):
        assert "nothing is left" in refusal(house, "lab", label)
    assert "nothing is left" in refusal(house, "train", "m3")


def test_a_label_moves_no_work_of_a_run_s_namespace_into_a_fresh_budget(house: House) -> None:
    declare(house, "m1", "train")
    declare(house, "m2")
    use(house, "m1", LIMIT_TFLOP)
    assert not release(house, "train", "a", "m2").lets_start
    assert not release(house, "train", "b", "m1").lets_start


@pytest.mark.parametrize("label", ["nobody-s", "theirs", "waiting", "ended", "Not A Run", "x" * 64, "undeclared.other"])
def test_a_label_that_names_no_approved_run_of_the_customer_is_refused_and_nothing_else(
    house: House, label: str
) -> None:
    house.enrol("rival", "PL")
    declare(house, "theirs", customer="rival")
    house.registry.declare_run("waiting", "lab", title="A model", by="ana")
    classify(house, "serve", run_id="ended")
    house.registry.reclassify_run("ended", by="eve", reason="x")
    assert "is no approved run of customer lab; correct the label" in refusal(house, "lab", label)


def test_a_label_reaches_no_classification(house: House) -> None:
    classify(house, "serve", run_id="chat")
    assert "does not count and is not for namespace lab" in refusal(house, "lab", "chat")
    assert release(house, "serve", "a", "chat").reservations[0].run_id == "chat"
    house.registry.bind("serve", "lab", by="eve")
    assert "does not count" in refusal(house, "serve", "chat")


def test_pods_that_start_together_name_one_run(house: House) -> None:
    declare(house, "m1")
    declare(house, "m2")
    for labels in (("m1", "m2"), ("m1", "")):
        assert "name different runs by label" in refusal(house, "lab", *labels)
    assert len(release(house, "lab", "a", "m1", "m1").reservations) == 2


def test_a_label_changed_after_the_release_moves_nothing(house: House) -> None:
    declare(house, "m1")
    first = release(house, "lab", "a", "")
    again = release(house, "lab", "a", "m1")
    assert again.reservations == first.reservations
    assert again.reservations[0].run_id == "undeclared.lab"


def test_cleared_work_is_metered_beside_the_run_that_it_names(house: House) -> None:
    house.enrol("ally", "US")
    declare(house, "m1", customer="ally")
    pods = [replace(make_pod("ally", uid), runs=(label,)) for uid, label in (("a", "m1"), ("b", "nobody-s"))]
    begun = Unreserved(house.stores, house.gate._provider, house.clock).begin(
        [Running(pod, house.clock.now()) for pod in pods]
    )
    assert [each.state for each in begun] == [ReservationState.METERED] * 2
    assert [each.run_id for each in begun] == ["undeclared.run/m1", "undeclared.ally"]


def test_what_a_label_sorts_has_an_account_to_look_at_and_to_correct(house: House) -> None:
    declare(house, "m1")
    release(house, "lab", "a", "m1")
    corrected = house.registry.correct("undeclared.run/m1", by="ana", reason="late", high_tflop=5)
    provider = house.gate._provider
    shown = house.stores.read(
        lambda it: statement_of(it, corrected.run_id, packs=provider.packs, site=provider.site, now=house.clock.now())
    )
    assert (shown.customer_id, shown.account.settled.high_tflop) == ("lab", 5)
    assert verified(house).problems == ()


def test_the_label_is_read_from_pods_with_devices_alone() -> None:
    def template(label: str | None, gpus: int) -> dict[str, object]:
        limits = {"limits": {"nvidia.com/gpu": gpus}} if gpus else {}
        labels = {RUN_LABEL: label} if label else {}
        container = {"name": "main", "image": "x", "resources": limits}
        return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}

    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "labels": {RUN_LABEL: "outer"}}}
    for label, runs in (("m1", ("m1",)), (None, ("",)), ("x" * 99, ("x" * 64,))):
        found = read({**job, "spec": {"template": template(label, 8)}})
        assert found is not None
        assert found.runs == runs
    groups = [{"groupName": "w", "replicas": 1, "template": template("m1", 8)}]
    ray = {"headGroupSpec": {"template": template(None, 0)}, "workerGroupSpecs": groups}
    found = read({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "r"}, "spec": ray})
    assert found is not None
    assert found.runs == ("m1",)
