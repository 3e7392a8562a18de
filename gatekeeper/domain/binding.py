"""A binding that waits for a second person, and what one person may bind alone.

A binding gives work a customer's clearance and a run's budget, so whoever binds alone could give either away. One
person may take away: unbind a namespace, or take it back to the undeclared training of the customer that has it, which
brings no budget. All else is proposed by one and approved by another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.customer import Binding
from gatekeeper.domain.errors import Conflict, NotPermitted
from gatekeeper.domain.person import same_person
from gatekeeper.domain.units import require_utc


def wanted_binding(before: Binding | None, customer_id: str, run_id: str | None, place: tuple[str, str]) -> Binding:
    """The binding of a place, (cluster, namespace), that somebody wants: of the namespace that is there now."""
    uid = (before.uid if before.holds else before.found_uid) if before else ""
    return Binding(*place, customer_id, run_id, uid)


def is_no_milder(before: Binding | None, wanted: Binding) -> bool:
    """Whether a binding brings nothing that the one before it did not."""
    if before is None or not before.holds:
        return False
    same_owner = (before.customer_id, before.uid) == (wanted.customer_id, wanted.uid)
    return same_owner and wanted.run_id in (None, before.run_id)


@dataclass(frozen=True, slots=True)
class ProposedBinding:
    """A binding that waits for a second person.

    Attributes:
        before: what held when it was proposed, and what the second person replaces.
    """

    wanted: Binding
    before: Binding | None
    proposed_by: str
    proposed_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.proposed_at)

    def approved(self, now_bound: Binding | None, *, by: str) -> Binding:
        """The binding that takes effect.

        Raises:
            NotPermitted: by the person who proposed it. Conflict: the namespace was bound otherwise meanwhile.
        """
        if same_person(self.proposed_by, by):
            raise NotPermitted(
                f"{by} proposed the binding of namespace {self.wanted.namespace} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )
        if now_bound != self.before and not self._only_learned(now_bound):
            raise Conflict(
                f"Namespace {self.wanted.namespace} is not bound any more as it was when this was proposed.",
                hint=f"Propose it again: gatekeeper namespace bind {self.wanted.namespace} {self.wanted.customer_id}",
            )
        return replace(self.wanted, uid=now_bound.uid) if now_bound and now_bound.holds else self.wanted

    def _only_learned(self, now_bound: Binding | None) -> bool:
        """Whether nothing changed meanwhile but that the cluster told the uid of the namespace."""
        before = self.before
        return (
            before is not None and now_bound is not None and not before.uid and before.seen(now_bound.uid) == now_bound
        )
