"""What the registry's second pass needs.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each noun's change stands in a function of its own below."""
    _questions()
    _retention()
    _logins()


def _questions() -> None:
    """A pack may ask several questions about a run. Those of before have no id: they are known by their words."""
    op.add_column("inquiry", sa.Column("asks", sa.String(63), nullable=False, server_default=""))
    if op.get_bind().dialect.name != "sqlite":  # which holds texts of any length in it
        op.alter_column("inquiry", "id", type_=sa.String(220))


def _retention() -> None:
    """Legal holds and erasures; profiles are removed by two people alone, and never changed."""
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("customer_id", sa.String(63), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reason", "placed_by")),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("lift_reason", "lift_asked_by")),
        sa.Column("lift_asked_at", sa.BigInteger),
        sa.Column("lifted_by", sa.Text, nullable=False),
        sa.Column("lifted_at", sa.BigInteger),
        sa.CheckConstraint("(lifted_by = '') = (lifted_at IS NULL)", "lifted_whole"),
        sa.CheckConstraint(_two("lift_asked_by", "lifted_by"), "four_eyes"),
    )
    op.create_index("legal_hold_by_customer", "legal_hold", ["customer_id"])
    op.create_table(
        "erasure",
        sa.Column("customer_id", sa.String(63), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reason", "asked_by")),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        *(sa.Column(f"{what}_at", sa.BigInteger) for what in ("approved", "finished")),
        sa.CheckConstraint("(approved_by = '') = (approved_at IS NULL)", "approved_whole"),
        sa.CheckConstraint(_two("asked_by", "approved_by"), "four_eyes"),
    )
    for name, (event, table, condition) in _RETENTION_REFUSED.items():
        _refuse(name, event, table, condition)


_APPROVED = (
    "EXISTS (SELECT 1 FROM erasure WHERE erasure.customer_id = OLD.customer_id AND erasure.approved_at IS NOT NULL)"
)
_HELD = (
    "EXISTS (SELECT 1 FROM legal_hold WHERE legal_hold.customer_id = OLD.customer_id AND legal_hold.lifted_at IS NULL)"
)
# What is refused of each table: name -> event, table, condition.
_RETENTION_REFUSED = {
    "profile_kept": ("DELETE", "profile", f"NOT {_APPROVED} OR {_HELD}"),
    "profile_changed": ("UPDATE", "profile", "1 = 1"),
    "legal_hold_removed": ("DELETE", "legal_hold", "1 = 1"),
    "legal_hold_taken_up": ("UPDATE", "legal_hold", "OLD.lifted_at IS NOT NULL"),
    "erasure_taken_back": ("DELETE", "erasure", "OLD.approved_at IS NOT NULL"),
}


def _two(first: str, second: str) -> str:
    """A condition: whoever is second is another person than who is first, also in another spelling."""
    sqlite = op.get_bind().dialect.name == "sqlite"

    def plain(name: str) -> str:
        key = f"lower(replace({name}, ' ', ''))"
        return f"substr({key}, 1, instr({key} || '#', '#') - 1)" if sqlite else f"split_part({key}, '#', 1)"

    return f"{second} = '' OR ({first} <> '' AND {plain(first)} <> {plain(second)})"


def _refuse(name: str, event: str, table: str, condition: str, *, told: str = "") -> None:
    told = told or f"{name.replace('_', ' ')}: this is never done to rows of {table}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{told}'); END"
        )
        return
    # In the function and not in WHEN, which may not look at other tables.
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{told}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {'OLD' if event == 'DELETE' else 'NEW'}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


# Tables with both hands on one row: its key, the first hand, the second.
_HANDS = {
    "customer": ("id", "prepared_by", "approved_by"),
    "customer_version": ("customer_id", "prepared_by", "approved_by"),
    "tier_override": ("id", "requested_by", "approved_by"),
    "run": ("id", "declared_by", "approved_by"),
    "correction": ("id", "proposed_by", "approved_by"),
    "inquiry": ("id", "answered_by", "approved_by"),
    "screening_hit": ("id", "judged_by", "confirmed_by"),
    "legal_hold": ("id", "lift_asked_by", "lifted_by"),
    "erasure": ("customer_id", "asked_by", "approved_by"),
}


def _logins() -> None:
    """Which logins are one person's: acts that are only added, what they leave, and what is refused by it."""
    op.create_table(
        "login_act",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("change", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("login", "person", "acted_by")),
    )
    op.create_table(
        "login_key",
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("person", sa.Integer, nullable=False),
    )
    for event in ("UPDATE", "DELETE"):
        _refuse(f"login_act_{event.lower()}", event, "login_act", "1 = 1")
    again = "EXISTS (SELECT 1 FROM login_act WHERE login_act.seq = NEW.seq)"
    _refuse("login_act_replace", "INSERT", "login_act", again)
    for table in _HANDS:
        for event in ("INSERT", "UPDATE"):
            _refuse_one_person(table, event)


_ONE_PERSON = "four_eyes: these logins are one person"


def _refuse_one_person(table: str, event: str) -> None:
    """Refuse that both hands become one person's. Whose were approved before their logins were linked stand."""
    key, first, second = _HANDS[table]
    same = " AND ".join(f"o.{each} = NEW.{each}" for each in (key, first, second))
    stood = f"SELECT 1 FROM {table} o WHERE {same}"  # noqa: S608 - names of our own tables
    joined = "SELECT 1 FROM login_key a JOIN login_key b ON a.person = b.person WHERE "
    one = f"{joined}a.name IN ({_parts(f'NEW.{first}')}) AND b.name IN ({_parts(f'NEW.{second}')})"
    condition = f"NEW.{second} <> '' AND EXISTS ({one}) AND NOT EXISTS ({stood})"
    _refuse(f"{table}_one_person_{event.lower()}", event, table, condition, told=_ONE_PERSON)


def _parts(name: str) -> str:
    """Both parts of a login: before and behind the mark of an identity provider."""
    key = f"lower(replace({name}, ' ', ''))"
    if op.get_bind().dialect.name != "sqlite":
        return f"split_part({key}, '#', 1), split_part({key}, '#', 2)"
    return f"substr({key}, 1, instr({key} || '#', '#') - 1), substr({key}, instr({key} || '#', '#') + 1)"
