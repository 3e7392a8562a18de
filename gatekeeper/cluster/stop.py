"""Stopping what runs: suspend its owner, delete its pods (a tenant's disruption budget would win over an eviction),
and set the namespace's accelerator quota to 0. Every step is safe to repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import structlog

from gatekeeper.cluster.api import Api, Json, pod_path
from gatekeeper.cluster.names import STOP_QUOTA
from gatekeeper.cluster.pods import Owner, PodState, controller_of
from gatekeeper.domain.errors import GatekeeperError, NotFound

_log = structlog.get_logger(__name__)
# The kubelet honours this grace; the chart's policies cap what a tenant may ask for at 60 s.
DELETE_GRACE_S = 30
OWNER_STEPS_MAX = 4

_VERSION = re.compile(r"v[a-z0-9]{1,20}")
_SUSPEND: Json = {"spec": {"suspend": True}}
_RUN_POLICY: Json = {"spec": {"runPolicy": {"suspend": True}}}
# (API group, kind) -> (plural, what suspends it; None for kinds that have no such switch, which are only read: their
# pods are deleted). The chart's `workloads` give the right to do so, kind by kind.
OWNERS: Mapping[tuple[str, str], tuple[str, Json | None]] = {
    ("batch", "Job"): ("jobs", _SUSPEND),
    ("batch", "CronJob"): ("cronjobs", _SUSPEND),
    ("jobset.x-k8s.io", "JobSet"): ("jobsets", _SUSPEND),
    ("ray.io", "RayCluster"): ("rayclusters", _SUSPEND),
    ("ray.io", "RayJob"): ("rayjobs", _SUSPEND),
    ("ray.io", "RayService"): ("rayservices", _SUSPEND),
    ("ray.io", "RayCronJob"): ("raycronjobs", _SUSPEND),
    ("kubeflow.org", "PyTorchJob"): ("pytorchjobs", _RUN_POLICY),
    ("kubeflow.org", "TFJob"): ("tfjobs", _RUN_POLICY),
    ("kubeflow.org", "MPIJob"): ("mpijobs", _RUN_POLICY),
    ("kubeflow.org", "XGBoostJob"): ("xgboostjobs", _RUN_POLICY),
    ("kubeflow.org", "PaddleJob"): ("paddlejobs", _RUN_POLICY),
    ("kubeflow.org", "JAXJob"): ("jaxjobs", _RUN_POLICY),
    ("trainer.kubeflow.org", "TrainJob"): ("trainjobs", _SUSPEND),
    ("batch.volcano.sh", "Job"): ("jobs", None),
    ("batch.volcano.sh", "CronJob"): ("cronjobs", _SUSPEND),
    ("workload.codeflare.dev", "AppWrapper"): ("appwrappers", _SUSPEND),
}


def owner_path(owner: Owner, namespace: str) -> str | None:
    """Path of a pod's owner; None for kinds that we do not read, and for names that no object has.

    The API server takes nearly any text in an owner reference, and `v1?` or `.` would lead to another page.
    """
    group, _, version = owner.api_version.rpartition("/")
    known = OWNERS.get((group, owner.kind))
    if known is None or not _VERSION.fullmatch(version) or owner.name in (".", ".."):
        return None
    return f"/apis/{group}/{version}/namespaces/{quote(namespace, safe='')}/{known[0]}/{quote(owner.name, safe='')}"


def delete_pod(api: Api, pod: PodState) -> None:
    """Delete a pod.

    Raises:
        Unavailable: the API server does not answer; ask again.
    """
    body = {"gracePeriodSeconds": DELETE_GRACE_S, "preconditions": {"uid": pod.uid}}
    api.delete(pod_path(pod.workload.ref.namespace, pod.workload.ref.name), body)
    _log.info("pod_stopped", pod=str(pod.workload.ref))


def suspend_owners(api: Api, owner: Owner, namespace: str) -> bool:
    """Suspend an owner and the owners above it; returns whether any is suspended now.

    One that cannot be suspended costs churn, not safety: it is logged.
    """
    above: Owner | None = owner
    suspended = False
    for _ in range(OWNER_STEPS_MAX):
        if above is None or (path := owner_path(above, namespace)) is None:
            break
        group = above.api_version.rpartition("/")[0]
        suspension = OWNERS[(group, above.kind)][1]
        try:
            found = api.get(path)
            if suspension is not None and found["metadata"]["uid"] == above.uid:
                api.merge_patch(path, suspension)
                suspended = True
        except NotFound:
            break
        except GatekeeperError as error:
            _log.warning("owner_not_suspended", owner=f"{above.kind} {namespace}/{above.name}", error=str(error)[:300])
            break
        above = controller_of(found["metadata"])
    return suspended


def set_stop_quota(api: Api, namespace: str, resources: Iterable[str]) -> None:
    """Refuse every request for accelerators in a namespace, by the API server itself."""
    hard = {f"requests.{key}": "0" for key in sorted(resources)}
    base = f"/api/v1/namespaces/{quote(namespace, safe='')}/resourcequotas"
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": STOP_QUOTA}, "spec": {"hard": hard}}
    try:
        api.merge_patch(f"{base}/{STOP_QUOTA}", {"spec": {"hard": hard}})
    except NotFound:
        api.create(base, body)


def lift_stop_quota(api: Api, namespace: str) -> None:
    """Take the quota away again."""
    api.delete(f"/api/v1/namespaces/{quote(namespace, safe='')}/resourcequotas/{STOP_QUOTA}")
