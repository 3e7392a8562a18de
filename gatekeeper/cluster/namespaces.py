"""Namespaces and their clearance: a label that lets their pods pass without a gate, and the moment it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.names import CLEARED, CLEARED_UNTIL


@dataclass(frozen=True, slots=True)
class NamespaceState:
    """A namespace and the clearance it carries; `until` is None where it has none, or one that cannot be read.

    Attributes:
        uid: what the cluster calls it: one made anew under the same name has another.
    """

    name: str
    uid: str
    resource_version: str
    cleared: bool
    until: datetime | None
    deleting: bool


def keep_namespace(namespace: Json) -> NamespaceState:
    """What an informer of namespaces keeps."""
    metadata = namespace["metadata"]
    return NamespaceState(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        cleared=CLEARED in (metadata.get("labels") or {}),
        until=_moment((metadata.get("annotations") or {}).get(CLEARED_UNTIL, "")),
        deleting="deletionTimestamp" in metadata,
    )


def _moment(text: str) -> datetime | None:
    """A moment as RFC 3339 has it, with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def write_clearance(api: Api, namespace: NamespaceState, until: datetime | None) -> None:
    """Give a clearance until a moment, or take it away (None). The API server refuses it to another namespace that was
    made under the same name meanwhile: an object's uid never changes."""
    label = None if until is None else "true"
    end = None if until is None else until.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"metadata": {"uid": namespace.uid, "labels": {CLEARED: label}, "annotations": {CLEARED_UNTIL: end}}}
    api.merge_patch(f"/api/v1/namespaces/{quote(namespace.name, safe='')}", body)
