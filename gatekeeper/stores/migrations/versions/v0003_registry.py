"""The registry: parties with interests and listings, held whole.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every noun of this version, one function each."""
    _parties()
    _tiers()
    _users()
    _answers()


def _parties() -> None:
    """Hold a party as one JSON text: what it is grows, and is always read together."""
    before = sa.table("party", *map(sa.column, (*_PARTY, "body")))
    op.add_column("party", sa.Column("body", sa.Text, nullable=False, server_default=""))
    connection = op.get_bind()
    for row in connection.execute(sa.select(before)).mappings().all():
        party = {name: row[name] for name in _PARTY} | {"parents": json.loads(row["parents"])}
        body = json.dumps(party, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(before).where(before.c.id == row["id"]).values(body=body))
    with op.batch_alter_table("party") as table:
        for name in ("kind", "headquarters", "parents", "no_parent_reason"):
            table.drop_column(name)


def _tiers() -> None:
    """The last known tier of each customer, so that a moved one is noticed whatever moved it."""
    op.create_table(
        "known_tier",
        sa.Column("customer_id", sa.String(63), primary_key=True),
        sa.Column("pack", sa.String(63), primary_key=True),
        sa.Column("tier", sa.String(16), nullable=False),
    )


def _users() -> None:
    """People who have a token of ours; what each was before stands in the log."""
    op.create_table(
        "local_user",
        sa.Column("person", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("handed", sa.Boolean, nullable=False),
        sa.Column("disabled_by", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("was_admin", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )


def _answers() -> None:
    """Answers to requests that name themselves, kept for a day."""
    op.create_table(
        "kept_answer",
        sa.Column("caller", sa.String(600), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("kept_answer_by_time", "kept_answer", ["at"])


_PARTY = ("id", "kind", "legal_name", "headquarters", "parents", "no_parent_reason")
