"""The facts of records about compute: how domain values are written into the log, in one place.

Amounts are decimal strings of TFLOP: a record holds no number that a reader in another language could round. Moments
are whole seconds, which is all that Kubernetes says: 2026-11-22T03:00:00Z.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from gatekeeper.domain.decision import Decision
from gatekeeper.domain.ledger import Account, Pool, Reservation, Settlement
from gatekeeper.domain.record import Actor, JsonValue, Record, RecordType
from gatekeeper.domain.usage import DeviceUsage, Usage
from gatekeeper.domain.workload import Workload, WorkloadRef

Facts = Mapping[str, JsonValue]
# Sentences and reasons repeat text that customers wrote (names); a record has room for 64 KiB in all.
TEXT_CHARACTERS_MAX = 2_000
REASONS_MAX = 20
# No pod asks for more kinds of devices. A record of a stop must never be too large to be written.
DEVICE_KEYS_MAX = 64


def new_record(kind: RecordType, actor: Actor, at: datetime, facts: Facts) -> Record:
    """A record with an id of its own."""
    return Record(id=str(uuid.uuid4()), at=at, type=kind, actor=actor, facts=facts)


def ref_facts(ref: WorkloadRef) -> Facts:
    """Where a workload stands."""
    return {"cluster": ref.cluster, "namespace": ref.namespace, "kind": ref.kind, "name": ref.name, "uid": ref.uid}


def workload_facts(workload: Workload) -> Facts:
    """A workload and what it asks for; of endlessly many kinds of devices those of which it asks for most."""
    return {
        "workload": ref_facts(workload.ref),
        "devices": _most({key: count.least for key, count in workload.devices.items()}),
        "claims": workload.claims,
        "host_access": workload.host_access,
        "unknown": workload.unknown,
        "why": workload.reason[:TEXT_CHARACTERS_MAX],
    }


def _most(devices: Mapping[str, int]) -> dict[str, JsonValue]:
    """The kinds of which there are most, as many as a record has room for."""
    return dict(sorted(devices.items(), key=lambda each: -each[1])[:DEVICE_KEYS_MAX])


def decision_facts(decision: Decision) -> Facts:
    """A decision with every reason."""
    return {
        "verdict": decision.verdict.value,
        "sentence": decision.sentence[:TEXT_CHARACTERS_MAX],
        "tier": decision.tier.value if decision.tier else None,
        "limit_tflop": _amount(decision.limit_tflop),
        "used_tflop": _amount(decision.used_tflop),
        "packs": dict(decision.packs),
        "reasons": [
            {
                "pack": reason.pack,
                "code": reason.code,
                "text": reason.text[:TEXT_CHARACTERS_MAX],
                "verdict": reason.verdict.value,
                "unmoderated": reason.unmoderated.value,
            }
            for reason in decision.reasons[:REASONS_MAX]
        ],
    }


def reservation_facts(reservation: Reservation, pool: Pool, decision: Decision) -> Facts:
    """A reservation as it is opened; `pool` holds the accounts after it was booked."""
    account = next(each for each in pool.accounts if each.run_id == reservation.run_id)
    return {
        "reservation": reservation.id,
        "run": reservation.run_id,
        "customer": reservation.customer_id,
        "workload": ref_facts(reservation.workload),
        "devices": _most(reservation.devices),
        "amount_tflop": str(reservation.amount_tflop),
        "rate_tflop_per_s": str(reservation.rate_tflop_per_s),
        "lease_s": reservation.lease_s,
        "held_s": reservation.held_s,
        "purpose": pool.purpose.value,
        "limit_tflop": str(pool.limit_tflop),
        "pool": {
            "runs": [each.run_id for each in pool.accounts],
            "beside_tflop": str(pool.beside_tflop),
            "twice_tflop": str(pool.twice_tflop),
            "used_tflop": str(pool.used_tflop),
            **({"extra_tflop": str(pool.extra_tflop)} if pool.extra_tflop else {}),
        },
        "decision": decision_facts(decision),
        "after": account_facts(account),
    }


def metering_facts(reservation: Reservation) -> Facts:
    """The metering of a pod under a clearance as it begins; "from" is later than its start where its namespace was
    bound only then."""
    return {
        "reservation": reservation.id,
        "run": reservation.run_id,
        "customer": reservation.customer_id,
        "workload": ref_facts(reservation.workload),
        "devices": _most(reservation.devices),
        "rate_tflop_per_s": str(reservation.rate_tflop_per_s),
        "started_at": _moment_or_none(reservation.started_at),
        "from": _moment_or_none(reservation.metered_until),
    }


def settlement_facts(settlement: Settlement, account: Account) -> Facts:
    """A piece of a reservation as it is settled; `account` is the one after it was booked.

    What runs under a clearance has neither released nor overrun amounts: nothing was held for it.
    """
    facts: dict[str, JsonValue] = {
        "reservation": settlement.reservation_id,
        "run": settlement.run_id,
        "customer": settlement.customer_id,
        "from": moment(settlement.begins_at),
        "through": moment(settlement.through),
        **_usage_facts(settlement.usage),
        "final": settlement.final,
        "after": account_facts(account),
    }
    if settlement.holds:
        facts["released_tflop"] = str(settlement.released_tflop)
        facts["overrun_tflop"] = str(settlement.overrun_tflop)
    if settlement.devices:
        facts.update(_device_facts(settlement.devices))
    return facts


def _device_facts(devices: Sequence[DeviceUsage]) -> Facts:
    """The kind of device and its seconds; of several kinds the usage of each, and the seconds of all."""
    device_s = sum(each.device_s for each in devices)
    if len(devices) == 1:
        return {"device": devices[0].device, "device_s": device_s}
    by_device: Facts = {each.device: {"device_s": each.device_s, **_usage_facts(each.usage)} for each in devices}
    return {"device_s": device_s, "by_device": by_device}


def _usage_facts(usage: Usage) -> Facts:
    return {
        "low_tflop": str(usage.low_tflop),
        "best_tflop": str(usage.best_tflop),
        "high_tflop": str(usage.high_tflop),
    }


def void_facts(reservation: Reservation, account: Account, *, reason: str) -> Facts:
    """A reservation given back whole; `account` is the one after it was booked."""
    return {
        "reservation": reservation.id,
        "run": reservation.run_id,
        "customer": reservation.customer_id,
        "workload": ref_facts(reservation.workload),
        "released_tflop": str(reservation.pending_tflop),
        "reason": reason[:TEXT_CHARACTERS_MAX],
        "after": account_facts(account),
    }


def account_facts(account: Account) -> Facts:
    """Totals of a run."""
    return {
        "carried_in_tflop": str(account.carried_in_tflop),
        "settled_tflop": str(account.settled.high_tflop),
        "pending_tflop": str(account.pending_tflop),
    }


def clearance_facts(
    cluster: str,
    namespace: str,
    until: datetime | None,
    *,
    customer_id: str | None = None,
    packs: Mapping[str, str] | None = None,
) -> Facts:
    """A clearance as it is withdrawn (None), or given: to which customer, and by which packs that enforce."""
    place: Facts = {"cluster": cluster, "namespace": namespace, "until": moment(until) if until else None}
    return place if packs is None else {**place, "customer": customer_id, "packs": dict(packs)}


def moment(at: datetime) -> str:
    """A moment as facts write it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment_or_none(at: datetime | None) -> str | None:
    return None if at is None else moment(at)


def _amount(tflop: int | None) -> str | None:
    return None if tflop is None else str(tflop)
