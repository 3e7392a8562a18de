"""Large manifests cost time in proportion: shapes that could make a reader slow, each about a megabyte."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from admission.manifests import read
from admission.yaml_texts import parse_yaml
from gatekeeper.domain.errors import InvalidInput

CPU_S_MAX = 3.0


def workflow(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec}


def leaf(name: str, **more: Any) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": 1}
    return {"name": name, "container": {"image": "x", "resources": {"limits": limits}}, **more}


def dag(name: str, size: int) -> dict[str, Any]:
    tasks = [{"name": f"t{each}", "template": "a", "dependencies": [f"t{each - 1}"]} for each in range(size)]
    return {"name": name, "dag": {"tasks": tasks}}


def wrapper(inner: dict[str, Any], copies: int = 1) -> dict[str, Any]:
    components = [{"podSets": [{"path": "template"}], "template": inner}] * copies
    return {"apiVersion": "workload.codeflare.dev/v1beta2", "kind": "AppWrapper", "spec": {"components": components}}


def wrappers_in_wrappers() -> dict[str, Any]:
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"}]}}
    for _ in range(300):
        found = wrapper(found)
    return found


def pods_with_keys_of_their_own() -> dict[str, Any]:
    pods = [
        {"containers": [{"name": "a", "resources": {"limits": {f"v{pod}.example.org/d{key}": 1 for key in range(40)}}}]}
        for pod in range(700)
    ]
    return {"apiVersion": "x.example.org/v1", "kind": "Marathon", "spec": {"pods": pods}}


def annotations_without_end() -> dict[str, Any]:
    pods = [
        {"metadata": {"annotations": {f"gpu-{pod}-{each}": "1" for each in range(40)}}, "spec": {"containers": [{}]}}
        for pod in range(700)
    ]
    groups = [{"replicas": 1, "template": each} for each in pods]
    return {"apiVersion": "ray.io/v1", "kind": "RayCluster", "spec": {"workerGroupSpecs": groups}}


def many_pod_sets_of_one_template() -> dict[str, Any]:
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"}] * 10_000}}
    found = wrapper(pod)
    found["spec"]["components"][0]["podSets"] *= 2_000
    return found


SHAPES: dict[str, Callable[[], dict[str, Any]]] = {
    "a long chain of tasks": lambda: workflow(entrypoint="d", templates=[leaf("a"), dag("d", 20_000)]),
    "many chains of tasks": lambda: workflow(templates=[leaf("a"), *(dag(f"d{each}", 100) for each in range(200))]),
    "many steps of many items": lambda: workflow(
        entrypoint="m",
        templates=[leaf("a"), {"name": "m", "steps": [[{"template": "a", "withItems": [0] * 100}]] * 4_000}],
    ),
    "long patches": lambda: workflow(templates=[leaf(f"a{each}", podSpecPatch="x" * 90_000) for each in range(12)]),
    "patches full of keys": lambda: workflow(
        entrypoint="a", templates=[leaf("a", podSpecPatch="".join(f"v{each}.x/d: 1\n" for each in range(6_000)))]
    ),
    "templates that each call the next twice": lambda: workflow(
        entrypoint="t0",
        templates=[leaf("t25")]
        + [{"name": f"t{each}", "steps": [[{"template": f"t{each + 1}"}] * 2]} for each in range(25)],
    ),
    "templates that each call the next": lambda: workflow(
        entrypoint="t0",
        templates=[leaf("t5000")]
        + [{"name": f"t{each}", "steps": [[{"template": f"t{each + 1}"}]]} for each in range(5_000)],
    ),
    "wrappers inside wrappers": wrappers_in_wrappers,
    "a wrapper of many": lambda: wrapper({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{}]}}, 5_000),
    "many podSets of one template": many_pod_sets_of_one_template,
    "pods with keys of their own": pods_with_keys_of_their_own,
    "annotations without end": annotations_without_end,
}


# One of them is looked at in each check; all of them are when there is time.
QUICK = "patches full of keys"


@pytest.mark.parametrize(
    "shape", [each if each == QUICK else pytest.param(each, marks=pytest.mark.slow) for each in SHAPES]
)
def test_no_shape_makes_a_reader_slow(shape: str) -> None:
    manifest = SHAPES[shape]()
    begin = time.process_time()
    with contextlib.suppress(InvalidInput):
        read(manifest)
    assert time.process_time() - begin < CPU_S_MAX


@pytest.mark.slow
def test_many_patches_over_many_groups_of_a_runtime_do_not_multiply() -> None:
    groups = [{"name": f"g{each}"} for each in range(5_000)]
    runtime = {"spec": {"template": {"spec": {"replicatedJobs": groups}}}}
    patches = [{"containers": [{"name": "a"}] * 10}] * 5_000
    spec = {"runtimeRef": {"kind": "TrainingRuntime", "name": "r"}, "podSpecOverrides": patches}
    begin = time.process_time()
    read({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": spec}, runtimes=lambda *_: runtime)
    assert time.process_time() - begin < CPU_S_MAX


def test_templates_that_double_at_each_level_are_counted_and_not_walked() -> None:
    with pytest.raises(InvalidInput, match=f"{2**24}"):
        read(SHAPES["templates that each call the next twice"]())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: [" + "{}, " * 600_000 + "{}]", "more than 500,000 values", marks=pytest.mark.slow),
        ("- " * 3_000 + "a", "nested deeper"),
        ("a: " + "9" * 1_000_000, None),
        ("a: '" + "x" * 8_000_000 + "'", None),
        pytest.param("kind: Pod\n---\n" * 60_000, None, marks=pytest.mark.slow),
    ],
    ids=["wide", "deep", "a long number", "a long text", "many documents"],
)
def test_no_text_makes_the_parser_slow(text: str, says: str | None) -> None:
    begin = time.process_time()
    if says is None:
        assert sum(1 for _ in parse_yaml(text.encode(), "f")) >= 1
    else:
        with pytest.raises(InvalidInput, match=says):
            list(parse_yaml(text.encode(), "f"))
    assert time.process_time() - begin < CPU_S_MAX * 2
