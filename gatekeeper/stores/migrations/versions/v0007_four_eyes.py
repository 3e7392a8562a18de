"""Two people in SQL too: who proposed a run, a correction or an answer is never who approves it.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FIRST_HANDS = {"run": "declared_by", "correction": "proposed_by", "inquiry": "answered_by"}


def upgrade() -> None:
    """Refuse rows in which both hands are one person's, also in another spelling."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, first in _FIRST_HANDS.items():
        if sqlite:
            _guard_sqlite(table, first)
        else:
            both = f"{_key_postgresql(first)} = {_key_postgresql('approved_by')}"
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT four_eyes CHECK (approved_by = '' OR NOT ({both}))")


def _guard_sqlite(table: str, first: str) -> None:
    """SQLite adds no constraint to a table that is there."""
    same = f"NEW.approved_by <> '' AND {_key_sqlite(f'NEW.{first}')} = {_key_sqlite('NEW.approved_by')}"
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER {table}_four_eyes_{event.lower()} BEFORE {event} ON {table} WHEN {same} "
            f"BEGIN SELECT RAISE(ABORT, 'four_eyes: who proposed it cannot approve it'); END"
        )


def _key_sqlite(name: str) -> str:
    """A person without case, blanks, and what an identity provider adds behind a #."""
    plain = f"lower(replace({name}, ' ', ''))"
    return f"substr({plain}, 1, instr({plain} || '#', '#') - 1)"


def _key_postgresql(name: str) -> str:
    return f"split_part(lower(replace({name}, ' ', '')), '#', 1)"
