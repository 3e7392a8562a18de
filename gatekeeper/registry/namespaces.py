"""Use case on namespaces: bind one to a customer, and its work to a run.

One person binds; so no binding may move training to where it does not count, or from one declared run to the budget of
another. Only the approval of a declaration, by a second person, binds the namespaces that it names (`runs`). The way
back, to undeclared training, is open to one person: it brings no budget (`view`).
"""

from __future__ import annotations

from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.domain.run import Run, RunState, checked_namespace
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.facts import binding_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing


class NamespaceRegistry:
    """Use cases on bindings, over one store and in one cluster."""

    def __init__(self, stores: Stores, clock: Clock, cluster: str) -> None:
        self._stores = stores
        self._clock = clock
        self._cluster = cluster

    def bind(self, namespace: str, customer_id: str, *, by: By, run_id: str | None = None) -> Binding:
        """Give a namespace of this cluster to a customer, and its work to an approved training run of it.

        Raises:
            Conflict: it belongs to another customer whose work still holds reservations there.
            NotPermitted: the customer is closed, or the run is not an approved one of this customer, or does not count,
                or the namespace worked for another declared run before.
            NotFound: no such customer or run. InvalidInput: not a namespace's name.
        """
        checked_namespace(namespace)
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        binding = Binding(self._cluster, namespace, customer_id, run_id)

        def work(tx: Transaction) -> Binding:
            before = tx.binding(self._cluster, namespace)
            if before == binding:
                return binding
            check_open_account(existing(tx, customer_id))
            if before is not None and before.customer_id != customer_id:
                self._check_idle(tx, before)
            if run_id is not None:
                _check_usable(existing_run(tx, run_id), customer_id)
                self._check_first_run(tx, namespace, run_id)
            tx.put_binding(binding)
            tx.append(new_record(RecordType.NAMESPACE_BOUND, actor, now, binding_facts(binding, before)))
            return binding

        return self._stores.transact(work)

    def _check_first_run(self, reader: Reader, namespace: str, run_id: str) -> None:
        """A namespace that worked for a declared run holds its training: another run's budget is not one person's gift.

        By the log, which no later binding changes: the approval of a run appends what it binds, too.
        """
        others = {
            facts["run"]
            for _, leaf in reader.records(types=(RecordType.NAMESPACE_BOUND,))
            if (facts := decode(leaf).facts)["namespace"] == namespace and facts["cluster"] == self._cluster
        } - {None, run_id}
        if others:
            named = ", ".join(sorted(map(str, others)))
            raise NotPermitted(
                f"Namespace {namespace} worked for {named}, so one person cannot bind it to run {run_id}.",
                hint="Declare a run that names the namespace (run declare NEW --namespace "
                f"{namespace}); its approval by a second person binds it.",
            )

    def _check_idle(self, tx: Transaction, before: Binding) -> None:
        """What runs in a namespace is booked on its customer: the namespace cannot change hands under it."""
        metered = (each for each in tx.metered_reservations() if each.customer_id == before.customer_id)
        running = [
            each
            for each in (*tx.open_reservations(before.customer_id), *metered)
            if (each.workload.cluster, each.workload.namespace) == (self._cluster, before.namespace)
        ]
        if running:
            raise Conflict(
                f"Namespace {before.namespace} belongs to customer {before.customer_id}, whose work still has "
                f"{len(running)} reservations there.",
                hint="Wait for its pods to end, or delete them.",
            )


def existing_run(reader: Reader, run_id: str) -> Run:
    """The declared run of an id.

    Raises:
        NotFound: no such run.
    """
    run = reader.run(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r:.80}.", hint="See `gatekeeper run list`.")
    return run


def check_open_account(customer: Customer) -> None:
    """Let only the business of open accounts go on.

    Raises:
        NotPermitted: the customer is closed.
    """
    if customer.standing is Standing.CLOSED:
        raise NotPermitted(f"Customer {customer.id} is closed.")


def _check_usable(run: Run, customer_id: str) -> None:
    if run.customer_id != customer_id:
        raise NotPermitted(f"Run {run.id} is a run of customer {run.customer_id}, not of {customer_id}.")
    if run.state is RunState.WITHDRAWN:
        raise NotPermitted(
            f"The classification of run {run.id} was withdrawn; what it used counts as undeclared training.",
            hint="Bind the namespace without --run, or declare a run for its training.",
        )
    if run.state is not RunState.APPROVED:
        raise NotPermitted(f"Run {run.id} is only {run.state.value}.", hint="A second person must approve it first.")
    if not run.purpose.counts:
        raise NotPermitted(
            f"Run {run.id} is {run.purpose.value} and does not count, so one person cannot bind a namespace to it.",
            hint="Declare a classification that names the namespace (run declare NEW --purpose "
            f"{run.purpose.value} --namespace NAMESPACE); its approval by a second person binds it.",
        )
