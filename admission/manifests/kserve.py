"""KServe: InferenceService, LLMInferenceService, and the runtimes that they are made from.

An InferenceService has up to three components, each a pod scaled between minReplicas (1 unless said) and maxReplicas;
without maxReplicas Knative scales without a bound. A predictor with a workerSpec is one head and workers that together
hold pipelineParallelSize x tensorParallelSize devices. An LLMInferenceService counts replicas x size, where size comes
from `parallelism` if there is a worker (kserve pkg/apis/serving v1beta1 and v1alpha1, read 2026-11-22). What a runtime
adds stands in another object: a model that names no device itself is unknown.
"""

from __future__ import annotations

from typing import Any

from admission.manifests.asks import Ask, Times, total
from admission.manifests.claims import claimed_devices
from admission.manifests.families import TEMPLATE_ONLY, Kind
from admission.manifests.generic import read_generic
from admission.manifests.nodes import Doubts, Node, items, mapping, text, whole
from admission.manifests.pods import read_pod
from admission.manifests.reach import Reach
from admission.quantities import device_count
from gatekeeper.domain.workload import Count

_COMPONENTS = ("predictor", "transformer", "explainer")
# Where a predictor names its model's framework directly: the key is the framework, the value a container.
_FRAMEWORKS = (
    "model", "huggingface", "lightgbm", "onnx", "paddle", "pmml", "pytorch", "sklearn", "tensorflow", "triton",
    "xgboost", "mlflow", "alibi", "aix", "art",
)  # fmt: skip
_USUAL_KEY = "nvidia.com/gpu"
# KServe makes DRA claims from annotations (docs/samples/llmisvc/managed-dra).
_MANAGED_CLAIM = "serving.kserve.io/exp-dra-"


def read_inference_service(manifest: Node, reach: Reach) -> Ask:
    """The components together."""
    return _or_anything_else(_inference_service(manifest, reach), manifest, reach)


def _or_anything_else(ask: Ask, manifest: Node, reach: Reach) -> Ask:
    """What asks for nothing by its own shape is looked through like an unknown kind: KServe's shapes change fast."""
    found = None if ask.gated else read_generic(manifest, reach)
    return ask + found if found is not None and found.gated else ask


