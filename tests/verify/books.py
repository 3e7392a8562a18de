"""A small provider's log for the tests: the real ledger, the real facts, a real key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatekeeper.domain.checkpoint import Checkpoint, NoteSignature, VerifierKey, write_note
from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.export import ExportHeader
from gatekeeper.domain.ledger import Account, Pool, Reservation, reserve, settle, void
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType, encode
from gatekeeper.domain.run import is_undeclared
from gatekeeper.domain.usage import DeviceUsage, Usage, total
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.facts import metering_facts, reservation_facts, settlement_facts, void_facts

ORIGIN = "log.example/gatekeeper"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(ORIGIN, PRIVATE.public_key().public_bytes_raw())
START = datetime(2026, 11, 22, 3, tzinfo=UTC)
CONTROLLER = Actor(ActorKind.SERVICE, "controller")
LIMIT_TFLOP = 10_000
ALLOWED = Decision(Verdict.ALLOW, (), "", packs={"us-ai-diffusion": "ab" * 32})


def note_over(leaves: list[bytes], *, origin: str = ORIGIN, private: Ed25519PrivateKey = PRIVATE) -> str:
    """A signed note over some leaves, by the log's key or another one."""
    key = VerifierKey(origin, private.public_key().public_bytes_raw())
    root = Frontier().extend(map(leaf_hash, leaves)).root()
    text = Checkpoint(origin, len(leaves), root).text()
    return write_note(text, NoteSignature(origin, key.id, private.sign(text.encode())))


def export_of(leaves: list[bytes]) -> bytes:
    """A good export of some leaves."""
    header = ExportHeader(ORIGIN, len(leaves), note_over(leaves))
    return header.line() + b"".join(leaf + b"\n" for leaf in leaves)


@dataclass
class Books:
    """Runs, reservations and the records about them, as the product writes them."""

    leaves: list[bytes] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def add(self, kind: RecordType, facts: Mapping[str, JsonValue]) -> None:
        """Append a record; its id and time follow from its place."""
        number = len(self.leaves)
        at = START + timedelta(minutes=number)
        self.leaves.append(encode(Record(str(uuid.UUID(int=number)), at, kind, CONTROLLER, facts)))

    def approve(self, run: str, *, carried_in_tflop: int = 0) -> None:
        """Declare and approve a run."""
        self.accounts[run] = Account(run, carried_in_tflop=carried_in_tflop)
        facts = {"run": run, "customer": "acme", "carried_in_tflop": str(carried_in_tflop)}
        self.add(RecordType.RUN_DECLARED, facts)
        self.add(RecordType.RUN_APPROVED, facts)

    def hold(self, name: str, run: str, *, seconds: int, rate: int = 1, with_runs: tuple[str, ...] = ()) -> None:
        """Reserve rate x seconds for a run, which may share its limit with others; undeclared training counts beside a
        declared run, and the declared one that used most beside it."""
        reservation = Reservation.open(
            id=name,
            run_id=run,
            customer_id="acme",
            workload=WorkloadRef("c1", "acme-train", "Pod", name, name),
            devices={"nvidia.com/gpu": 8},
            rate_tflop_per_s=rate,
            lease_s=seconds - 10,
            held_s=seconds,
            opened_at=START,
        )
        beside = self.beside(run)
        runs = (run, *with_runs, *beside)
        pool = Pool(LIMIT_TFLOP, tuple(self.accounts.setdefault(each, Account(each)) for each in runs))
        self.accounts[run] = reserve(pool, reservation)
        self.reservations[name] = reservation
        after = Pool(LIMIT_TFLOP, tuple(self.accounts[each] for each in runs), beside=beside)
        self.add(RecordType.RESERVATION_PENDING, reservation_facts(reservation, after, ALLOWED))

    def beside(self, run: str) -> tuple[str, ...]:
        """What counts beside a run of acme."""
        if not is_undeclared(run):
            return ("undeclared.acme",)
        declared = [each for name, each in self.accounts.items() if name.startswith("llm")]
        return tuple(each.run_id for each in sorted(declared, key=lambda each: -each.used_tflop)[:1])

    def settle(self, name: str, *, seconds: int, high: int, final: bool = False) -> None:
        """Settle the next seconds of a reservation."""
        before = self.reservations[name]
        begins_at = before.metered_until or START
        account, self.reservations[name], settlement = settle(
            self.accounts[before.run_id],
            before,
            begins_at=begins_at,
            through=begins_at + timedelta(seconds=seconds),
            usage=Usage(high // 2, high * 3 // 4, high),
            final=final,
        )
        self.accounts[before.run_id] = account
        self.add(RecordType.RESERVATION_SETTLED, settlement_facts(settlement, account))

    def meter(
        self, name: str, run: str, *, devices: tuple[DeviceUsage, ...], seconds: int, final: bool = False
    ) -> None:
        """Settle the next seconds of a pod that runs under a clearance; the first time its metering begins."""
        before = self.reservations.get(name)
        if before is None:
            before = Reservation.of_cleared(
                id=name,
                run_id=run,
                customer_id="acme",
                workload=WorkloadRef("c1", "acme-train", "Pod", name, name),
                devices={"nvidia.com/gpu": 8},
                rate_tflop_per_s=1,
                opened_at=START,
            )
            before = replace(before, started_at=START, metered_until=START)
            self.accounts.setdefault(run, Account(run))
            self.add(RecordType.METERING_BEGUN, metering_facts(before))
        self.book(name, before, devices=devices, seconds=seconds, final=final)

    def book(
        self, name: str, before: Reservation, *, devices: tuple[DeviceUsage, ...], seconds: int, final: bool
    ) -> None:
        """Settle the next seconds by device."""
        begins_at = before.metered_until or START
        account, self.reservations[name], settlement = settle(
            self.accounts[before.run_id],
            before,
            begins_at=begins_at,
            through=begins_at + timedelta(seconds=seconds),
            usage=total(each.usage for each in devices),
            final=final,
            devices=devices,
        )
        self.accounts[before.run_id] = account
        kind = RecordType.RESERVATION_SETTLED if settlement.holds else RecordType.METERING_SETTLED
        self.add(kind, settlement_facts(settlement, account))

    def void(self, name: str) -> None:
        """Give a reservation back."""
        before = self.reservations[name]
        account, self.reservations[name] = void(self.accounts[before.run_id], before)
        self.accounts[before.run_id] = account
        self.add(RecordType.RESERVATION_VOIDED, void_facts(before, account, reason="the patch met a conflict"))


def a_days_work() -> Books:
    """Two runs and one undeclared; pieces, an end, a void, an overrun, and one reservation still open."""
    books = Books()
    books.approve("llm-1", carried_in_tflop=4_000)
    books.hold("pod-a", "llm-1", seconds=1_000, rate=2)
    books.settle("pod-a", seconds=300, high=450)
    books.hold("pod-b", "undeclared.acme", seconds=500)
    books.void("pod-b")
    books.settle("pod-a", seconds=300, high=600, final=True)
    books.hold("pod-c", "llm-1", seconds=200)
    books.settle("pod-c", seconds=250, high=260, final=True)
    books.hold("pod-d", "llm-1", seconds=100)
    books.add(RecordType.WORKLOAD_REFUSED, {"customer": "acme", "sentence": "Zürich 中: no budget left"})
    return books
