"""Telling the customer: one event on the pod or namespace object, so that `kubectl describe` says why it waits."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.workload import WorkloadRef

_log = structlog.get_logger(__name__)
# The API server refuses longer messages (core/v1 Event validation, 1,024 bytes).
MESSAGE_BYTES_MAX = 1_000
REMEMBERED = 10_000
REPEAT_AFTER_S = 600.0


@dataclass(frozen=True, slots=True)
class _Told:
    reason: str
    sentence: str
    at: float

    def covers(self, reason: str, sentence: str, now: float) -> bool:
        """Whether saying this would tell nobody anything new."""
        return self.reason == reason and (self.sentence == sentence or now - self.at < REPEAT_AFTER_S)


class Teller:
    """Writes what is new about an object; an event that cannot be written costs nobody anything."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._told: dict[str, _Told] = {}

    def tell(self, ref: WorkloadRef, reason: str, sentence: str) -> None:
        """Say something about a pod, unless it was said already.

        A sentence names amounts that change with every settlement of the run: under the same reason it is said again
        now and then only.
        """
        last, now = self._told.get(ref.uid), time.monotonic()
        if last is not None and last.covers(reason, sentence, now):
            return
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told[ref.uid] = _Told(reason, sentence, now)
        try:
            self._api.create(
                f"/api/v1/namespaces/{quote(ref.namespace, safe='')}/events", _event(ref, reason, sentence)
            )
        except GatekeeperError as error:
            _log.warning("event_not_written", pod=str(ref), error=str(error)[:300])


def _event(ref: WorkloadRef, reason: str, sentence: str) -> Json:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"compute-gatekeeper.{uuid.uuid4().hex}", "namespace": ref.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": ref.uid,
        },
        "reason": reason,
        "message": sentence.encode()[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore"),
        "type": "Warning",
        "source": {"component": "compute-gatekeeper"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
