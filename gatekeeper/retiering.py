"""Use case: whose tier is no longer what it was, and why, is on record whatever moved it.

    tier.changed  {customer, pack, sha256, before, after, as_of, reason: {code, path, text}}

A tier moves when a record or an owner's record changes, when a list or a pack is loaded, when an override begins or
ends, and by the date alone, when a row of a pack's table begins or ends. So nobody who changes something is trusted to
say whom it moves: all customers are looked at again, here. What a moved tier does to running work the controller sees
for itself, within seconds; this is the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.facts import TEXT_CHARACTERS_MAX, Facts, new_record
from gatekeeper.ports import Clock, Stores, Transaction
from gatekeeper.ports.tiers import Placed
from gatekeeper.snapshots import Snapshot, Snapshots
from gatekeeper.view import findings_of

REGISTRY = Actor(ActorKind.SERVICE, "registry")
# One transaction holds the write lock that releases wait for; each moved tier is one record of about 1 KiB.
GROUP_MAX = 200
# A chain of owners longer than this is cut in the record; the registry has the whole of it.
PATH_MAX = 100


@dataclass(frozen=True, slots=True)
class Move:
    """A customer's tier by one pack is another than the log last said. `before` is None at the first sight."""

    customer_id: str
    pack: str
    sha256: str
    before: Tier | None
    finding: TierFinding


class Retiering:
    """Looks at all customers again when something may have moved them, and puts on record whom it moved."""

    def __init__(self, stores: Stores, clock: Clock, packs: tuple[ActivePack, ...]) -> None:
        self._stores = stores
        self._clock = clock
        self._packs = packs
        self._snapshots = Snapshots(stores)
        self._seen: tuple[object, datetime] | None = None

    def moves(self) -> list[Move]:
        """Whose tier is not what the log last said, by customer and pack; nothing is written."""
        snapshot = self._snapshots.current()
        known = self._stores.read(lambda reader: reader.known_tiers())
        return [each for each in self._found(snapshot, known, self._clock.now()) if each.before is not None]

    def record(self) -> int:
        """Put each moved tier on record; how many those were. Costs one read where nothing can have moved.

        Raises:
            Unavailable: the store does not answer.
        """
        now, snapshot = self._clock.now(), self._snapshots.current()
        # A snapshot is read anew when people change, and only then; dates and overrides move tiers by the hour.
        seen = (snapshot.by_customer, now.replace(minute=0, second=0, microsecond=0))
        if self._seen is not None and self._seen[0] is seen[0] and self._seen[1] == seen[1]:
            return 0
        known = self._stores.read(lambda reader: reader.known_tiers())
        moved = list(self._found(snapshot, known, now))
        for begin in range(0, len(moved), GROUP_MAX):
            group = moved[begin : begin + GROUP_MAX]
            self._stores.transact(partial(_write, moves=group, now=now))
        self._seen = seen
        return sum(each.before is not None for each in moved)

    def _found(self, snapshot: Snapshot, known: Mapping[Placed, Tier], now: datetime) -> Iterator[Move]:
        for customer in snapshot.by_customer.values():
            if not _has_tier(customer):
                continue
            for active in self._packs:
                pack = active.pack
                finding = findings_of(snapshot, (active,), customer, now)[pack.id]
                before = known.get((customer.id, pack.id))
                if before is not finding.tier:
                    yield Move(customer.id, pack.id, pack.sha256, before, finding)


def _has_tier(customer: Customer) -> bool:
    """Whether two people approved what its tier rests on, and the account is open."""
    return customer.standing in (Standing.APPROVED, Standing.SUSPENDED, Standing.EXPIRED)


def _write(tx: Transaction, *, moves: list[Move], now: datetime) -> None:
    """Write what moved, unless somebody else wrote it in the meantime."""
    known = tx.known_tiers()
    fresh = [each for each in moves if known.get((each.customer_id, each.pack)) is each.before]
    tx.put_known_tiers([((each.customer_id, each.pack), each.finding.tier) for each in fresh])
    told = [each for each in fresh if each.before is not None]
    tx.append_all([new_record(RecordType.TIER_CHANGED, REGISTRY, now, _facts(each)) for each in told])


def _facts(move: Move) -> Facts:
    reason = move.finding.deciding
    return {
        "customer": move.customer_id,
        "pack": move.pack,
        "sha256": move.sha256,
        "before": move.before.value if move.before else None,
        "after": move.finding.tier.value,
        "as_of": move.finding.as_of.isoformat(),
        "reason": {
            "code": reason.code,
            "path": list(reason.path[:PATH_MAX]),
            "text": reason.text[:TEXT_CHARACTERS_MAX],
        },
    }
