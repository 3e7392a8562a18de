"""Counting: what a run is for and how large it is meant to be, usage by day and device, and corrections.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns to the runs (every run so far is for training), and two tables."""
    op.add_column("run", sa.Column("purpose", sa.String(16), nullable=False, server_default="training"))
    op.add_column("run", sa.Column("parameters", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("run", sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("run", sa.Column("namespaces", sa.Text, nullable=False, server_default="[]"))
    op.create_table(
        "daily_usage",
        sa.Column("run_id", sa.String(80), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("device", sa.String(80), primary_key=True),
        sa.Column("device_s", sa.BigInteger, nullable=False),
        *_amounts(),
    )
    op.create_table(
        "correction",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("run_id", sa.String(80), nullable=False),
        *_amounts(),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
    )


def _amounts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in ("low_tflop", "best_tflop", "high_tflop")]