def _inference_service(manifest: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    spec, metadata = mapping(manifest, "spec", doubts), mapping(manifest, "metadata", doubts)
    asks = [_component(name, mapping(spec, name, doubts), metadata, reach) for name in _COMPONENTS if spec.get(name)]
    return total(asks).noting(doubts=doubts)


def _component(name: str, component: Node, metadata: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    models = [dict(mapping(component, key, doubts)) for key in _FRAMEWORKS if component.get(key) is not None]
    spec: dict[str, Any] = {**component, "containers": [*items(component, "containers", doubts), *models]}
    # KServe hands the annotations of the service on to its pods.
    annotations = {
        **mapping(metadata, "annotations", doubts),
        **mapping(component, "annotations", doubts),
    }
    head = read_pod({"metadata": {"annotations": annotations}, "spec": spec}, reach)
    ask = _several_nodes(component, head, reach) if component.get("workerSpec") is not None else head
    if models and not ask.gated:
        doubts.append(f"the {name}'s runtime may ask for devices")
    return ask.times(_scale(component, doubts)).noting(doubts=doubts)


def _scale(component: Node, doubts: Doubts) -> Times:
    """A component that may scale to zero still starts with one pod, as Knative starts every revision."""
    low = whole(component, "minReplicas", 1, doubts)
    high = whole(component, "maxReplicas", 0, doubts)
    least = max(1, low or 0)
    return Times(least, max(least, high) if high and low is not None else None)


def _several_nodes(component: Node, head: Ask, reach: Reach) -> Ask:
    """Head and workers of one replica; KServe fills up to pipeline x tensor devices whatever the containers say."""
    doubts: Doubts = []
    worker = mapping(component, "workerSpec", doubts)
    pod = read_pod({"spec": worker}, reach)
    # The runtime's own number holds where the service says none: at least two nodes, or there were no worker.
    pipeline = whole(worker, "pipelineParallelSize", 0, doubts) or None
    tensor = whole(worker, "tensorParallelSize", 1, doubts)
    workers = Times(1, None) if pipeline is None else Times.exactly(max(pipeline - 1, 1))
    ask = head + pod.times(workers)
    if pipeline is None or tensor is None:
        return ask.without_ceiling().noting(doubts=[*doubts, "how many nodes is for the runtime to say"])
    key = next(iter(ask.devices), _USUAL_KEY)
    wanted = Ask(devices={key: Count(1, 1)}).times(Times.exactly(pipeline * tensor))
    return ask.or_larger(wanted).noting(reasons=[f"asks for {key}"], doubts=doubts)


def read_llm_inference_service(manifest: Node, reach: Reach) -> Ask:
    """Decode and prefill pods, and the scheduler of the router."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    claimed = _managed_claim(mapping(mapping(manifest, "metadata", doubts), "annotations", doubts))
    scheduler = mapping(mapping(mapping(spec, "router", doubts), "scheduler", doubts), "template", doubts)
    asks = [_llm(spec, claimed, reach), read_pod({"spec": scheduler}, reach)]
    if spec.get("prefill") is not None:
        asks.append(_llm(mapping(spec, "prefill", doubts), claimed, reach))
    if spec.get("baseRefs") or not isinstance(spec.get("template"), dict):
        doubts.append("what its configurations add stands elsewhere")
    return _or_anything_else(total(asks).noting(doubts=doubts), manifest, reach)


def _managed_claim(annotations: Node) -> Ask:
    """The claim that KServe makes for each pod of a service whose annotations name a device class."""
    if not any(key.startswith(_MANAGED_CLAIM) for key in annotations):
        return Ask()
    count = annotations.get(f"{_MANAGED_CLAIM}device-count", "1")
    return claimed_devices(text(annotations, f"{_MANAGED_CLAIM}device-class"), device_count(count))


def _llm(workload: Node, claimed: Ask, reach: Reach) -> Ask:
    doubts: Doubts = []
    copies = _llm_replicas(workload, doubts)
    annotations = {"annotations": mapping(workload, "annotations", doubts)}
    leader = claimed + read_pod({"metadata": annotations, "spec": mapping(workload, "template", doubts)}, reach)
    if workload.get("worker") is None:
        return leader.times(copies).noting(doubts=doubts)
    worker = claimed + read_pod({"metadata": annotations, "spec": mapping(workload, "worker", doubts)}, reach)
    workers = _workers(mapping(workload, "parallelism", doubts), doubts)
    return (leader + worker.times(workers)).times(copies).noting(doubts=doubts)


def _llm_replicas(workload: Node, doubts: Doubts) -> Times:
    replicas = whole(workload, "replicas", 1, doubts)
    scaling = mapping(workload, "scaling", doubts)
    if not scaling or replicas is None:
        return Times.exactly(replicas)
    least = replicas if "replicas" in workload else whole(scaling, "minReplicas", 1, doubts)
    high = whole(scaling, "maxReplicas", 0, doubts)
    if least is None or not high:
        return Times(1 if least is None else least, None)
    return Times(least, max(least, high))


def _workers(parallelism: Node, doubts: Doubts) -> Times:
    """How many workers stand beside one leader."""
    data, local, pipeline = (whole(parallelism, key, 0, doubts) for key in ("data", "dataLocal", "pipeline"))
    if data is None or local is None or pipeline is None:
        return Times(1, None)
    # A share of a node is a node more here: whichever way the operator rounds, it is not fewer.
    size = -(-max(data, 1) // max(local, 1)) if data or local else max(pipeline, 1)
    return Times.exactly(size - 1)


def read_runtime(manifest: Node, reach: Reach) -> Ask:
    """A ServingRuntime: the containers, and workers, that a service will be made of."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    ask = read_pod({"metadata": {"annotations": mapping(spec, "annotations", doubts)}, "spec": spec}, reach)
    if spec.get("workerSpec") is not None:
        ask = _several_nodes(spec, ask, reach)
    return ask.noting(reasons=[TEMPLATE_ONLY], doubts=doubts)


def read_llm_config(manifest: Node, reach: Reach) -> Ask:
    """What services that refer to it are made of."""
    return read_llm_inference_service(manifest, reach).noting(reasons=[TEMPLATE_ONLY])


_ALPHA = frozenset({"v1alpha1"})
_LLM = frozenset({"v1alpha1", "v1alpha2"})
KINDS = (
    Kind("serving.kserve.io", frozenset({"v1beta1"}), "InferenceService", read_inference_service),
    Kind("serving.kserve.io", _LLM, "LLMInferenceService", read_llm_inference_service),
    Kind("serving.kserve.io", _LLM, "LLMInferenceServiceConfig", read_llm_config),
    Kind("serving.kserve.io", _ALPHA, "ServingRuntime", read_runtime),
    Kind("serving.kserve.io", _ALPHA, "ClusterServingRuntime", read_runtime),
)
