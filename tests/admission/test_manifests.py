"""What is read from manifests: a table of cases for each family of kinds, and what a live owner runs at once."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from admission.manifests import expected_pods, read
from admission.manifests.registry import FAMILIES, identity
from admission.runtimes import FileRuntimes
from gatekeeper.domain.errors import InvalidInput

TABLES = sorted((Path(__file__).parent / "manifest_cases").glob("*.yaml"))
CASES: list[dict[str, Any]] = [
    {**case, "name": f"{table.stem}: {case['name']}"}
    for table in TABLES
    for case in yaml.load(table.read_text(encoding="utf-8"), yaml.CSafeLoader)
]
GPU = "nvidia.com/gpu"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_manifest_is_read_as_the_table_says(case: Mapping[str, Any]) -> None:
    runtimes = FileRuntimes([])
    for each in case.get("runtimes", ()):
        runtimes.note(each)
    workload = read(case["manifest"], runtimes=runtimes)
    if case.get("workload") is False:
        assert workload is None
        return
    assert workload is not None
    expect = case["expect"]
    assert {key: [count.least, count.most] for key, count in workload.devices.items()} == expect.get("devices", {})
    for flag in ("claims", "unsaid", "host_access", "unknown"):
        assert getattr(workload, flag) is expect.get(flag, False), flag
    assert workload.reason or not (workload.gated or workload.unknown)
    assert expect.get("reason", "") in workload.reason


def kind_of(case: Mapping[str, Any]) -> tuple[str, str]:
    """(group, kind) of the manifest of a case; empty for what is no object."""
    manifest = case["manifest"]
    group, _, kind = identity(manifest) if isinstance(manifest, dict) else ("", "", "")
    return group, kind


def test_each_kind_has_at_least_fifteen_cases_of_its_own() -> None:
    """The same pod in another kind is another case: each kind has its own way to hold pods and to multiply them."""
    shapes = {
        (kind_of(case), yaml.safe_dump([case["manifest"], case.get("runtimes")], sort_keys=False)) for case in CASES
    }
    counts = Counter(kind for kind, _ in shapes)
    kinds = {(kind.group, kind.kind) for family in FAMILIES for kind in family.KINDS}
    assert {kind: counts[kind] for kind in kinds if counts[kind] < 15} == {}


def job(**spec: object) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}


def gpu_template(count: object = 1) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "resources": {"limits": {GPU: count}}}]}}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (job(template=gpu_template(-1)), "negative"),
        (job(parallelism=-1, template=gpu_template()), "negative"),
        (job(parallelism=2_147_483_647, template=gpu_template(8)), "more than any workload has"),
        (job(template=gpu_template("1E")), "more than any workload has"),
        (job(template=gpu_template("9" * 5000)), "not a number of devices"),
        (job(template=gpu_template(10**400)), "huge"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_with_what_is_wrong(manifest: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read(manifest)


def test_the_namespace_that_the_api_server_names_wins_over_the_manifest() -> None:
    manifest = {**job(template=gpu_template()), "metadata": {"namespace": "mine", "generateName": "train-"}}
    workload = read(manifest, cluster="c1", namespace="theirs")
    assert workload is not None
    assert (workload.ref.cluster, workload.ref.namespace, workload.ref.name) == ("c1", "theirs", "train-")


def test_reasons_name_what_gates_and_carry_no_control_characters() -> None:
    pod = {"spec": {"runtimeClassName": "x\n\x1b[31m" + "y" * 500, "containers": []}}
    workload = read({"apiVersion": "v1", "kind": "Pod", **pod})
    assert workload is not None
    assert workload.reason.startswith("runtime class x??[31my")
    assert len(workload.reason) < 120


@pytest.mark.parametrize(
    ("owner", "pods"),
    [
        (job(parallelism=4, completions=4), 4),
        (job(parallelism=4, completions=10), 4),
        ({**job(parallelism=4, completions=10), "status": {"succeeded": 8}}, 2),
        ({**job(parallelism=4, completions=10), "status": {"succeeded": 5, "failedIndexes": "1,3-5"}}, 1),
        ({**job(parallelism=4, completions=4), "status": {"succeeded": 4}}, 0),
        (job(parallelism=4), 4),
        ({**job(parallelism=4), "status": {"succeeded": 1, "active": 2}}, 2),
        (job(parallelism="${N}"), None),
        ({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": 3}}, 3),
        ({"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {}}, None),
        (
            {
                "apiVersion": "kubeflow.org/v1",
                "kind": "PyTorchJob",
                "spec": {
                    "pytorchReplicaSpecs": {
                        "Master": {"template": gpu_template()},
                        "Worker": {"replicas": 7, "template": gpu_template()},
                    }
                },
            },
            8,
        ),
        (
            {
                "apiVersion": "ray.io/v1",
                "kind": "RayCluster",
                "spec": {
                    "headGroupSpec": {"template": {}},
                    "workerGroupSpecs": [
                        {"replicas": 2, "numOfHosts": 4, "template": gpu_template()},
                        {"replicas": 9, "maxReplicas": 3, "template": gpu_template()},
                        {"replicas": 5, "suspend": True, "template": gpu_template()},
                        {"replicas": 6, "template": {"spec": {"containers": [{"name": "on-the-cpu"}]}}},
                    ],
                },
            },
            11,
        ),
        ({"apiVersion": "ray.io/v1", "kind": "RayJob", "spec": {}}, None),
        ({"apiVersion": "example.org/v1", "kind": "Marathon"}, None),
        ("no object", None),
    ],
)
def test_a_gang_is_as_large_as_what_its_live_owner_runs_at_once(owner: object, pods: int | None) -> None:
    assert expected_pods(owner) == pods
