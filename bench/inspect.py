"""`gatekeeper inspect`: documents per second over a tree of manifests of every kind, on one core.

The tree is written from the tables of tests/admission/manifest_cases: each case is one document in block style, a few
to a file. The tables hold only what matters to a case, so metadata and containers are filled up to what people write.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from admission.inspect import Problem, inspect_paths
from bench.tools import say

INSPECTED_PER_S_MIN = 2_000.0
CASES = Path(__file__).parents[1] / "tests" / "admission" / "manifest_cases"
DOCUMENTS = 4_000
_IN_A_FILE = 4
_METADATA: dict[str, Any] = {
    "name": "pretrain-7b-run-12",
    "namespace": "research",
    "labels": {"app.kubernetes.io/name": "pretrain", "app.kubernetes.io/part-of": "llm", "team": "research"},
    "annotations": {"example.org/owner": "research@example.org", "example.org/cost-centre": "4711"},
}
_CONTAINER: dict[str, Any] = {
    "name": "trainer",
    "image": "registry.example.org/research/trainer:2026-11-20",
    "imagePullPolicy": "IfNotPresent",
    "command": ["torchrun", "--nnodes=4", "--nproc-per-node=8", "train.py"],
    "args": ["--config", "/etc/train/config.yaml", "--checkpoint", "/checkpoints"],
    "env": [
        {"name": "NCCL_DEBUG", "value": "INFO"},
        {"name": "OMP_NUM_THREADS", "value": "8"},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "shm", "mountPath": "/dev/shm"}],
}


@dataclass(frozen=True, slots=True)
class InspectResult:
    """Documents per second, round by round, and how large the tree is."""

    per_s: list[float]
    documents: int
    kinds: int
    mean_bytes: int

    @property
    def median(self) -> float:
        """Documents per second."""
        return statistics.median(self.per_s)


def measure(folder: Path, *, rounds: int) -> InspectResult:
    """Write the tree, then read it again and again; every workload in it must be found each time."""
    tree = folder / "manifests"
    manifests = _manifests()
    kinds = {(each["apiVersion"], each["kind"]) for each in manifests}
    size = _write(tree, manifests)
    expected = sum(1 for _ in inspect_paths([tree]))
    per_s = []
    for number in range(1, rounds + 1):
        say(f"inspect: round {number} of {rounds}")
        begin = time.process_time()
        found = list(inspect_paths([tree]))
        per_s.append(DOCUMENTS / (time.process_time() - begin))
        if len(found) != expected or any(isinstance(each, Problem) for each in found):
            raise RuntimeError("inspect did not read the tree of manifests as it did before.")
    return InspectResult(per_s, DOCUMENTS, len(kinds), size // DOCUMENTS)


def facts(result: InspectResult) -> dict[str, object]:
    """What --output json prints of it."""
    return {"inspected_per_s": result.per_s, "manifest_bytes": result.mean_bytes, "manifest_kinds": result.kinds}


def show(result: InspectResult, console: Console) -> None:
    """The result, and whether the goal is reached."""
    span = f"{result.median:,.0f} ({min(result.per_s):,.0f}-{max(result.per_s):,.0f})"
    console.print(
        f"inspect: {span} documents/s on one core; {result.documents:,} of {result.kinds} kinds, "
        f"{result.mean_bytes:,} bytes each"
    )
    reached = "reached" if result.median >= INSPECTED_PER_S_MIN else "missed"
    console.print(f"goal: inspect reads at least {INSPECTED_PER_S_MIN:,.0f} documents/s: {reached}")


def _manifests() -> list[dict[str, Any]]:
    """The manifests of all tables that stand for Kubernetes objects."""
    found: list[dict[str, Any]] = []
    for table in sorted(CASES.glob("*.yaml")):
        cases = yaml.load(table.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        found += [case["manifest"] for case in cases]
    return [each for each in found if isinstance(each, dict) and each.get("apiVersion") and each.get("kind")]


def _write(tree: Path, manifests: list[dict[str, Any]]) -> int:
    """So many documents, a few to a file and a few files to a folder; how many bytes they are."""
    size = 0
    for number in range(0, DOCUMENTS, _IN_A_FILE):
        place = tree / f"team-{number % 50}" / f"{number}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = "---\n".join(_document(manifests[(number + each) % len(manifests)]) for each in range(_IN_A_FILE))
        size += place.write_bytes(text.encode())
    return size


def _document(manifest: dict[str, Any]) -> str:
    metadata = {**_METADATA, **(manifest.get("metadata") or {})}
    whole = _filled({**manifest, "metadata": metadata})
    return yaml.dump(whole, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)


def _filled(node: Any) -> Any:
    """The same, with the usual fields in each container that does not say them."""
    if isinstance(node, list):
        return [_filled(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: [{**_CONTAINER, **each} if isinstance(each, dict) else each for each in value]
        if key == "containers" and isinstance(value, list)
        else _filled(value)
        for key, value in node.items()
    }
