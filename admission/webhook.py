"""The webhook: bytes of an AdmissionReview in, bytes of the answer out. Courtesy: no safety rests on it.

It answers early, so that people read a sentence instead of finding a waiting pod. What it cannot read or decide is
refused with a reference, never allowed by accident; the reference finds the line in our own log.
"""

from __future__ import annotations

import asyncio
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from admission.manifests.reach import Reach, default_reach
from admission.manifests.registry import Runtimes, read
from admission.review import Answer, Review, parse_review, write_answer
from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.errors import GatekeeperError, InvalidInput
from gatekeeper.domain.workload import Count, Workload
from gatekeeper.gate import Considered

# The API server waits 5 s (timeoutSeconds of the chart); an answer after that helps nobody.
DECIDE_WITHIN_S = 4.0
_ALLOWED = Answer(allowed=True)
# What becomes of a review besides a verdict: it asked for nothing, could not be read, or could not be decided.
OUTCOMES = ("not_asked", "invalid", "undecided")
_READ = frozenset({"CREATE", "UPDATE"})

_log = structlog.get_logger(__name__)


class Considers(Protocol):
    """Who decides: the gate."""

    def consider(self, workload: Workload, *, dry_run: bool) -> Considered:
        """The early answer to a workload; must not block."""
        ...


class Webhook:
    """Answers AdmissionReviews of one cluster."""

    def __init__(
        self,
        gate: Considers,
        *,
        cluster: str,
        reach: Reach | None = None,
        runtimes: Runtimes | None = None,
        answered: Callable[[str, float], None] | None = None,
    ) -> None:
        """Take the lists of what reaches a device from the installation where none are given.

        Args:
            runtimes: where training runtimes are looked up, from memory; without it TrainJobs have no ceiling.
            answered: told of each answer: its outcome (a verdict, or one of OUTCOMES) and the seconds that it took.

        Raises:
            InvalidInput: the installation lacks its lists.
        """
        self._gate = gate
        self._cluster = cluster
        self._reach = reach or default_reach()
        self._runtimes = runtimes
        self._answered = answered

    async def handle(self, body: bytes) -> bytes:
        """Answer one review.

        Raises:
            InvalidInput: the body is no AdmissionReview v1, so that there is no uid to answer to.
        """
        began_at = time.perf_counter()
        review = parse_review(body)
        answer = await self._guarded(review)
        if self._answered is not None:
            self._answered(_outcome(answer), time.perf_counter() - began_at)
        return write_answer(review.uid, answer)

    async def _guarded(self, review: Review) -> Answer:
        """The answer; whatever goes wrong becomes a refusal that says so."""
        try:
            async with asyncio.timeout(DECIDE_WITHIN_S):
                return await self._answer(review)
        except InvalidInput as error:
            return Answer(allowed=False, code=422, reason="Invalid", message=str(error))
        except Exception as error:  # noqa: BLE001 - the one place that must turn every fault into a refusal
            return _undecided(review, error)

    async def _answer(self, review: Review) -> Answer:
        """1. Ask: what the object wants, whose it is, and what the gate says."""
        workload = self._workload(review)
        if workload is None or not workload.asks:
            return _ALLOWED  # what only could reach a device needs no budget: it starts away from accelerators
        considered = self._gate.consider(workload, dry_run=review.dry_run)
        if considered.durable is not None:
            await asyncio.wrap_future(considered.durable)  # a refusal is durable before it is answered
        return _told(review, considered.decision)

    def _workload(self, review: Review) -> Workload | None:
        """The workload to decide about; None where there is nothing to say."""
        if review.operation not in _READ or review.subresource or review.namespace in self._reach.exempt_namespaces:
            return None
        manifest = review.manifest()
        if manifest is None:
            raise InvalidInput(f"{review.operation} without an object.")
        if review.kind == "Pod" and not review.group and _has_controller(manifest):
            return None  # its owner was answered to; refusing the pod would only make a controller retry
        old = review.old_manifest() if review.operation == "UPDATE" else None
        if old is None:
            return self._read(manifest, review)
        if _content(old) == _content(manifest):
            return None  # finalizers, labels and status must get through, also for objects that nobody can read
        workload = self._read(manifest, review)
        resumed = _is_suspended(old) and not _is_suspended(manifest)
        return workload if resumed or _asks_for_more(workload, self._read(old, review)) else None

    def _read(self, manifest: Mapping[str, Any], review: Review) -> Workload | None:
        """The manifest as a workload in the namespace that the API server names."""
        workload = read(
            manifest,
            cluster=self._cluster,
            namespace=review.namespace or None,
            reach=self._reach,
            runtimes=self._runtimes,
        )
        if workload is not None and workload.gated and not review.namespace:
            raise InvalidInput(f"The {review.kind} asks for accelerators but the request names no namespace.")
        return workload


