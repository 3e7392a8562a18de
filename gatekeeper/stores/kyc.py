"""Overrides, evidence and attestations in SQL. Evidence and attestations are only ever added."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, RowMapping, String, Table, Text, bindparam, select

from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.evidence import Attestation, CheckMethod, Evidence, Sensitivity, Statement
from gatekeeper.domain.override import Override
from gatekeeper.domain.person import person_keys
from gatekeeper.domain.tier import Tier
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import Moment, metadata
from gatekeeper.stores.versions import VersionReads, VersionWrites

override_table = Table(
    "tier_override",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("customer_id", String(63), ForeignKey("customer.id"), nullable=False),
    Column("tier", String(1), nullable=False),
    Column("hours", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_key", Text, nullable=False),
    Column("requested_unique", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_key", Text, nullable=False),
    Column("approved_unique", Text, nullable=False),
    Column("approved_at", Moment),
    Column("ended_by", Text, nullable=False),
    Column("ended_at", Moment),
)

evidence_table = Table(
    "evidence",
    metadata,
    Column("customer_id", String(63), ForeignKey("customer.id"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sensitivity", String(16), nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("collected_on", String(10)),
)

attestation_table = Table(
    "attestation",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("customer_id", String(63), ForeignKey("customer.id"), nullable=False),
    Column("statement", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("attested_by", Text, nullable=False),
    Column("attested_on", String(10), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("above_percent", Integer),
    Column("evidence", Text, nullable=False),
)


_OF_FILES = select(evidence_table).where(evidence_table.c.sha256.in_(bindparam("keys", expanding=True)))


class KycReads(VersionReads):
    """`gatekeeper.ports.kyc.KycReads`."""

    def override(self, override_id: str) -> Override | None:
        """The override, or None."""
        row = self._get(override_table, id=override_id)
        return _override_of(row) if row else None

    def overrides(self, customer_id: str | None = None) -> list[Override]:
        """All overrides of one customer or of all, oldest first."""
        return [_override_of(row) for row in self._of(override_table, customer_id, "requested_at", "id")]

    def evidence(self, customer_id: str | None = None) -> list[Evidence]:
        """Evidence on one customer or on all, oldest first."""
        return [_evidence_of(row) for row in self._of(evidence_table, customer_id, "added_at", "sha256")]

    def evidence_of(self, sha256s: Collection[str]) -> list[Evidence]:
        """Evidence on whomever that is one of these files."""
        return [_evidence_of(row) for row in self._named(_OF_FILES, sorted(sha256s))]

    def attestations(self, customer_id: str | None = None) -> list[Attestation]:
        """Attestations on one customer or on all, oldest first."""
        return [_attestation_of(row) for row in self._of(attestation_table, customer_id, "recorded_at", "id")]

    def _of(self, table: Table, customer_id: str | None, *order: str) -> list[RowMapping]:
        asked = select(table).order_by(*(table.c[name] for name in order))
        return self._all(asked if customer_id is None else asked.where(table.c.customer_id == customer_id))


class KycWrites(VersionWrites, KycReads):
    """`gatekeeper.ports.kyc.KycWrites`."""

    def put_override(self, override: Override) -> None:
        """Store an override, asked for, approved or ended."""
        self._put(override_table, _override_row(override))

    def add_evidence(self, evidence: Evidence) -> None:
        """Put a file on record.

        Raises:
            Conflict: the customer has it already, or is not stored.
        """
        if any(each.sha256 == evidence.sha256 for each in self.evidence(evidence.customer_id)):
            raise Conflict(f"Customer {evidence.customer_id} has the file {evidence.sha256} on record already.")
        values = asdict(evidence)
        values |= {"sensitivity": evidence.sensitivity.value, "collected_on": _day(evidence.collected_on)}
        self._run(add(evidence_table), values)

    def add_attestation(self, attestation: Attestation) -> None:
        """Put an attestation on record.

        Raises:
            Conflict: there is one with this id, or the customer is not stored.
        """
        values = asdict(attestation)
        values |= {
            "statement": attestation.statement.value,
            "method": attestation.method.value,
            "attested_on": _day(attestation.attested_on),
            "evidence": json.dumps(attestation.evidence),
        }
        self._run(add(attestation_table), values)


def _override_row(override: Override) -> dict[str, Any]:
    (requested, requested_unique), (approved, approved_unique) = map(
        person_keys, (override.requested_by, override.approved_by)
    )
    return {
        **asdict(override),
        "tier": override.tier.value,
        "requested_key": requested,
        "requested_unique": requested_unique,
        "approved_key": approved,
        "approved_unique": approved_unique,
    }


def _override_of(row: RowMapping) -> Override:
    fields = {name: value for name, value in row.items() if not name.endswith(("_key", "_unique"))}
    return Override(**{**fields, "tier": Tier(row["tier"])})


def _evidence_of(row: RowMapping) -> Evidence:
    collected = row["collected_on"]
    return Evidence(
        **{
            **row,
            "sensitivity": Sensitivity(row["sensitivity"]),
            "collected_on": date.fromisoformat(collected) if collected else None,
        }
    )


def _attestation_of(row: RowMapping) -> Attestation:
    return Attestation(
        **{
            **row,
            "statement": Statement(row["statement"]),
            "method": CheckMethod(row["method"]),
            "attested_on": date.fromisoformat(row["attested_on"]),
            "evidence": tuple(json.loads(row["evidence"])),
        }
    )


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
