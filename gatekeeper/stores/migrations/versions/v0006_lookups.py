"""What was read from all records, by key: which notices are on record, and who owns whom.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Look-ups in place of reading everything."""
    _notices()
    _owners()
    op.create_index("customer_by_party", "customer", ["party_id"])


def _notices() -> None:
    """One row for each notice on record; those that the log has are never told again."""
    table = op.create_table(
        "notice",
        sa.Column("customer_id", sa.String(63), primary_key=True),
        sa.Column("ends_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), primary_key=True),
    )
    connection = op.get_bind()
    told = connection.execute(sa.text("SELECT body FROM record WHERE type = 'customer.notice'")).scalars().all()
    keys = {_key(json.loads(bytes(body))["facts"]) for body in told}
    for customer, ends_s, kind in sorted(keys):
        connection.execute(sa.insert(table).values(customer_id=customer, ends_s=ends_s, kind=kind))


def _key(facts: dict[str, str]) -> tuple[str, int, str]:
    return facts["customer"], int(datetime.fromisoformat(facts["expires_at"]).timestamp()), facts["kind"]


def _owners() -> None:
    """One row for each owner that a party names, for whatever day."""
    table = op.create_table(
        "party_owner",
        sa.Column("party_id", sa.String(63), primary_key=True),
        sa.Column("owner_id", sa.String(63), primary_key=True),
    )
    op.create_index("party_owner_by_owner", "party_owner", ["owner_id"])
    connection = op.get_bind()
    for party, text in connection.execute(sa.text("SELECT id, body FROM party")).all():
        body = json.loads(text)
        named = {*body.get("parents", ()), *(each["owner"] for each in body.get("interests", ()))}
        for owner in sorted(named | ({body["branch_of"]} if body.get("branch_of") else set())):
            connection.execute(sa.insert(table).values(party_id=party, owner_id=owner))
