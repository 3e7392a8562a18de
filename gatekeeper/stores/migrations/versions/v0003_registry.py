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
    _bindings()
    _runs()
    _answers()
    _profiles()
    _batches()
    _observations()
    _inquiries()


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


def _runs() -> None:
    """What a run rests on. Nothing was declared of the runs that there are, so no allowance holds for them."""
    for name, before in (("lineage", ""), ("particulars", "{}")):
        op.add_column("run", sa.Column(name, sa.Text, nullable=False, server_default=before))
    op.create_table(
        "reservation_end",
        sa.Column("reservation_id", sa.String(253), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "run_join",
        sa.Column("one", sa.String(63), primary_key=True),
        sa.Column("other", sa.String(63), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("joined_by", sa.Text, nullable=False),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
    )


def _bindings() -> None:
    """Which namespace it is that was bound, and what waits for a second person. What is bound already stays bound."""
    for name in ("uid", "found_uid"):
        op.add_column("binding", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "binding_proposal",
        sa.Column("cluster", sa.String(253), primary_key=True),
        sa.Column("namespace", sa.String(253), primary_key=True),
        sa.Column("customer_id", sa.String(63), nullable=False),
        sa.Column("run_id", sa.String(80)),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
    )


def _profiles() -> None:
    """What a customer was asked before its account was opened, beside the salt of the hash that the log holds."""
    op.create_table(
        "profile",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("profile_by_customer", "profile", ["customer_id", "number"], unique=True)
    op.add_column("customer", sa.Column("profile_sha256", sa.String(64), nullable=False, server_default=""))


def _observations() -> None:
    """What a register says about parties: evidence beside the record."""
    op.create_table(
        "observation",
        sa.Column("lei", sa.String(20), primary_key=True),
        sa.Column("source", sa.String(16), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def _batches() -> None:
    """Customers that were applied together."""
    op.create_table(
        "batch",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("prepared_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("customers", sa.Text, nullable=False),
    )


def _inquiries() -> None:
    """What a hold asks, and the answer."""
    op.create_table(
        "inquiry",
        sa.Column("id", sa.String(160), primary_key=True),
        sa.Column("customer_id", sa.String(63), nullable=False),
        sa.Column("run_id", sa.String(80), nullable=False, index=True),
        sa.Column("pack_id", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("limit_tflop", sa.BigInteger),
        sa.Column("until", sa.String(10), nullable=False),
        sa.Column("answered_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
    )


_PARTY = ("id", "kind", "legal_name", "headquarters", "parents", "no_parent_reason")
