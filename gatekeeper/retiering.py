"""Use case: whose tier is no longer what it was, and why, is on record whatever moved it.

    tier.changed  {customer, pack, sha256, before, after, as_of, reason: {code, path, text}}

A tier moves when a record or an owner's record changes, when a list or a pack is loaded, when an override begins or
ends, and by the date alone, when a row of a pack's table begins or ends. So nobody who changes something is trusted to
say whom it moves: `affected` works that out from what is different, and all of those are looked at again, here. What a
moved tier does to running work the controller sees for itself, within seconds; this is the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from gatekeeper.affected import Affected
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
# Customers looked at together; one transaction holds the write lock that releases wait for, and a moved tier is one
# record of about 1 KiB.
GROUP_MAX = 100
MOVES_MAX = 100
# A chain of owners longer than this is cut in the record; the registry has the whole of it.
PATH_MAX = 100


@dataclass(frozen=True, slots=True)
class Move:
    """A customer's tier by one pack is another than the log last said."""

    customer_id: str
    pack: str
    sha256: str
    before: Tier
    finding: TierFinding


@dataclass(slots=True)
class _Found:
    """What a look at some customers found. `first`: tiers of which the log said nothing yet, and which are no move."""

    first: dict[Placed, Tier] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)


class Retiering:
    """Looks again at all customers whom something may have moved, and puts on record whom it moved."""

    def __init__(self, stores: Stores, clock: Clock, packs: tuple[ActivePack, ...]) -> None:
        self._stores = stores
        self._clock = clock
        self._packs = packs
        self._snapshots = Snapshots(stores)
        self._affected = Affected({each.pack.id: each.pack.tiers for each in packs})
        self._waiting: dict[str, None] = {}

    def moves(self) -> list[Move]:
        """Whose tier is not what the log last said, by customer and pack; nothing is written."""
        look = self._look()
        known = self._stores.read(lambda reader: reader.known_tiers())
        return look.at(sorted(self._waiting), known).moves

    def record(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Put each moved tier on record; how many those were. Costs one read where nothing can have moved.

        Args:
            enough: asked after each group of customers; once it says so, the others are left to the next time.

        Raises:
            Unavailable: the store does not answer.
        """
        look, moved = self._look(), 0
        while self._waiting:
            group = list(islice(self._waiting, GROUP_MAX))
            moved += self._record(look, group)
            for each in group:
                del self._waiting[each]
            if enough():
                break
        return moved

    def _look(self) -> _Look:
        """Note whom something may have moved since the last look, and look from here."""
        snapshot, now = self._snapshots.current(), self._clock.now()
        self._waiting |= dict.fromkeys(sorted(self._affected.since_last(snapshot, now)))
        return _Look(snapshot, self._affected, self._packs, now)

    def _record(self, look: _Look, group: Sequence[str]) -> int:
        """Look at some customers and write what is not on record; how many tiers moved."""
        found = look.at(group, self._stores.read(lambda reader: reader.known_tiers(group)))
        if found.first:
            self._stores.transact(partial(_write_first, first=found.first))
        moved = 0
        for begin in range(0, len(found.moves), MOVES_MAX):
            moves = found.moves[begin : begin + MOVES_MAX]
            moved += self._stores.transact(partial(_write, moves=moves, now=look.now))
        return moved


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at customers in one snapshot, at one moment."""

    snapshot: Snapshot
    affected: Affected
    packs: tuple[ActivePack, ...]
    now: datetime

    def at(self, customer_ids: Iterable[str], known: Mapping[Placed, Tier]) -> _Found:
        """What some customers' tiers are where the log did not say so last."""
        found = _Found()
        for each in customer_ids:
            customer = self.snapshot.customer(each)
            if customer is not None and _has_tier(customer):
                self._note(found, customer, known)
        return found

    def _note(self, found: _Found, customer: Customer, known: Mapping[Placed, Tier]) -> None:
        was = {each.pack.id: known.get((customer.id, each.pack.id)) for each in self.packs}
        tiers = {pack: self.affected.tier(customer, pack) for pack in was}
        settled = {pack: tier for pack, tier in tiers.items() if tier is not None and was[pack] in (None, tier)}
        if settled.keys() == was.keys():
            # Why a tier is what it is costs more than the tier, and is asked only where it moved.
            found.first |= {(customer.id, pack): tier for pack, tier in settled.items() if was[pack] is None}
            return
        findings = findings_of(self.snapshot, self.packs, customer, self.now)
        for pack in (each.pack for each in self.packs):
            finding, before = findings[pack.id], was[pack.id]
            if before is None:
                found.first[customer.id, pack.id] = finding.tier
            elif before is not finding.tier:
                found.moves.append(Move(customer.id, pack.id, pack.sha256, before, finding))


def _has_tier(customer: Customer) -> bool:
    """Whether two people approved what its tier rests on, and the account is open."""
    return customer.standing in (Standing.APPROVED, Standing.SUSPENDED, Standing.EXPIRED)


def _write_first(tx: Transaction, *, first: Mapping[Placed, Tier]) -> None:
    """Keep the tiers that customers are seen in for the first time, unless somebody else did in the meantime."""
    known = tx.known_tiers({customer_id for customer_id, _ in first})
    tx.put_known_tiers({placed: tier for placed, tier in first.items() if placed not in known})


def _write(tx: Transaction, *, moves: Sequence[Move], now: datetime) -> int:
    """Write what moved, unless somebody else wrote it in the meantime; how many those were."""
    known = tx.known_tiers({each.customer_id for each in moves})
    fresh = [each for each in moves if known.get((each.customer_id, each.pack)) is each.before]
    tx.put_known_tiers({(each.customer_id, each.pack): each.finding.tier for each in fresh})
    tx.append_all([new_record(RecordType.TIER_CHANGED, REGISTRY, now, _facts(each)) for each in fresh])
    return len(fresh)


def _facts(move: Move) -> Facts:
    reason = move.finding.deciding
    return {
        "customer": move.customer_id,
        "pack": move.pack,
        "sha256": move.sha256,
        "before": move.before.value,
        "after": move.finding.tier.value,
        "as_of": move.finding.as_of.isoformat(),
        "reason": {
            "code": reason.code,
            "path": list(reason.path[:PATH_MAX]),
            "text": reason.text[:TEXT_CHARACTERS_MAX],
        },
    }
