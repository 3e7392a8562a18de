"""Use cases on namespaces: bind one to a customer and its work to a run, by two people; unbind one.

What a binding may give away, and so what one person may do alone, stands in `domain/binding`. A classification is not
bound here: only the approval of a declaration binds the namespaces that it names (`runs`).
"""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.domain.binding import ProposedBinding, is_no_milder, wanted_binding
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.run import Run, RunState, checked_namespace
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.facts import binding_facts, proposed_binding_facts, seen_binding_facts, unbound_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing

REASON_CHARACTERS_MAX = 2_000
_SEES = Actor(ActorKind.SERVICE, "controller")


class NamespaceRegistry:
    """Use cases on bindings, over one store and in one cluster."""

    def __init__(self, stores: Stores, clock: Clock, cluster: str) -> None:
        self._stores = stores
        self._clock = clock
        self._cluster = cluster

    def bind(self, namespace: str, customer_id: str, *, by: By, run_id: str | None = None) -> Binding | ProposedBinding:
        """Give a namespace of this cluster to a customer, and its work to an approved training run of it.

        Returns:
            The binding, where it holds already or brings nothing new and so takes effect at once; else what waits for
            `approve_binding` by a second person.

        Raises:
            Conflict: it belonged to another customer whose work still holds reservations there.
            NotPermitted: the customer is closed, or the run is not an approved one of this customer, or does not count.
            NotFound: no such customer or run. InvalidInput: not a namespace's name.
        """
        checked_namespace(namespace)
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Binding | ProposedBinding:
            before = tx.binding(self._cluster, namespace)
            wanted = wanted_binding(before, customer_id, run_id, (self._cluster, namespace))
            if before == wanted:
                return wanted
            self._check(tx, wanted)
            if is_no_milder(before, wanted):
                self._bind(tx, wanted, before, actor)
                return wanted
            proposed = ProposedBinding(wanted, before, actor.name, now)
            known = tx.proposed_binding(self._cluster, namespace)
            if known is not None and (known.wanted, known.before) == (wanted, before):
                return known
            tx.put_proposed_binding(proposed)
            tx.append(new_record(RecordType.NAMESPACE_PROPOSED, actor, now, proposed_binding_facts(proposed)))
            return proposed

        return self._stores.transact(work)

    def renew_binding(self, namespace: str, *, by: By) -> Binding | ProposedBinding:
        """Propose to bind a namespace that was made anew under its old name as it was bound before.

        Raises:
            NotFound: it was not bound. Otherwise as for `bind`.
        """
        bound = self._stores.read(lambda reader: reader.binding(self._cluster, namespace))
        if bound is None:
            raise not_bound(namespace)
        return self.bind(namespace, bound.customer_id, by=by, run_id=bound.run_id)

    def approve_binding(self, namespace: str, *, by: By, seen: ProposedBinding | None = None) -> Binding:
        """Approve the binding that waits for a namespace; it takes effect.

        Args:
            seen: the proposal that the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by the person who proposed it. NotFound: nothing waits.
            Conflict: it is not what was looked at, or the namespace was bound otherwise meanwhile. Else as for `bind`.
        """
        actor = acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Binding:
            proposed = self._waiting(tx, namespace)
            if seen is not None and seen != proposed:
                raise Conflict(
                    f"What waits for namespace {namespace} is not what {actor.name} looked at.", hint="Look again."
                )
            before = tx.binding(self._cluster, namespace)
            binding = proposed.approved(before, by=actor.name)
            self._check(tx, binding)
            self._bind(tx, binding, before, actor, proposed_by=proposed.proposed_by)
            return binding

        return self._stores.transact(work)

    def reject_binding(self, namespace: str, *, by: By) -> ProposedBinding:
        """Drop the binding that waits for a namespace. One person does it, whoever proposed it.

        Raises:
            NotFound: nothing waits.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> ProposedBinding:
            proposed = self._waiting(tx, namespace)
            tx.drop_proposed_binding(self._cluster, namespace)
            tx.append(new_record(RecordType.NAMESPACE_REJECTED, actor, now, proposed_binding_facts(proposed)))
            return proposed

        return self._stores.transact(work)

    def unbind(self, namespace: str, *, by: By, reason: str) -> None:
        """Take a namespace from its customer, at once: nothing may start there, and what runs is stopped.

        Raises:
            NotFound: it is bound to nobody. InvalidInput: no reason.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)
        if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"This needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")

        def work(tx: Transaction) -> None:
            bound = tx.binding(self._cluster, namespace)
            if bound is None:
                raise not_bound(namespace)
            tx.drop_binding(self._cluster, namespace)
            tx.drop_proposed_binding(self._cluster, namespace)
            tx.append(new_record(RecordType.NAMESPACE_UNBOUND, actor, now, unbound_facts(bound, reason)))

        self._stores.transact(work)

    def identify(self, uid_by_name: Mapping[str, str]) -> None:
        """Hold what the cluster calls its namespaces against what was bound.

        The first uid that is seen is that of the namespace that was bound. Another one later is another namespace,
        whoever made it: the binding holds no more, until two people renew it.
        """
        bindings = self._stores.read(lambda reader: reader.bindings())
        found = [each for each in bindings if each.cluster == self._cluster and each.namespace in uid_by_name]
        if all(each.seen(uid_by_name[each.namespace]) == each for each in found):
            return

        def work(tx: Transaction) -> None:
            for before in tx.bindings():
                if before.cluster != self._cluster or before.namespace not in uid_by_name:
                    continue
                after = before.seen(uid_by_name[before.namespace])
                if after != before:
                    tx.put_binding(after)
                    facts = seen_binding_facts(after)
                    tx.append(new_record(RecordType.NAMESPACE_IDENTIFIED, _SEES, self._clock.now(), facts))

        self._stores.transact(work)

    def _check(self, tx: Transaction, wanted: Binding) -> None:
        check_open_account(existing(tx, wanted.customer_id))
        check_idle(tx, wanted)
        if wanted.run_id is not None:
            _check_usable(existing_run(tx, wanted.run_id), wanted.customer_id)

    def _bind(
        self, tx: Transaction, binding: Binding, before: Binding | None, actor: Actor, proposed_by: str = ""
    ) -> None:
        tx.put_binding(binding)
        tx.drop_proposed_binding(binding.cluster, binding.namespace)
        facts = binding_facts(binding, before, proposed_by=proposed_by, approved_by=actor.name if proposed_by else "")
        tx.append(new_record(RecordType.NAMESPACE_BOUND, actor, self._clock.now(), facts))

    def _waiting(self, reader: Reader, namespace: str) -> ProposedBinding:
        proposed = reader.proposed_binding(self._cluster, namespace)
        if proposed is None:
            raise NotFound(f"No binding of namespace {namespace!r:.80} waits.", hint="See `gatekeeper namespace list`.")
        return proposed


def check_idle(reader: Reader, wanted: Binding) -> None:
    """What runs in a namespace is booked on its customer: the namespace cannot change hands under it.

    Raises:
        Conflict: another customer's work holds reservations there, or is metered there.
    """
    running = [
        each
        for each in reader.reservations_in(wanted.cluster, wanted.namespace)
        if each.customer_id != wanted.customer_id
    ]
    if running:
        raise Conflict(
            f"Namespace {wanted.namespace} belongs or belonged to customer {running[0].customer_id}, whose work still "
            f"has {len(running)} reservations there.",
            hint="Wait for its pods to end, or delete them.",
        )


def not_bound(namespace: str) -> NotFound:
    """Nobody has this namespace."""
    return NotFound(f"Namespace {namespace!r:.80} is bound to nobody.", hint="See `gatekeeper namespace list`.")


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
            f"Run {run.id} is {run.purpose.value} and does not count, so no namespace can be bound to it afterwards.",
            hint="Declare a classification that names the namespace (run declare NEW --purpose "
            f"{run.purpose.value} --namespace NAMESPACE); its approval by a second person binds it.",
        )
