"""The life of a customer: versions of its record, overrides, evidence and attestations, guarded by the database itself.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

import json
import unicodedata
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Versions that are only ever added, overrides, evidence; and the database's own check of four eyes."""
    _customer_columns()
    _version_tables()
    _override_table()
    _evidence_tables()
    _seed_versions()
    guards = {"sqlite": _keep_sqlite, "postgresql": _keep_postgresql}
    for table, key in _KEPT.items():
        guards[op.get_context().dialect.name](table, key)
    _guard_life()


# Tables whose rows are never changed or removed, with their keys.
_KEPT = {
    "party_version": ("party_id", "number"),
    "customer_version": ("customer_id", "number"),
    "proposal_version": ("customer_id", "number"),
    "evidence": ("customer_id", "sha256"),
    "attestation": ("id",),
}
_OTHER_PERSON = (
    "approved_key = '' OR (approved_key <> {0}_key AND (approved_unique = '' OR approved_unique <> {0}_unique))"
)
# The key is the name: without case, blanks, and with what an identity provider adds behind a #.
_KEY_OF_NAME = (
    "lower(replace({0}_by, ' ', '')) = {0}_key || CASE WHEN {0}_unique = '' THEN '' ELSE '#' || {0}_unique END"
)
_APPROVED_WHOLE = "standing <> 'approved' OR (approved_key <> '' AND expires_at IS NOT NULL)"


def _four_eyes(first: str) -> str:
    """One condition: two people, each named by a key that is the name's own."""
    parts = (_OTHER_PERSON.format(first), _KEY_OF_NAME.format(first), _KEY_OF_NAME.format("approved"))
    return " AND ".join(f"({each})" for each in parts)


def _customer_columns() -> None:
    texts = ("comment", "prepared_key", "prepared_unique", "approved_key", "approved_unique")
    for name in texts:
        op.add_column("customer", sa.Column(name, sa.Text, nullable=False, server_default=""))
    table = sa.table("customer", *map(sa.column, ("id", "prepared_by", "approved_by", *texts)))
    connection = op.get_bind()
    for row in connection.execute(sa.select(table)).mappings().all():
        connection.execute(sa.update(table).where(table.c.id == row["id"]).values(**_keys(row)))
    # A condition comes with a new column: the rows that there are must fulfil it already.
    op.execute(f"ALTER TABLE customer ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1 CHECK ({_four_eyes('prepared')})")
    op.execute(f"ALTER TABLE customer ADD COLUMN final INTEGER NOT NULL DEFAULT 0 CHECK ({_APPROVED_WHOLE})")


def _keys(row: sa.RowMapping) -> dict[str, str]:
    found = {}
    for who in ("prepared", "approved"):
        plain = "".join(unicodedata.normalize("NFKC", row[f"{who}_by"]).casefold().split())
        found[f"{who}_key"], _, found[f"{who}_unique"] = plain.partition("#")
    return found


def _version_tables() -> None:
    for kind in ("party", "proposal"):
        op.create_table(f"{kind}_version", *_version_columns("party" if kind == "party" else "customer"))
    op.create_table(
        "customer_version",
        *_version_columns("customer"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("standing", "prepared_by", "approved_by")),
        *_key_columns("prepared", "approved"),
        sa.Column("expires_at", sa.BigInteger),
        sa.CheckConstraint(_four_eyes("prepared"), "four_eyes"),
        sa.CheckConstraint(_APPROVED_WHOLE, "approved_whole"),
    )
    op.create_table(
        "history_start",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )


