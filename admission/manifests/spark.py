"""Spark operator: SparkApplication, ScheduledSparkApplication and SparkConnect (sparkoperator.k8s.io).

One driver and `executor.instances` executors (1 where nothing is said). With dynamic allocation Spark starts the
largest of initialExecutors, minExecutors and instances, and may grow to maxExecutors; without that nothing bounds it.
All of this can be said through sparkConf too, in Spark's own names, and so can devices, environment and host paths
(kubeflow/spark-operator api/v1beta2 defaults.go; Spark "Running on Kubernetes"; read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, is_set, items, mapping, shown, text, whole
from admission.manifests.pods import read_pod
from admission.manifests.reach import Reach

_LONGEST_NUMBER = 9
# What a role's spec has in common with a PodSpec, and hands on to its pod.
_POD_FIELDS = ("initContainers", "tolerations", "hostPID", "securityContext", "runtimeClassName")


def read_application(manifest: Node, reach: Reach) -> Ask:
    """A SparkApplication: its driver and its executors."""
    doubts: Doubts = []
    return _read_spec(mapping(manifest, "spec", doubts), reach).noting(doubts=doubts)


def read_scheduled(manifest: Node, reach: Reach) -> Ask:
    """One application at each time of the schedule; they may overlap unless the concurrency policy forbids it."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    ask = _read_spec(mapping(spec, "template", doubts), reach).noting(doubts=doubts)
    return ask if text(spec, "concurrencyPolicy") in {"Forbid", "Replace"} else ask.times(Times(1, None))


def read_connect(manifest: Node, reach: Reach) -> Ask:
    """A SparkConnect: its server is the driver of an application that never ends."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    return _read_spec({**spec, "driver": spec.get("server")}, reach).noting(doubts=doubts)


def _read_spec(spec: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    conf = mapping(spec, "sparkConf", doubts)
    driver, executor = (_read_role(role, spec, conf, reach) for role in ("driver", "executor"))
    return driver + executor.times(_executors(spec, conf, doubts)).noting(doubts=doubts)


def _read_role(role: str, spec: Node, conf: Node, reach: Reach) -> Ask:
    """One pod of a role, put together as the operator and Spark do."""
    doubts: Doubts = []
    own = mapping(spec, role, doubts)
    template = mapping(own, "template", doubts)
    base = mapping(template, "spec", doubts)
    main = {
        "resources": {"limits": dict(_devices(role, own, conf, doubts))},
        "env": [*items(own, "env", doubts), *_environment(role, own, conf, doubts)],
        "securityContext": mapping(own, "securityContext", doubts),
    }
    pod: dict[str, Any] = {**base, **{key: own[key] for key in _POD_FIELDS if own.get(key) is not None}}
    pod["containers"] = [*_templated(base, main, doubts), *items(own, "sidecars", doubts)]
    pod["volumes"] = [
        *items(base, "volumes", doubts),
        *items(spec, "volumes", doubts),
        *({"hostPath": {}} for key in conf if str(key).startswith(f"spark.kubernetes.{role}.volumes.hostPath.")),
    ]
    if conf.get(f"spark.kubernetes.{role}.podTemplateFile"):
        doubts.append(f"the pod template file of the {role} is not here")
    metadata = {"annotations": _annotations(role, own, template, conf, doubts)}
    return read_pod({"metadata": metadata, "spec": pod}, reach).noting(doubts=doubts)


def _templated(base: Node, main: Node, doubts: Doubts) -> Iterator[Node]:
    """The containers of a pod template, and what Spark puts into the first, or makes where there is none."""
    containers = list(items(base, "containers", doubts))
    yield from containers
    if not containers or main["env"] or main["securityContext"] or main["resources"]["limits"]:
        yield main


def _devices(role: str, own: Node, conf: Node, doubts: Doubts) -> Iterator[tuple[str, object]]:
    """The resource keys of a role: `gpu` of the application, and `spark.<role>.resource.<name>` of Spark."""
    gpu = mapping(own, "gpu", doubts)
    if gpu:
        name = text(gpu, "name")
        if "/" not in name:
            doubts.append("gpu names no resource")
        yield (name if "/" in name else f"unknown/{shown(name) or 'gpu'}"), gpu.get("quantity")
    start, end = f"spark.{role}.resource.", ".amount"
    for key in conf:
        if not (key.startswith(start) and key.endswith(end)):
            continue
        name = key[len(start) : -len(end)]
        yield f"{text(conf, f'{start}{name}.vendor') or 'unknown'}/{name}", conf[key]


def _environment(role: str, own: Node, conf: Node, doubts: Doubts) -> Iterator[Node]:
    """Environment variables under their other names."""
    for name, value in mapping(own, "envVars", doubts).items():
        yield {"name": name, "value": value}
    start = "spark.kubernetes.driverEnv." if role == "driver" else "spark.executorEnv."
    for key in conf:
        if key.startswith(start):
            yield {"name": key[len(start) :], "value": conf[key]}


def _annotations(role: str, own: Node, template: Node, conf: Node, doubts: Doubts) -> dict[str, object]:
    start = f"spark.kubernetes.{role}.annotation."
    return {
        **mapping(mapping(template, "metadata", doubts), "annotations", doubts),
        **mapping(own, "annotations", doubts),
        **{key[len(start) :]: value for key, value in conf.items() if key.startswith(start)},
    }


def _executors(spec: Node, conf: Node, doubts: Doubts) -> Times:
    """How many executors start, and how many there may be."""
    dynamic = mapping(spec, "dynamicAllocation", doubts)
    enabled = is_set(dynamic, "enabled") or conf.get("spark.dynamicAllocation.enabled") not in {None, "false", False}
    instances = _number(mapping(spec, "executor", doubts), "instances", conf, "spark.executor.instances", doubts)
    if not enabled:
        return Times.exactly(1 if instances is None else instances) if not doubts else Times(instances or 1, None)
    low, first, high = (
        _number(dynamic, key, conf, f"spark.dynamicAllocation.{key}", doubts)
        for key in ("minExecutors", "initialExecutors", "maxExecutors")
    )
    least = max(low or 0, first or 0, instances or 0)
    return Times(least, None if high is None or doubts else max(least, high))


def _number(own: Node, key: str, conf: Node, conf_key: str, doubts: Doubts) -> int | None:
    """A number of the application, or of sparkConf, where it is text; the larger where both say one, None without."""
    found = [] if key not in own else [whole(own, key, 0, doubts)]
    said = conf.get(conf_key)
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) <= _LONGEST_NUMBER:
        found.append(int(said))
    elif said is not None:
        found.append(whole(conf, conf_key, 0, doubts))
    return max((each for each in found if each is not None), default=None)


_VERSIONS = frozenset({"v1beta1", "v1beta2"})
KINDS = (
    Kind("sparkoperator.k8s.io", _VERSIONS, "SparkApplication", read_application),
    Kind("sparkoperator.k8s.io", _VERSIONS, "ScheduledSparkApplication", read_scheduled),
    Kind("sparkoperator.k8s.io", frozenset({"v1alpha1"}), "SparkConnect", read_connect),
)
