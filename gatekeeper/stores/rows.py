"""Rows to domain values and back: the only place that knows both."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.lineage_facts import lineage_json, lineage_of_json
from gatekeeper.domain.particulars import particulars_json, particulars_of
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json, party_of
from gatekeeper.domain.record import Record, canonical_json, encode
from gatekeeper.domain.run import Purpose, Run, RunState
from gatekeeper.domain.usage import DailyUsage, Usage
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.stores.tables import stored_moment

Values = dict[str, Any]
# By value: looking a member up in its enum costs several times as much.
STATES = {each.value: each for each in ReservationState}


def party_row(party: Party) -> Values:
    """Columns of a party: what people search by, and the whole as JSON."""
    return {"id": party.id, "legal_name": party.legal_name, "body": canonical_json(party_json(party)).decode()}


def party_of_row(row: RowMapping) -> Party:
    """The party of a row."""
    return party_of(json.loads(row["body"]))


def customer_row(customer: Customer) -> Values:
    """Columns of a customer."""
    return {
        "id": customer.id,
        "party_id": customer.party_id,
        "standing": customer.standing.value,
        "prepared_by": customer.prepared_by,
        "version": customer.version,
        "approved_by": customer.approved_by,
        "expires_at": customer.expires_at,
        "reason": customer.reason,
        "profile_sha256": customer.profile_sha256,
        "attempts": customer.attempts,
        "final": int(customer.final),
        "comment": customer.comment,
    }


def customer_of(row: RowMapping) -> Customer:
    """The customer of a row."""
    fields = {name: value for name, value in row.items() if not name.endswith(("_key", "_unique"))}
    return Customer(**{**fields, "standing": Standing(row["standing"]), "final": bool(row["final"])})


# Read once: `asdict` copies what cannot change, which takes longer than to store it.
_CUSTOMER = tuple(each.name for each in fields(Customer))


def customer_json(customer: Customer) -> Values:
    """The customer as JSON values, as its versions hold it."""
    end = customer.expires_at
    told = {name: getattr(customer, name) for name in _CUSTOMER}
    return {**told, "standing": customer.standing.value, "expires_at": end.isoformat() if end else None}


def customer_of_json(fields: Values) -> Customer:
    """The customer of JSON values; one from before a field was kept has its first value."""
    end = fields["expires_at"]
    known = {**fields, "standing": Standing(fields["standing"])}
    return Customer(**{**known, "expires_at": datetime.fromisoformat(end) if end else None})


def binding_row(binding: Binding) -> Values:
    """Columns of a binding."""
    return asdict(binding)


def binding_of(row: RowMapping) -> Binding:
    """The binding of a row."""
    return Binding(**row)


def run_row(run: Run) -> Values:
    """Columns of a run."""
    return {
        **asdict(run),
        "state": run.state.value,
        "purpose": run.purpose.value,
        "namespaces": json.dumps(run.namespaces),
        "lineage": json.dumps(lineage_json(run.lineage), sort_keys=True) if run.lineage else "",
        "particulars": json.dumps(particulars_json(run.particulars), sort_keys=True),
    }


def run_of(row: RowMapping) -> Run:
    """The run of a row."""
    return Run(
        **{
            **row,
            "state": RunState(row["state"]),
            "purpose": Purpose(row["purpose"]),
            "namespaces": tuple(json.loads(row["namespaces"])),
            "lineage": lineage_of_json(json.loads(row["lineage"])) if row["lineage"] else None,
            "particulars": particulars_of(json.loads(row["particulars"])),
        }
    )


def daily_usage_row(entry: DailyUsage) -> Values:
    """Columns of a day's usage."""
    return {
        "run_id": entry.run_id,
        "day": entry.day.isoformat(),
        "device": entry.device,
        "device_s": entry.device_s,
        **_usage_columns(entry.usage),
    }


