"""The webhook as a function: bytes in, bytes out, whatever the bytes are."""

import asyncio
import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from admission import webhook as webhook_module
from admission.inspect import inspect_paths
from admission.review import LARGEST_REVIEW_BYTES
from admission.webhook import Webhook
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import InvalidInput, Unavailable
from tests.admission.reviews import ASSETS, GPU_POD, ToldGate, manifest, review


def answer(body: bytes, gate: ToldGate | None = None) -> dict[str, Any]:
    """The `response` of the webhook's answer, its envelope checked."""
    envelope = json.loads(asyncio.run(Webhook(gate or ToldGate(), cluster="c1").handle(body)))
    assert (envelope["apiVersion"], envelope["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response = envelope["response"]
    assert response["uid"] == json.loads(body)["request"]["uid"] if body.isascii() else response["uid"]
    assert isinstance(response, dict)
    return response


@pytest.mark.parametrize("file", sorted(ASSETS.glob("not_a_review.*.json")), ids=lambda file: file.stem)
def test_a_body_without_a_uid_to_answer_to_is_invalid_input(file: Path) -> None:
    with pytest.raises(InvalidInput):
        asyncio.run(Webhook(ToldGate(Verdict.ALLOW), cluster="c1").handle(file.read_bytes()))


@pytest.mark.parametrize("file", sorted(ASSETS.glob("refused.*.json")), ids=lambda file: file.stem)
def test_what_cannot_be_read_is_refused_in_one_sentence_without_asking_anyone(file: Path) -> None:
    gate = ToldGate(Verdict.ALLOW)
    envelope = json.loads(asyncio.run(Webhook(gate, cluster="c1").handle(file.read_bytes())))
    response = envelope["response"]
    assert response["allowed"] is False
    assert response["status"]["code"] == 422
    assert "Traceback" not in response["status"]["message"]
    assert 10 < len(response["status"]["message"]) < 200
    assert gate.asked == []


@pytest.mark.parametrize("file", sorted(ASSETS.glob("asked.*.json")), ids=lambda file: file.stem)
def test_what_is_odd_but_can_be_read_is_decided_by_the_gate(file: Path) -> None:
    gate = ToldGate(Verdict.DENY)
    assert answer(file.read_bytes(), gate)["allowed"] is False
    assert len(gate.asked) == 1
    assert gate.asked[0][0].asks


@pytest.mark.parametrize("file", sorted(ASSETS.glob("allowed.*.json")), ids=lambda file: file.stem)
def test_what_asks_for_nothing_is_allowed_without_asking_anyone(file: Path) -> None:
    gate = ToldGate(Verdict.DENY)
    assert answer(file.read_bytes(), gate)["allowed"] is True
    assert gate.asked == []


def test_every_asset_is_used_by_one_of_the_tests_above() -> None:
    assert {each.name.partition(".")[0] for each in ASSETS.iterdir()} == {
        "not_a_review", "refused", "asked", "allowed",
    }  # fmt: skip


def test_the_gate_is_asked_for_the_workload_in_the_namespace_that_the_api_server_names() -> None:
    gate = ToldGate(Verdict.ALLOW)
    job = manifest() | {"metadata": {"name": "train", "namespace": "forged"}}
    answer(review(job, namespace="lab", dryRun=True), gate)
    ((workload, dry_run),) = gate.asked
    assert (workload.ref.cluster, workload.ref.namespace, workload.ref.kind, workload.ref.name) == (
        *("c1", "lab", "Job", "train"),
    )
    assert workload.devices["nvidia.com/gpu"].least == 8
    assert dry_run is True


def test_what_only_could_reach_a_device_is_allowed_whoever_asks_for_it() -> None:
    """The provider's own network or monitoring agents mount host paths in namespaces of nobody."""
    gate = ToldGate(Verdict.DENY)
    agent = manifest() | {"spec": {"template": {"spec": {
        "containers": [{"name": "main", "image": "agent:1"}],
        "volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}],
    }}}}  # fmt: skip
    assert answer(review(agent), gate)["allowed"] is True
    assert gate.asked == []


def test_the_namespaces_of_the_cluster_itself_are_left_alone_as_the_api_server_leaves_them() -> None:
    gate = ToldGate(Verdict.DENY)
    assert answer(review(manifest(), namespace="kube-system"), gate)["allowed"] is True
    assert answer(review(manifest(), namespace="kube-system-2"), gate)["allowed"] is False
    assert len(gate.asked) == 1


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.STOP])
def test_a_denial_is_a_403_with_the_sentence(verdict: Verdict) -> None:
    response = answer(review(manifest()), ToldGate(verdict, "No: the run is at its limit."))
    assert response["allowed"] is False
    assert response["status"] == {
        "code": 403, "reason": "Forbidden", "message": "No: the run is at its limit.", "status": "Failure",
    }  # fmt: skip
    assert response["auditAnnotations"]["verdict"] == verdict.value


