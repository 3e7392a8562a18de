"""The shared table of what asks and what could reach, read here; the API server reads the same table elsewhere."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from admission.manifests import read
from admission.manifests.reach import Reach, default_reach, load_reach
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.settings import ReachSettings

CASES: list[dict[str, Any]] = yaml.load(
    (Path(__file__).parents[1] / "reach_cases.yaml").read_text("utf-8"), yaml.CSafeLoader
)


def pod(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec}


def limits(**keys: object) -> dict[str, Any]:
    return pod({"containers": [{"name": "a", "resources": {"limits": keys}}]})


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_pod_asks_and_reaches_as_the_shared_table_says(case: Mapping[str, Any]) -> None:
    workload = read({"apiVersion": "v1", "kind": "Pod", **case["pod"]})
    assert workload is not None
    assert (workload.asks, workload.host_access) == (case["asks"], case["host_access"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_template_asks_and_reaches_like_the_pods_made_from_it(case: Mapping[str, Any]) -> None:
    for api_version, kind in (("batch/v1", "Job"), ("train.example.org/v1", "Marathon")):
        workload = read({"apiVersion": api_version, "kind": kind, "spec": {"template": case["pod"]}})
        assert workload is not None
        assert (workload.asks, workload.host_access) == (case["asks"], case["host_access"]), kind


def test_what_the_provider_declares_harmless_no_longer_gates() -> None:
    wider = default_reach().adding(
        ReachSettings(harmless_device_keys=("nic.example.org/vf",), harmless_runtime_classes=("house-sandbox",))
    )
    nic = limits(**{"nic.example.org/vf": 1})
    sandboxed = pod({"runtimeClassName": "house-sandbox", "containers": [{"name": "a"}]})
    for manifest in (nic, sandboxed):
        before, after = read(manifest), read(manifest, reach=wider)
        assert before is not None
        assert after is not None
        assert before.gated
        assert not after.gated


def test_names_in_the_table_may_carry_their_reason_beside_them(tmp_path: Path) -> None:
    lists: dict[str, list[object]] = {each.name: ["x.example/"] for each in fields(Reach)}
    lists["harmless_device_keys"] = [{"name": "a.example/nic", "reason": "network"}, "b.example/nic"]
    file = tmp_path / "reach.yaml"
    file.write_text(yaml.safe_dump(lists), "utf-8")
    assert load_reach(file).harmless_device_keys == {"a.example/nic", "b.example/nic"}


@pytest.mark.parametrize(
    "text", ["", "a: [", "[]", "native_prefixes: kubernetes.io/", "harmless_device_keys: [{reason: none}]", "\x00"]
)
def test_a_table_that_is_not_whole_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "reach.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InvalidInput):
        load_reach(file)


@pytest.mark.parametrize("name", [each.name for each in fields(Reach)])
def test_each_list_of_the_table_is_needed(name: str) -> None:
    lists = {each.name: ["x.example/"] for each in fields(Reach) if each.name != name}
    with pytest.raises(InvalidInput, match=name):
        Reach.of(lists)