def daily_usage_of(row: RowMapping) -> DailyUsage:
    """The usage of a row."""
    return DailyUsage(row["run_id"], date.fromisoformat(row["day"]), row["device"], row["device_s"], _usage_of(row))


def correction_row(correction: Correction) -> Values:
    """Columns of a correction."""
    return asdict(correction)


def correction_of(row: RowMapping) -> Correction:
    """The correction of a row."""
    return Correction(**row)


def account_row(account: Account) -> Values:
    """Columns of an account."""
    return {
        "run_id": account.run_id,
        "carried_in_tflop": account.carried_in_tflop,
        **_usage_columns(account.settled),
        "pending_tflop": account.pending_tflop,
    }


def account_of(row: RowMapping) -> Account:
    """The account of a row."""
    return Account(
        run_id=row["run_id"],
        carried_in_tflop=row["carried_in_tflop"],
        settled=_usage_of(row),
        pending_tflop=row["pending_tflop"],
    )


def reservation_row(reservation: Reservation) -> Values:
    """Columns of a reservation; workload and devices as JSON objects."""
    return {
        "id": reservation.id,
        "run_id": reservation.run_id,
        "customer_id": reservation.customer_id,
        "workload": json.dumps(asdict(reservation.workload), sort_keys=True),
        "devices": json.dumps(dict(reservation.devices), sort_keys=True),
        "rate_tflop_per_s": reservation.rate_tflop_per_s,
        "lease_s": reservation.lease_s,
        "held_s": reservation.held_s,
        "opened_at": reservation.opened_at,
        "pending_tflop": reservation.pending_tflop,
        "state": reservation.state.value,
        **_usage_columns(reservation.settled),
        "started_at": reservation.started_at,
        "metered_until": reservation.metered_until,
    }


# The columns that change in the life of a reservation.
PROGRESS = ("pending_tflop", "state", "low_tflop", "best_tflop", "high_tflop", "started_at", "metered_until")


def progress_row(reservation: Reservation) -> Values:
    """The key of a reservation and the columns that change in its life, as they are stored."""
    return {
        "id": reservation.id,
        "pending_tflop": reservation.pending_tflop,
        "state": reservation.state.value,
        **_usage_columns(reservation.settled),
        "started_at": stored_moment(reservation.started_at),
        "metered_until": stored_moment(reservation.metered_until),
    }


def record_row(record: Record, seq: int, leaf: bytes) -> Values:
    """Columns of a record at its index, with its leaf hash, as they are stored."""
    customer = record.facts.get("customer")
    return {
        "seq": seq,
        "id": record.id,
        "at": stored_moment(record.at),
        "type": record.type.value,
        "customer": customer if isinstance(customer, str) else None,
        "body": encode(record),
        "leaf_hash": leaf,
    }


def reservation_of(row: RowMapping) -> Reservation:
    """The reservation of a row with all columns of its table, in their order: ten thousand are read at once."""
    values: tuple[Any, ...] = tuple(row.values())
    (
        uid, run_id, customer_id, workload, devices, rate, lease_s, held_s, opened_at,
        pending, state, low, best, high, started_at, metered_until,
    ) = values  # fmt: skip
    return Reservation(
        id=uid,
        run_id=run_id,
        customer_id=customer_id,
        workload=WorkloadRef(**json.loads(workload)),
        devices=json.loads(devices),
        rate_tflop_per_s=rate,
        lease_s=lease_s,
        held_s=held_s,
        opened_at=opened_at,
        pending_tflop=pending,
        state=STATES[state],
        settled=Usage(low, best, high),
        started_at=started_at,
        metered_until=metered_until,
    )


def _usage_columns(usage: Usage) -> Values:
    return {"low_tflop": usage.low_tflop, "best_tflop": usage.best_tflop, "high_tflop": usage.high_tflop}


def _usage_of(row: RowMapping) -> Usage:
    return Usage(row["low_tflop"], row["best_tflop"], row["high_tflop"])
