"""The keeper of the newest snapshot of what is durable."""

from __future__ import annotations

from gatekeeper.ports import Reader, Stores
from gatekeeper.snapshots.exact import Exact
from gatekeeper.snapshots.snapshot import Snapshot


class Snapshots:
    """Keeps the newest snapshot of what is durable; after a change it reads only what the new records name."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._newest: Snapshot | None = None

    def current(self) -> Snapshot:
        """A snapshot that is true now.

        Raises:
            Unavailable: the store does not answer, so nobody knows whether the last snapshot is still true.
        """
        self._newest = self._stores.read(self._up_to)
        return self._newest

    def within(self, tx: Reader) -> Exact:
        """The view of a transaction. It is not kept: what the transaction sees may yet be undone."""
        return Exact(self._up_to(tx), tx)

    def _up_to(self, reader: Reader) -> Snapshot:
        newest, size = self._newest, reader.log_size()
        if newest is None:
            return Snapshot.load(reader)
        return newest if newest.log_size == size else newest.after(reader, size)
