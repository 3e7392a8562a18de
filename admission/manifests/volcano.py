"""Volcano: Job, a list of tasks with their replicas (batch.volcano.sh/v1alpha1), and what makes such Jobs.

A task without replicas starts no pod: its field is a plain number, and neither schema nor webhook gives it a default
(volcano-sh/apis pkg/apis/batch/v1alpha1/job.go, volcano-sh/volcano mutate_job.go, read 2026-11-22). minAvailable is
what the scheduler waits for; all replicas are made whatever it says.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import TEMPLATE_ONLY, Kind
from admission.manifests.nodes import Doubts, Node, items, mapping, text, whole
from admission.manifests.pods import read_template
from admission.manifests.reach import Reach


def read_volcano_job(manifest: Node, reach: Reach) -> Ask:
    """The sum of all tasks, also of those that wait for others (dependsOn)."""
    doubts: Doubts = []
    tasks = items(mapping(manifest, "spec", doubts), "tasks", doubts)
    return total([_read_task(each, reach) for each in tasks]).noting(doubts=doubts)


def _read_task(task: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    replicas = Times.exactly(whole(task, "replicas", 0, doubts))
    return read_template(task, reach).times(replicas).noting(doubts=doubts)


def read_volcano_cron_job(manifest: Node, reach: Reach) -> Ask:
    """One Job; runs may overlap without limit unless the concurrency policy says otherwise (the default allows it)."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    job = read_volcano_job(mapping(spec, "jobTemplate", doubts), reach).noting(doubts=doubts)
    return job if text(spec, "concurrencyPolicy") in {"Forbid", "Replace"} else job.times(Times(1, None))


def read_job_template(manifest: Node, reach: Reach) -> Ask:
    """A Job that JobFlows make, each as often as it names it."""
    return read_volcano_job(manifest, reach).noting(reasons=[TEMPLATE_ONLY])


def expected_volcano_pods(manifest: Node, reach: Reach) -> int | None:
    """Pods with accelerators that a live Job runs at once.

    None where a task waits for others: its pods are not made yet. Pods that have ended are not made again, unless all
    are; which task they were of is not told, so the gang may be taken for smaller than it is, never for larger.
    """
    doubts: Doubts = []
    status = mapping(manifest, "status", doubts)
    count = 0
    for task in items(mapping(manifest, "spec", doubts), "tasks", doubts):
        replicas = whole(task, "replicas", 0, doubts)
        if task.get("dependsOn") is not None or replicas is None:
            return None
        count += replicas if read_template(task, reach).asks else 0
    ended = [whole(status, phase, 0, doubts) for phase in ("succeeded", "failed")]
    return None if doubts else max(0, count - sum(each or 0 for each in ended))


_V1ALPHA1 = frozenset({"v1alpha1"})
KINDS = (
    Kind("batch.volcano.sh", _V1ALPHA1, "Job", read_volcano_job, expected_volcano_pods),
    Kind("batch.volcano.sh", _V1ALPHA1, "CronJob", read_volcano_cron_job),
    Kind("flow.volcano.sh", _V1ALPHA1, "JobTemplate", read_job_template),
)
