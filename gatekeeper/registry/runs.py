"""Use cases on runs and namespaces: declare and approve a run, bind a namespace to a customer and a run."""

from __future__ import annotations

import re
from dataclasses import replace

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.party import Binding, Customer, Standing
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Run, RunState
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.facts import binding_facts, run_facts
from gatekeeper.registry.people import person
from gatekeeper.registry.review import existing

# RFC 1123 label: what Kubernetes takes as the name of a namespace.
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class RunRegistry:
    """Use cases on runs and bindings, over one store and in one cluster."""

    def __init__(self, stores: Stores, clock: Clock, cluster: str) -> None:
        self._stores = stores
        self._clock = clock
        self._cluster = cluster

    def bind(self, namespace: str, customer_id: str, *, by: str, run_id: str | None = None) -> Binding:
        """Give a namespace of this cluster to a customer, and its work to an approved run of it.

        Raises:
            Conflict: it belongs to another customer whose work still holds reservations there.
            NotPermitted: the customer is closed, or the run is not an approved one of this customer.
            NotFound: no such customer or run. InvalidInput: not a namespace's name.
        """
        if not _NAMESPACE.fullmatch(namespace):
            raise InvalidInput(f"{namespace!r:.80} cannot be the name of a namespace.")
        now, actor = self._clock.now(), person(by)
        binding = Binding(self._cluster, namespace, customer_id, run_id)

        def work(tx: Transaction) -> Binding:
            before = tx.binding(self._cluster, namespace)
            if before == binding:
                return binding
            _check_open_account(existing(tx, customer_id))
            if before is not None and before.customer_id != customer_id:
                self._check_idle(tx, before)
            if run_id is not None:
                _check_usable(_existing_run(tx, run_id), customer_id)
            tx.put_binding(binding)
            tx.append(new_record(RecordType.NAMESPACE_BOUND, actor, now, binding_facts(binding, before)))
            return binding

        return self._stores.transact(work)

    def declare_run(
        self,
        run_id: str,
        customer_id: str,
        *,
        by: str,
        title: str,
        carried_in_tflop: int = 0,
        carried_in_source: str = "",
    ) -> Run:
        """Declare a run of a customer; it is used once a second person has approved it.

        Declaring a run again that nobody has approved yet replaces the declaration.

        Raises:
            Conflict: approved already with other content, or of another customer.
            InvalidInput: the declaration contradicts itself. NotFound: no such customer. NotPermitted: it is closed.
        """
        now, actor = self._clock.now(), person(by)
        run = Run(
            id=run_id,
            customer_id=customer_id,
            title=title,
            declared_by=actor.name,
            carried_in_tflop=carried_in_tflop,
            carried_in_source=carried_in_source,
        )

        def work(tx: Transaction) -> Run:
            _check_open_account(existing(tx, customer_id))
            before = tx.run(run_id)
            if before is not None:
                if _says_the_same(before, run):
                    return before
                _check_replaceable(before, run)
            tx.put_run(run)
            facts = {**run_facts(run), "replaces": before is not None}
            tx.append(new_record(RecordType.RUN_DECLARED, actor, now, facts))
            return run

        return self._stores.transact(work)

    def approve_run(self, run_id: str, *, by: str, seen: Run | None = None) -> Run:
        """Approve a declared run; from now on what it carries in counts against its limit.

        Args:
            seen: the declaration that the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by the person who declared it, or approved already. NotFound: no such run.
            Conflict: it is not the declaration that was looked at.
        """
        now, actor = self._clock.now(), person(by)

        def work(tx: Transaction) -> Run:
            declared = _existing_run(tx, run_id)
            if seen is not None and seen != declared:
                raise Conflict(
                    f"Run {run_id} is not the declaration that {actor.name} looked at.",
                    hint="Look at it again, and approve what it says now.",
                )
            _check_open_account(existing(tx, declared.customer_id))
            run = declared.approve(by=actor.name)
            tx.put_run(run)
            tx.put_account(replace(tx.account(run_id), carried_in_tflop=run.carried_in_tflop))
            facts = {**run_facts(run), "declared_by": run.declared_by}
            tx.append(new_record(RecordType.RUN_APPROVED, actor, now, facts))
            return run

        return self._stores.transact(work)

    def _check_idle(self, tx: Transaction, before: Binding) -> None:
        """What runs in a namespace is booked on its customer: the namespace cannot change hands under it."""
        held = [
            each
            for each in tx.open_reservations(before.customer_id)
            if (each.workload.cluster, each.workload.namespace) == (self._cluster, before.namespace)
        ]
        if held:
            raise Conflict(
                f"Namespace {before.namespace} belongs to customer {before.customer_id}, whose work still holds "
                f"{len(held)} reservations there.",
                hint="Wait for its pods to end, or delete them.",
            )


def _existing_run(reader: Reader, run_id: str) -> Run:
    run = reader.run(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r:.80}.", hint="See `gatekeeper run list`.")
    return run


def _check_open_account(customer: Customer) -> None:
    if customer.standing is Standing.CLOSED:
        raise NotPermitted(f"Customer {customer.id} is closed.")


def _check_usable(run: Run, customer_id: str) -> None:
    if run.customer_id != customer_id:
        raise NotPermitted(f"Run {run.id} is a run of customer {run.customer_id}, not of {customer_id}.")
    if run.state is not RunState.APPROVED:
        raise NotPermitted(f"Run {run.id} is only {run.state.value}.", hint="A second person must approve it first.")


def _says_the_same(before: Run, run: Run) -> bool:
    """Whether a declaration repeats what stands there, whoever repeats it and whether or not it is approved."""
    return replace(run, declared_by=before.declared_by, state=before.state, approved_by=before.approved_by) == before


def _check_replaceable(before: Run, run: Run) -> None:
    if before.customer_id != run.customer_id or before.state is not RunState.DECLARED:
        raise Conflict(
            f"Run {run.id} of customer {before.customer_id} is {before.state.value} with other content.",
            hint="Declare the new one under another id.",
        )