def _content(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object can change what it asks for: all but its status and most of its metadata."""
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    rest = {key: value for key, value in manifest.items() if key not in {"metadata", "status"}}
    return {**rest, "metadata": annotations}


def _asks_for_more(after: Workload | None, before: Workload | None) -> bool:
    """Whether an update asks for anything that the object did not have: asking for less is never refused."""
    if after is None or before is None:
        return after is not None
    new_ways = (after.claims and not before.claims) or (after.unsaid and not before.unsaid)
    if new_ways or (after.host_access and not before.host_access) or (after.unknown and not before.unknown):
        return True
    return any(_is_more(count, before.devices.get(key)) for key, count in after.devices.items())


def _is_more(after: Count, before: Count | None) -> bool:
    if before is None or after.least > before.least:
        return True
    return before.most is not None and (after.most is None or after.most > before.most)


def _told(review: Review, decision: Decision) -> Answer:
    """A decision in the API server's terms."""
    audit = {"verdict": decision.verdict.value, "sentence": decision.sentence}
    if decision.verdict is Verdict.ALLOW:
        return Answer(allowed=True, audit=audit)
    _log.info(
        "answered",
        uid=review.uid,
        namespace=review.namespace,
        kind=review.kind,
        verdict=decision.verdict.value,
        dry_run=review.dry_run,
    )
    if decision.verdict is Verdict.WARN:
        return Answer(allowed=True, warnings=(decision.sentence,), audit=audit)
    if decision.verdict is Verdict.HOLD:
        return Answer(allowed=True, warnings=(f"will wait: {decision.sentence}",), audit=audit)
    return Answer(allowed=False, message=decision.sentence, audit=audit)


def _outcome(answer: Answer) -> str:
    """In one word what became of a review."""
    if answer.audit:
        return answer.audit["verdict"]
    not_asked, invalid, undecided = OUTCOMES
    if answer.allowed:
        return not_asked
    return invalid if answer.code == 422 else undecided


def _undecided(review: Review, error: Exception) -> Answer:
    """A refusal because we failed. Our log gets type and place of the fault: messages of others may hold secrets."""
    reference = uuid.uuid4().hex[:12]
    _log.error(
        "not_decided",
        reference=reference,
        uid=review.uid,
        namespace=review.namespace,
        kind=review.kind,
        fault=type(error).__name__,
        says=error.message if isinstance(error, GatekeeperError) else "",
        at=[f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]],
    )
    message = (
        "Compute Gatekeeper could not decide about this object; try again, "
        f"and if it stays so give your provider the reference {reference}."
    )
    return Answer(allowed=False, code=503, reason="ServiceUnavailable", message=message)


def _has_controller(manifest: Mapping[str, Any]) -> bool:
    """Whether a controller made this pod. A tenant can claim so; the gate holds the pod all the same."""
    metadata = manifest.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, Mapping) else None
    return isinstance(owners, list) and any(isinstance(each, Mapping) and each.get("controller") for each in owners)


def _is_suspended(manifest: Mapping[str, Any]) -> bool:
    """Whether an object is held by its own switch; letting it go is a new question."""
    spec = manifest.get("spec")
    policy = spec.get("runPolicy") if isinstance(spec, Mapping) else None
    return any(isinstance(each, Mapping) and each.get("suspend") is True for each in (spec, policy))