def _version_columns(kind: str) -> list[sa.Column[object]]:
    return [
        sa.Column(f"{kind}_id", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    ]


def _key_columns(*people: str) -> list[sa.Column[str]]:
    return [sa.Column(f"{who}_{part}", sa.Text, nullable=False) for who in people for part in ("key", "unique")]


def _override_table() -> None:
    op.create_table(
        "tier_override",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("customer_id", sa.String(63), sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("tier", sa.String(1), sa.CheckConstraint("tier IN ('1', '2')"), nullable=False),
        sa.Column("hours", sa.Integer, sa.CheckConstraint("hours BETWEEN 1 AND 72"), nullable=False),
        sa.Column("reason", sa.Text, sa.CheckConstraint("reason <> ''"), nullable=False),
        *(sa.Column(f"{who}_by", sa.Text, nullable=False) for who in ("requested", "approved", "ended")),
        *_key_columns("requested", "approved"),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        *(sa.Column(f"{what}_at", sa.BigInteger) for what in ("approved", "ended")),
        sa.CheckConstraint(_four_eyes("requested"), "four_eyes"),
        sa.CheckConstraint("(approved_key = '') = (approved_at IS NULL)", "approved_whole"),
    )


def _evidence_tables() -> None:
    op.create_table(
        "evidence",
        sa.Column("customer_id", sa.String(63), sa.ForeignKey("customer.id"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("media_type", "description", "source")),
        sa.Column("sensitivity", sa.String(16), nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("collected_on", sa.String(10)),
    )
    op.create_table(
        "attestation",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("customer_id", sa.String(63), sa.ForeignKey("customer.id"), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("statement", "method", "attested_by")),
        sa.Column("attested_on", sa.String(10), nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("above_percent", sa.Integer),
        sa.Column("evidence", sa.Text, nullable=False),
    )


def _seed_versions() -> None:
    """Version 1 of everything that there is. It was known at the last record; what was before is in the log alone."""
    connection = op.get_bind()
    size = connection.execute(sa.text("SELECT size FROM log_head")).scalar() or 0
    connection.execute(sa.text("INSERT INTO history_start (id, size) VALUES (1, :size)"), {"size": size})
    for kind, key, body in (("party", "party_id", "body"), ("proposal", "customer_id", "proposal")):
        of = "id" if kind == "party" else "customer_id"
        connection.execute(
            sa.text(
                f"INSERT INTO {kind}_version ({key}, number, seq, body) "  # noqa: S608 - names of our own tables
                f"SELECT {of}, 1, :seq, {body} FROM {kind}"
            ),
            {"seq": max(size - 1, 0)},
        )
    for row in connection.execute(sa.text("SELECT * FROM customer")).mappings().all():
        connection.execute(_FIRST_CUSTOMER, {**row, "seq": max(size - 1, 0), "body": _customer_json(row)})


_FIRST_CUSTOMER = sa.text(
    "INSERT INTO customer_version (customer_id, number, seq, body, standing, prepared_by, prepared_key, "
    "prepared_unique, approved_by, approved_key, approved_unique, expires_at) VALUES (:id, 1, :seq, :body, :standing, "
    ":prepared_by, :prepared_key, :prepared_unique, :approved_by, :approved_key, :approved_unique, :expires_at)"
)


def _customer_json(row: sa.RowMapping) -> str:
    names = ("id", "party_id", "standing", "prepared_by", "version", "approved_by", "reason", "attempts", "comment")
    end = row["expires_at"]
    at = None if end is None else (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=end)).isoformat()
    found = {name: row[name] for name in names} | {"final": bool(row["final"]), "expires_at": at}
    found |= {"profile_sha256": row["profile_sha256"]} if "profile_sha256" in row else {}
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _keep_sqlite(table: str, key: tuple[str, ...]) -> None:
    """Refuse to change or remove a row; `INSERT OR REPLACE` removes without asking the DELETE trigger."""
    same = " AND ".join(f"{name} = NEW.{name}" for name in key)
    for name, moment in {
        "update": f"BEFORE UPDATE ON {table}",
        "delete": f"BEFORE DELETE ON {table}",
        "replace": f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})",  # noqa: S608
    }.items():
        op.execute(
            f"CREATE TRIGGER {table}_kept_{name} {moment} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or removed'); END"
        )


def _keep_postgresql(table: str, key: tuple[str, ...]) -> None:  # noqa: ARG001 - the same call for both
    """Refuse to change, remove or truncate rows."""
    op.execute(
        f"CREATE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION 'rows of {table} are never changed or removed' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_kept()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_kept_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_kept()"
    )


# What of an override never changes once somebody asked for it; and a second person and an end come once.
_ASKED = ("id", "customer_id", "tier", "hours", "reason", "requested_by", "requested_at")
_STAYS = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in _ASKED)
_ONCE = " OR ".join(
    f"(OLD.{what}_at IS NOT NULL AND (NEW.{what}_at IS NULL OR NEW.{what}_at <> OLD.{what}_at "
    f"OR NEW.{what}_by <> OLD.{what}_by))"
    for what in ("approved", "ended")
)
_REFUSED = {
    "customer_closed": ("UPDATE", "customer", "OLD.standing = 'closed' AND NEW.standing <> 'closed'"),
    "override_changed": ("UPDATE", "tier_override", f"{_STAYS} OR {_ONCE}"),
    "override_removed": ("DELETE", "tier_override", "1 = 1"),
    "customer_removed": ("DELETE", "customer", "1 = 1"),
}


def _guard_life() -> None:
    """Refuse to open a closed account, to rewrite an override, and to remove either."""
    sqlite = op.get_context().dialect.name == "sqlite"
    for name, (change, table, condition) in _REFUSED.items():
        told = f"{name.replace('_', ' ')}: this is never done to rows of {table}"
        if sqlite:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {change} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
            )
            continue
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{told}' "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION {name}()"
        )
