"""Job and CronJob.

A Job runs at most min(parallelism, completions) pods at once; completions left out means a work queue of
`parallelism` pods, and both left out means one pod (batch/v1 JobSpec).
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, mapping, text, whole
from admission.manifests.pods import read_template
from admission.manifests.reach import Reach
from gatekeeper.domain.errors import InvalidInput


def read_job(manifest: Node, reach: Reach) -> Ask:
    """What a Job asks for; also used for the job templates of other kinds."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    pods = Times.exactly(_pods_at_once(spec, doubts))
    return read_template(spec, reach).times(pods).noting(doubts=doubts)


def _pods_at_once(spec: Node, doubts: Doubts) -> int | None:
    """Pods that a JobSpec runs at once; None where a number is missing."""
    parallelism = whole(spec, "parallelism", 1, doubts)
    if parallelism is None or "completions" not in spec:
        return parallelism
    completions = whole(spec, "completions", 1, doubts)
    # The API server takes null as left out; a placeholder can only lower what runs at once. Either is a doubt already.
    return parallelism if completions is None else min(parallelism, completions)


def expected_job_pods(manifest: Node, _: Reach) -> int | None:
    """Pods that a live Job runs at once now: what is left of its completions, or what is active of a work queue."""
    doubts: Doubts = []
    spec, status = mapping(manifest, "spec", doubts), mapping(manifest, "status", doubts)
    at_once, succeeded = _pods_at_once(spec, doubts), whole(status, "succeeded", 0, doubts)
    if at_once is None or succeeded is None or doubts:
        return None
    completions = whole(spec, "completions", -1, doubts)
    if completions is None or completions < 0:
        return at_once if succeeded == 0 else whole(status, "active", 0, doubts)
    left = completions - succeeded - _index_count(text(status, "failedIndexes"))
    return max(0, min(at_once, left))


def _index_count(ranges: str) -> int:
    """How many indexes a text such as "1,3-5" names.

    Raises:
        InvalidInput: another text than the Job controller writes.
    """
    count = 0
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()) or len(part) > 32:
            raise InvalidInput(f"{part[:40]!r} is not a range of indexes.")
        count += int(last or first) - int(first) + 1
    return count


def read_cron_job(manifest: Node, reach: Reach) -> Ask:
    """One Job; runs may overlap without limit unless the concurrency policy says otherwise (the default allows it)."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    job = read_job(mapping(spec, "jobTemplate", doubts), reach).noting(doubts=doubts)
    return job if text(spec, "concurrencyPolicy") in {"Forbid", "Replace"} else job.times(Times(1, None))


_V1 = frozenset({"v1"})
KINDS = (
    Kind("batch", _V1, "Job", read_job, expected_job_pods),
    Kind("batch", frozenset({"v1", "v1beta1"}), "CronJob", read_cron_job),
)
