"""Many changes of the registry in few statements: ten thousand customers hold the writer for less than a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, delete, func, select

from gatekeeper.domain.party import Party
from gatekeeper.ports.written import Written
from gatekeeper.stores import rows, tables
from gatekeeper.stores.asking import Changing
from gatekeeper.stores.owners import party_owner
from gatekeeper.stores.profiles import profile
from gatekeeper.stores.statements import add, change, key_of
from gatekeeper.stores.versions import ADD_CUSTOMER, ADD_PARTY, ADD_PROPOSAL, customer_keys, customer_version_row

_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_NO_OWNERS = delete(party_owner).where(party_owner.c.party_id == bindparam("party"))
_NO_PROPOSAL = delete(tables.proposal).where(tables.proposal.c.customer_id == bindparam("customer"))
_LAST_PROFILES = (
    select(profile.c.customer_id, func.max(profile.c.number).label("last"))
    .where(profile.c.customer_id.in_(_KEYS))
    .group_by(profile.c.customer_id)
)


class WrittenWrites(Changing):
    """What `gatekeeper.ports.written.WrittenWrites` stores beside the records."""

    def _write_registry(self, begin: int, written: Written) -> None:
        """Store all but the records, the first of which will have this index."""
        self._write_parties(begin, written)
        self._write_customers(begin, written)
        self._write_proposals(begin, written)
        self._write_profiles(written)

    def _write_parties(self, begin: int, written: Written) -> None:
        newest = {party.id: (party, body) for _, party, body in written.parties}
        self._store(
            tables.party,
            [{"id": each.id, "legal_name": each.legal_name, "body": body} for each, body in newest.values()],
        )
        self._own(each for each, _ in newest.values())
        versions = [{"party_id": each.id, "seq": begin + place, "body": body} for place, each, body in written.parties]
        self._many(ADD_PARTY, versions)

    def _own(self, parties: Iterable[Party]) -> None:
        """Who owns these parties now; rows that say so already stay."""
        wanted = {each.id: set(each.owners) for each in parties}
        known: dict[str, set[str]] = {}
        asked = select(party_owner).where(party_owner.c.party_id.in_(_KEYS))
        for row in self._named(asked, sorted(wanted)):
            known.setdefault(row["party_id"], set()).add(row["owner_id"])
        others = {each: owners for each, owners in wanted.items() if owners != known.get(each, set())}
        self._many(_NO_OWNERS, [{"party": each} for each in others if each in known])
        told = [{"party_id": each, "owner_id": owner} for each, owners in others.items() for owner in sorted(owners)]
        self._many(add(party_owner), told)

    def _write_customers(self, begin: int, written: Written) -> None:
        newest = {each.id: each for _, each in written.customers}
        self._store(
            tables.customer,
            [
                {
                    **rows.customer_row(each),
                    **customer_keys(each),
                    "expires_at": tables.stored_moment(each.expires_at),
                }
                for each in newest.values()
            ],
        )
        self._many(ADD_CUSTOMER, [customer_version_row(each, begin + place) for place, each in written.customers])

    def _write_proposals(self, begin: int, written: Written) -> None:
        newest = {customer_id: text for _, customer_id, text in written.proposals}
        waiting = [{"customer_id": each, "proposal": text} for each, text in newest.items() if text is not None]
        self._store(tables.proposal, waiting)
        self._many(_NO_PROPOSAL, [{"customer": each} for each, text in newest.items() if text is None])
        self._many(
            ADD_PROPOSAL,
            [
                {"customer_id": customer_id, "seq": begin + place, "body": text or ""}
                for place, customer_id, text in written.proposals
            ],
        )

    def _write_profiles(self, written: Written) -> None:
        customers = sorted({each.customer_id for each in written.profiles})
        last = {row["customer_id"]: int(row["last"]) for row in self._named(_LAST_PROFILES, customers)}
        values = []
        for each in written.profiles:
            last[each.customer_id] = number = last.get(each.customer_id, 0) + 1
            named = {"sha256": each.sha256, "customer_id": each.customer_id, "number": number}
            values.append({**named, "salt": each.salt, "body": each.text})
        self._many(add(profile), values)

    def _store(self, table: Table, values: Sequence[rows.Values]) -> None:
        """Change the rows that there are, and add the others; each named once."""
        key = next(iter(table.primary_key))
        named = [str(each[key.name]) for each in values]
        known = {row[key.name] for row in self._named(select(key).where(key.in_(_KEYS)), named)}
        old = [each for each in values if each[key.name] in known]
        self._many(change(table), [{**each, **key_of(table, each)} for each in old])
        self._many(add(table), [each for each in values if each[key.name] not in known])

    def _many(self, statement: Any, values: Sequence[rows.Values]) -> None:
        if values:
            self._run_all(statement, values)
