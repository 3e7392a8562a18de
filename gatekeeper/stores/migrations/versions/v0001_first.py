"""The first schema: who, what it may use, what it uses, and the log.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Nothing of genesis: an empty tree is eight zero bytes (its size) and no nodes.
EMPTY_FRONTIER = bytes(8)


def upgrade() -> None:
    """Create all tables, the one row of the log's head, and the guards of the log."""
    _people()
    _ledger()
    _log()
    guards = {"sqlite": _guard_sqlite, "postgresql": _guard_postgresql}
    guards[op.get_context().dialect.name]()


def _people() -> None:
    op.create_table(
        "party",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("legal_name", sa.Text, nullable=False),
        sa.Column("headquarters", sa.String(2), nullable=False),
        sa.Column("parents", sa.Text, nullable=False),
        sa.Column("no_parent_reason", sa.Text, nullable=False),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("party_id", sa.String(63), nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("prepared_by", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "proposal",
        sa.Column("customer_id", sa.String(63), primary_key=True),
        sa.Column("proposal", sa.Text, nullable=False),
    )
    op.create_table(
        "binding",
        sa.Column("cluster", sa.String(253), primary_key=True),
        sa.Column("namespace", sa.String(253), primary_key=True),
        sa.Column("customer_id", sa.String(63), sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("run_id", sa.String(80)),
    )


def _ledger() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("customer_id", sa.String(63), sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("declared_by", sa.Text, nullable=False),
        sa.Column("carried_in_tflop", sa.BigInteger, nullable=False),
        sa.Column("carried_in_source", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
    )
    op.create_table(
        "account",
        sa.Column("run_id", sa.String(80), primary_key=True),
        sa.Column("carried_in_tflop", sa.BigInteger, nullable=False),
        sa.Column("low_tflop", sa.BigInteger, nullable=False),
        sa.Column("best_tflop", sa.BigInteger, nullable=False),
        sa.Column("high_tflop", sa.BigInteger, nullable=False),
        sa.Column("pending_tflop", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.String(253), primary_key=True),
        sa.Column("run_id", sa.String(80), nullable=False),
        sa.Column("customer_id", sa.String(63), nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("devices", sa.Text, nullable=False),
        sa.Column("rate_tflop_per_s", sa.BigInteger, nullable=False),
        sa.Column("lease_s", sa.BigInteger, nullable=False),
        sa.Column("held_s", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("pending_tflop", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("low_tflop", sa.BigInteger, nullable=False),
        sa.Column("best_tflop", sa.BigInteger, nullable=False),
        sa.Column("high_tflop", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("metered_until", sa.BigInteger),
    )
    op.create_index("reservation_by_state", "reservation", ["state", "opened_at"])


def _log() -> None:
    op.create_table(
        "record",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("customer", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("record_by_type", "record", ["type", "seq"])
    op.create_index("record_by_customer", "record", ["customer", "seq"])
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "frontier": EMPTY_FRONTIER}])
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
    )


def _guard_sqlite() -> None:
    """Refuse to change or remove a record; `INSERT OR REPLACE` removes without asking the DELETE trigger."""
    for name, moment in {
        "record_kept_update": "BEFORE UPDATE ON record",
        "record_kept_delete": "BEFORE DELETE ON record",
        "record_kept_replace": (
            "BEFORE INSERT ON record WHEN EXISTS (SELECT 1 FROM record WHERE seq = NEW.seq OR id = NEW.id)"
        ),
    }.items():
        op.execute(
            f"CREATE TRIGGER {name} {moment} "
            "BEGIN SELECT RAISE(ABORT, 'records of the log are never changed or removed'); END"
        )


def _guard_postgresql() -> None:
    """Refuse to change, remove or truncate records."""
    op.execute(
        "CREATE FUNCTION record_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'records of the log are never changed or removed' "
        "USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    op.execute(
        "CREATE TRIGGER record_kept BEFORE UPDATE OR DELETE ON record FOR EACH ROW EXECUTE FUNCTION record_kept()"
    )
    op.execute(
        "CREATE TRIGGER record_kept_all BEFORE TRUNCATE ON record FOR EACH STATEMENT EXECUTE FUNCTION record_kept()"
    )
