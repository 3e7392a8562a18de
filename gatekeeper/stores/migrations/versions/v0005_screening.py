"""Screening: lists as loaded, and hits with who judged them.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Restrictive lists, and hits of parties on them, put aside by two people only."""
    op.create_table(
        "screening_list",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("published_on", sa.String(10), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("matcher", sa.Integer, nullable=False),
        sa.Column("loaded_by", sa.Text, nullable=False),
    )
    op.create_table(
        "screening_entry",
        sa.Column("list", sa.String(63), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "screening_hit",
        sa.Column("id", sa.String(16), primary_key=True),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in _HIT_KEYS.items()),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("entry_key", "party_name", "entry_name")),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("judged_by", "reason", "confirmed_by")),
        sa.Column("listed_from", sa.String(10)),
        sa.Column("listed_to", sa.String(10)),
        sa.CheckConstraint(
            "(state <> 'false_positive' OR confirmed_by <> '') AND "
            "(confirmed_by = '' OR lower(replace(confirmed_by, ' ', '')) <> lower(replace(judged_by, ' ', '')))",
            "four_eyes",
        ),
    )
    op.create_index("screening_hit_by_party", "screening_hit", ["party_id"])
    op.create_index("screening_hit_by_state", "screening_hit", ["state"])


_HIT_KEYS = {"party_id": 63, "party_sha256": 64, "list": 63, "entry_sha256": 64}