def test_an_allowed_workload_is_allowed_silently() -> None:
    response = answer(review(manifest()), ToldGate(Verdict.ALLOW))
    assert response["allowed"] is True
    assert "warnings" not in response
    assert "status" not in response


@pytest.mark.parametrize(("verdict", "begins"), [(Verdict.WARN, "Mind"), (Verdict.HOLD, "will wait: Mind")])
def test_a_warning_and_a_hold_are_allowed_with_warnings_that_no_client_cuts(verdict: Verdict, begins: str) -> None:
    sentence = "Mind that " + "the budget of this run is nearly used up, and " * 6 + "it ends."
    response = answer(review(manifest()), ToldGate(verdict, sentence))
    assert response["allowed"] is True
    assert response["warnings"][0].startswith(begins)
    assert all(len(each) <= 120 for each in response["warnings"])
    assert " ".join(response["warnings"]).endswith(sentence)


def test_a_pod_that_a_controller_made_is_left_to_the_gate_and_a_bare_pod_is_refused() -> None:
    pod = manifest("v1", "Pod", **GPU_POD)
    owned = pod | {"metadata": {"ownerReferences": [{"kind": "Job", "controller": True}]}}
    merely_owned = pod | {"metadata": {"ownerReferences": [{"kind": "Job"}]}}
    assert [answer(review(each))["allowed"] for each in (pod, owned, merely_owned)] == [False, True, False]


def job_of(pods: int, **spec: Any) -> dict[str, Any]:
    return manifest(spec={"parallelism": pods, "template": GPU_POD} | spec)


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        pytest.param(job_of(2), job_of(2) | {"metadata": {"finalizers": []}}, False, id="finalizers"),
        pytest.param(job_of(2), job_of(2) | {"status": {"active": 2}}, False, id="status"),
        pytest.param(job_of(-2), job_of(-2) | {"metadata": {"finalizers": []}}, False, id="finalizers of nonsense"),
        pytest.param(job_of(2), job_of(2, suspend=True), False, id="suspended"),
        pytest.param(job_of(2, suspend=True), job_of(2), True, id="resumed"),
        pytest.param(job_of(2), job_of(1), False, id="fewer"),
        pytest.param(job_of(2), job_of(0), False, id="none"),
        pytest.param(job_of(2), job_of(3), True, id="more"),
        pytest.param(manifest(spec={}), job_of(1), True, id="first device"),
        pytest.param(job_of(2), job_of(2, parallelism="${N}"), True, id="no longer known"),
    ],
)
def test_an_update_is_decided_only_where_it_asks_for_more(old: Any, new: Any, asked: bool) -> None:
    gate = ToldGate(Verdict.DENY)
    response = answer(review(new, old=old, operation="UPDATE"), gate)
    assert bool(gate.asked) is asked
    assert response["allowed"] is not asked


