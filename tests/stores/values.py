"""Values for tests of the stores: each as full as its kind allows, so that a lost field shows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType
from gatekeeper.domain.run import Purpose, Run, RunState
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.domain.usage import Usage
from gatekeeper.domain.workload import WorkloadRef

# One microsecond: lost by any store that keeps times as floating point or in milliseconds.
NOW = datetime(2026, 11, 22, 3, 0, 0, 1, tzinfo=UTC)
ACTOR = Actor(ActorKind.SERVICE, "controller")

PARTY = Party("zuerich-lab", PartyKind.ORG, "Zürich Læb 株式会社", "CH", ("holding", "state-fund"))
ORPHAN = Party("holding", PartyKind.ORG, "Holding", no_parent_reason="listed company")
CUSTOMER = Customer(
    "lab", PARTY.id, Standing.APPROVED, "ana", version=7, approved_by="ben", expires_at=NOW + timedelta(days=365)
)
BINDING = Binding("east", "lab-training", "lab", "frontier-1")
RUN = Run(
    "frontier-1",
    "lab",
    "Frontier",
    "ana",
    5 * 10**13,
    "model card",
    RunState.APPROVED,
    "ben",
    parameters=10**14,
    tokens=10**15 - 1,
)
SERVING = Run(
    "chat",
    "lab",
    "Serving",
    "ana",
    state=RunState.APPROVED,
    approved_by="ben",
    purpose=Purpose.INFERENCE,
    namespaces=("serve", "serve-2"),
)
CORRECTION = Correction(
    "c7", "frontier-1", -LARGEST_TFLOP, LARGEST_TFLOP, -1, "Zürich: zweimal gezählt", "ana", NOW, approved_by="ben"
)
ACCOUNT = Account("frontier-1", 5 * 10**13, Usage(1, 2, LARGEST_TFLOP), 3)


def reservation(number: int = 0, *, customer: str = "lab", run: str = "frontier-1", held_s: int = 1_000) -> Reservation:
    """A fresh reservation of 1 TFLOP a second; a higher number opened later."""
    return Reservation.open(
        id=f"uid-{number}",
        run_id=run,
        customer_id=customer,
        workload=WorkloadRef("east", "lab-training", "Job", f"train-{number}", f"uid-{number}"),
        devices={"nvidia.com/gpu": 8, "amd.com/gpu": 1},
        rate_tflop_per_s=1,
        lease_s=held_s,
        held_s=held_s,
        opened_at=NOW + timedelta(seconds=number),
    )


ENDED = Reservation(
    id="uid-ended",
    run_id="frontier-1",
    customer_id="lab",
    workload=WorkloadRef("east", "lab-training", "Pod", "ended", "uid-ended"),
    devices={"nvidia.com/gpu": 8},
    rate_tflop_per_s=10**12,
    lease_s=900,
    held_s=1_000,
    opened_at=NOW,
    pending_tflop=0,
    state=ReservationState.SETTLED,
    settled=Usage(4, 5, 6),
    started_at=NOW + timedelta(seconds=1),
    metered_until=NOW + timedelta(seconds=2),
)


def record(
    number: int = 0,
    kind: RecordType = RecordType.WORKLOAD_REFUSED,
    *,
    at: datetime = NOW,
    facts: dict[str, JsonValue] | None = None,
) -> Record:
    """The record of a number: the same number is the same event."""
    return Record(str(uuid.UUID(int=number)), at, kind, ACTOR, facts if facts is not None else {"number": number})
