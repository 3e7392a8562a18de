"""Bindings that wait for a second person, and the end of one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, RowMapping, String, Table, Text, bindparam, delete, select

from gatekeeper.domain.binding import ProposedBinding
from gatekeeper.domain.customer import Binding
from gatekeeper.stores import tables
from gatekeeper.stores.asking import Asking, Changing

# `before` is the binding that it replaces, as JSON; null for none.
binding_proposal = Table(
    "binding_proposal",
    tables.metadata,
    Column("cluster", String(253), primary_key=True),
    Column("namespace", String(253), primary_key=True),
    Column("customer_id", String(63), nullable=False),
    Column("run_id", String(80)),
    Column("uid", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", tables.Moment, nullable=False),
)


class BindingReads(Asking):
    """`gatekeeper.ports.bindings.BindingReads`."""

    def proposed_binding(self, cluster: str, namespace: str) -> ProposedBinding | None:
        """The one binding of a namespace that waits."""
        row = self._get(binding_proposal, cluster=cluster, namespace=namespace)
        return _proposed_of(row) if row else None

    def proposed_bindings(self) -> list[ProposedBinding]:
        """All that wait, by cluster and namespace."""
        order = (binding_proposal.c.cluster, binding_proposal.c.namespace)
        return [_proposed_of(row) for row in self._all(select(binding_proposal).order_by(*order))]


class BindingWrites(Changing):
    """`gatekeeper.ports.bindings.BindingWrites`."""

    def put_proposed_binding(self, proposed: ProposedBinding) -> None:
        """Store what waits, in place of what waited for this namespace."""
        wanted = proposed.wanted
        self._put(
            binding_proposal,
            {
                "cluster": wanted.cluster,
                "namespace": wanted.namespace,
                "customer_id": wanted.customer_id,
                "run_id": wanted.run_id,
                "uid": wanted.uid,
                "before": json.dumps(asdict(proposed.before) if proposed.before else None, sort_keys=True),
                "proposed_by": proposed.proposed_by,
                "proposed_at": proposed.proposed_at,
            },
        )

    def drop_proposed_binding(self, cluster: str, namespace: str) -> None:
        """Nothing waits for this namespace any more."""
        self._drop(binding_proposal, cluster, namespace)

    def drop_binding(self, cluster: str, namespace: str) -> None:
        """The namespace belongs to nobody."""
        self._drop(tables.binding, cluster, namespace)

    def _drop(self, table: Table, cluster: str, namespace: str) -> None:
        there = (table.c.cluster == bindparam("in_cluster")) & (table.c.namespace == bindparam("in_namespace"))
        self._run(delete(table).where(there), {"in_cluster": cluster, "in_namespace": namespace})


def _proposed_of(row: RowMapping) -> ProposedBinding:
    before: dict[str, Any] | None = json.loads(row["before"])
    return ProposedBinding(
        wanted=Binding(row["cluster"], row["namespace"], row["customer_id"], row["run_id"], row["uid"]),
        before=Binding(**before) if before else None,
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
    )
