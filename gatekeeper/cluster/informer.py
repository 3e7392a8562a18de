"""Keeps what one collection of the cluster says: list, then watch from there, and list again when that is lost.

Holds only what `keep` makes of an object, so that a cluster's hundred thousand other pods cost nothing. A reader
gets a copy of the whole at one moment. `synced` tells whether the first list is in: nobody decides before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import structlog

from gatekeeper.cluster.api import Api, Expired, Json
from gatekeeper.domain.errors import GatekeeperError

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
LONGEST_PAUSE_S = 30.0
_log = structlog.get_logger(__name__)


class Gone(Protocol[T_contra]):
    """Told when an object disappears; `last` says whether the state is its very last one.

    Where the watch was lost in between, what is held may be older than the end.
    """

    def __call__(self, state: T_contra, *, last: bool) -> None: ...


class Informer(Generic[T]):
    """One thread that follows one collection.

    Args:
        keep: what to hold of an object; None where it does not concern us (or no longer does).
        changed: called after every change, from the informer's thread; wakes the controller.
        gone: told of objects that disappear.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        keep: Callable[[Json], T | None],
        changed: Callable[[], None],
        gone: Gone[T] | None = None,
    ) -> None:
        self._api, self._path, self._keep, self._changed, self._gone = api, path, keep, changed, gone
        self._held: dict[str, T] = {}
        self._lock = threading.Lock()
        self._synced = threading.Event()
        self._listed_at = self._heard_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"informer {path}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; a watch that waits ends with the process."""
        self._stopping.set()

    @property
    def synced(self) -> bool:
        """Whether the collection has been listed since the start."""
        return self._synced.is_set()

    @property
    def in_sight_s(self) -> float:
        """For how long it has been followed without a break."""
        return time.monotonic() - self._listed_at

    @property
    def silent_s(self) -> float:
        """Since the API server last said anything: a list, an event, a bookmark, or that a watch has run its time."""
        return time.monotonic() - self._heard_at

    def held(self) -> dict[str, T]:
        """What is held now, by uid."""
        with self._lock:
            return dict(self._held)

    def _follow(self) -> None:
        pause_s = 0.2
        while not self._stopping.is_set():
            try:
                version = self._list()
                pause_s = 0.2
                self._watch(version)
            except Expired:
                _log.info("watch_expired", path=self._path)
                self._stopping.wait(pause_s)
            except GatekeeperError as error:
                _log.warning("watch_lost", path=self._path, error=str(error)[:300], again_in_s=pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            except Exception:  # noqa: BLE001 - a watcher that dies silently would leave pods gated for ever
                _log.exception("watch_failed", path=self._path)
                self._stopping.wait(LONGEST_PAUSE_S)

    def _list(self) -> str:
        kept, version = dict[str, T](), ""
        for items, version in self._api.pages(self._path):  # noqa: B007 - that of the last page counts
            kept |= {item["metadata"]["uid"]: value for item in items if (value := self._keep(item)) is not None}
        with self._lock:
            lost = [value for uid, value in self._held.items() if uid not in kept]
            self._held = kept
            self._listed_at = self._heard_at = time.monotonic()
        for value in lost:
            self._tell_gone(value, last=False)
        self._synced.set()
        self._changed()
        return version

    def _watch(self, version: str) -> None:
        while not self._stopping.is_set():
            for event in self._api.watch(self._path, version):
                if self._stopping.is_set():
                    return
                self._heard_at = time.monotonic()
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], event["object"])
            self._heard_at = time.monotonic()

    def _take(self, kind: str, item: Json) -> None:
        uid, value = item["metadata"]["uid"], self._keep(item)
        with self._lock:
            if kind == "DELETED" or value is None:
                self._held.pop(uid, None)
            else:
                self._held[uid] = value
        if kind == "DELETED" and value is not None:
            self._tell_gone(value, last=True)  # The event carries the object as it was when it went.
        self._changed()

    def _tell_gone(self, state: T, *, last: bool) -> None:
        if self._gone is not None:
            self._gone(state, last=last)
