"""The tables, as SQLAlchemy Core sees them. The migrations create them; a test holds the two together.

Amounts are whole TFLOP in BIGINT. A time is whole microseconds since 1970 UTC in BIGINT: the same on every database,
exact, and ordered. Bytes of records are kept verbatim, because they are what was hashed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# The newest migration. Opening a database that stands here needs no migration tool at all.
SCHEMA = "0008"
# The one row of `log_head`.
HEAD = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def stored_moment(value: datetime | None) -> int | None:
    """A time as its column holds it."""
    return None if value is None else (value - _EPOCH) // _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """A naive time raises TypeError here: it cannot be subtracted from an aware one."""
        return stored_moment(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The time as it was written."""
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = MetaData()

party = Table(
    "party",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("legal_name", Text, nullable=False),
    # The whole party as canonical JSON (domain/party_facts): its fields grow, and are always read together.
    Column("body", Text, nullable=False),
)

customer = Table(
    "customer",
    metadata,
    Column("id", String(63), primary_key=True),
    # Not a foreign key: a submitted customer's party enters the graph only with the approval.
    Column("party_id", String(63), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("prepared_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("expires_at", Moment),
    Column("reason", Text, nullable=False),
    Column("profile_sha256", String(64), nullable=False),
    Column("comment", Text, nullable=False),
    # Both people in one spelling each, so that the database itself refuses an approval by the preparer.
    *(Column(f"{who}_{part}", Text, nullable=False) for who in ("prepared", "approved") for part in ("key", "unique")),
    Column("attempts", Integer, nullable=False),
    Column("final", Integer, nullable=False),
    Index("customer_by_party", "party_id"),
)

proposal = Table(
    "proposal",
    metadata,
    Column("customer_id", String(63), primary_key=True),
    Column("proposal", Text, nullable=False),
)

binding = Table(
    "binding",
    metadata,
    Column("cluster", String(253), primary_key=True),
    Column("namespace", String(253), primary_key=True),
    Column("customer_id", String(63), ForeignKey("customer.id"), nullable=False),
    Column("run_id", String(80)),
    Column("uid", Text, nullable=False),
    Column("found_uid", Text, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("customer_id", String(63), ForeignKey("customer.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("carried_in_tflop", BigInteger, nullable=False),
    Column("carried_in_source", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("parameters", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("namespaces", Text, nullable=False),
    # Both as JSON (domain/lineage_facts, domain/particulars); no lineage is "".
    Column("lineage", Text, nullable=False),
    Column("particulars", Text, nullable=False),
)

# No foreign key to `run`: undeclared training is booked on accounts that nobody declared.
account = Table(
    "account",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("carried_in_tflop", BigInteger, nullable=False),
    Column("low_tflop", BigInteger, nullable=False),
    Column("best_tflop", BigInteger, nullable=False),
    Column("high_tflop", BigInteger, nullable=False),
    Column("pending_tflop", BigInteger, nullable=False),
)

reservation = Table(
    "reservation",
    metadata,
    Column("id", String(253), primary_key=True),
    Column("run_id", String(80), nullable=False),
    Column("customer_id", String(63), nullable=False),
    Column("workload", Text, nullable=False),
    Column("devices", Text, nullable=False),
    Column("rate_tflop_per_s", BigInteger, nullable=False),
    Column("lease_s", BigInteger, nullable=False),
    Column("held_s", BigInteger, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("pending_tflop", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("low_tflop", BigInteger, nullable=False),
    Column("best_tflop", BigInteger, nullable=False),
    Column("high_tflop", BigInteger, nullable=False),
    Column("started_at", Moment),
    Column("metered_until", Moment),
    # Ended reservations pile up for years; the open ones are asked for every few seconds.
    Index("reservation_by_state", "state", "opened_at"),
)

# `day` is YYYY-MM-DD, UTC. Sums of what the settlement records say, so that nobody has to read a log to draw a line.
daily_usage = Table(
    "daily_usage",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("device", String(80), primary_key=True),
    Column("device_s", BigInteger, nullable=False),
    Column("low_tflop", BigInteger, nullable=False),
    Column("best_tflop", BigInteger, nullable=False),
    Column("high_tflop", BigInteger, nullable=False),
)

# Corrections that wait for a second person, or were approved; amounts are signed.
correction = Table(
    "correction",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("run_id", String(80), nullable=False),
    Column("low_tflop", BigInteger, nullable=False),
    Column("best_tflop", BigInteger, nullable=False),
    Column("high_tflop", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("approved_by", Text, nullable=False),
)

# `type`, `customer` and `at` are copies out of `body`, to search by. Nobody trusts them: readers decode `body`.
record = Table(
    "record",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("type", String(64), nullable=False),
    Column("customer", Text),
    Column("body", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Index("record_by_type", "type", "seq"),
    Index("record_by_customer", "customer", "seq"),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
