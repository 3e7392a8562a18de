"""Views of the store: a snapshot held in memory, brought up to date record by record, and a transaction's own.

A thousand customers cost what two do: after a change only what the new records name is read again.
"""

from gatekeeper.snapshots.exact import Exact
from gatekeeper.snapshots.keeper import Snapshots
from gatekeeper.snapshots.snapshot import Snapshot

__all__ = ["Exact", "Snapshot", "Snapshots"]