def test_a_refusal_is_answered_only_after_its_record_is_durable() -> None:
    async def story() -> None:
        durable: Future[int] = Future()
        webhook = Webhook(ToldGate(Verdict.DENY, durable=durable), cluster="c1")
        answering = asyncio.create_task(webhook.handle(review(manifest())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not answering.done()
        durable.set_result(1)
        assert json.loads(await answering)["response"]["status"]["code"] == 403

    asyncio.run(story())


def test_a_gate_that_cannot_decide_in_time_refuses_with_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "DECIDE_WITHIN_S", 0.01)
    response = answer(review(manifest()), ToldGate(Verdict.ALLOW, durable=Future()))
    assert response["allowed"] is False
    assert response["status"]["code"] == 503


@pytest.mark.parametrize(
    "fault", [RuntimeError("password=hunter2"), Unavailable("The database at db.internal is away."), KeyError("x")]
)
def test_a_fault_is_a_refusal_with_a_reference_that_stands_in_the_log_and_tells_nothing_else(fault: Exception) -> None:
    failed: Future[int] = Future()
    failed.set_exception(fault)
    for gate in (ToldGate(Verdict.ALLOW, fault=fault), ToldGate(Verdict.ALLOW, durable=failed)):
        with capture_logs() as logs:
            response = answer(review(manifest()), gate)
        assert response["allowed"] is False
        assert response["status"]["code"] == 503
        (line,) = [each for each in logs if each["log_level"] == "error"]
        assert line["reference"] in response["status"]["message"]
        assert line["fault"] == type(fault).__name__
        for secret in ("hunter2", "db.internal", "Traceback", "nvidia.com/gpu"):
            assert secret not in response["status"]["message"]
        assert "hunter2" not in str(logs)
        assert "nvidia.com/gpu" not in str(logs)


def test_a_body_beyond_the_limit_is_invalid_input() -> None:
    body = review(manifest() | {"metadata": {"annotations": {"a": "x" * LARGEST_REVIEW_BYTES}}})
    with pytest.raises(InvalidInput, match="larger than 3 MiB"):
        asyncio.run(Webhook(ToldGate(Verdict.ALLOW), cluster="c1").handle(body))


def test_a_review_of_three_mebibytes_is_read() -> None:
    body = review(manifest() | {"metadata": {"annotations": {"a": "x" * (LARGEST_REVIEW_BYTES - 2000)}}})
    assert len(body) > LARGEST_REVIEW_BYTES - 2000
    assert answer(body, ToldGate(Verdict.DENY))["status"]["code"] == 403


RECORDED = Path(__file__).parents[2] / "gatekeeper" / "demo" / "data" / "reviews"
EXAMPLES = Path(__file__).parents[2] / "examples" / "workloads"


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_what_a_real_api_server_sent_is_read_like_the_file_that_was_created(file: Path) -> None:
    gate = ToldGate(Verdict.DENY)
    response = answer(file.read_bytes(), gate)
    (line,) = inspect_paths([EXAMPLES / f"{file.stem}.yaml"])
    assert isinstance(line, dict)
    assert response["allowed"] is not line["gated"]
    read = {key: (count.least, count.most) for workload, _ in gate.asked for key, count in workload.devices.items()}
    assert read == {key: (count["min"], count["max"]) for key, count in line["devices"].items()}


def test_every_example_was_recorded() -> None:
    assert {each.stem for each in RECORDED.glob("*.json")} == {each.stem for each in EXAMPLES.glob("*.yaml")}


@pytest.mark.parametrize(
    ("body", "gate", "outcome"),
    [
        (review(manifest()), ToldGate(Verdict.ALLOW), "allow"),
        (review(manifest()), ToldGate(Verdict.WARN), "warn"),
        (review(manifest()), ToldGate(Verdict.HOLD), "hold"),
        (review(manifest()), ToldGate(Verdict.DENY), "deny"),
        (review(manifest()), ToldGate(fault=Unavailable("down")), "undecided"),
        (review(None), ToldGate(), "invalid"),
        (review({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}), ToldGate(), "not_asked"),
    ],
)
def test_whoever_wants_to_know_is_told_the_outcome_of_each_review_and_how_long_it_took(
    body: bytes, gate: ToldGate, outcome: str
) -> None:
    told: list[tuple[str, float]] = []
    asyncio.run(Webhook(gate, cluster="c1", answered=lambda *each: told.append(each)).handle(body))
    ((said, took_s),) = told
    assert said == outcome
    assert 0 < took_s < webhook_module.DECIDE_WITHIN_S
