"""Follows the life of each customer from record to record: two people approve, what is closed stays closed, and no
version is told twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.fields import Facts, Wrong, amount_of, flag_of, moment_of, text_of

# Standings from which an approval is never the next act.
_NOT_WAITING = ("draft", "rejected", "closed")
# Records tell whole seconds of the end of an approval, which has more.
_SECOND = timedelta(seconds=1)
# Acts after which a customer's record is another version.
_VERSIONS = (
    RecordType.CUSTOMER_ENROLLED,
    RecordType.CUSTOMER_DRAFTED,
    RecordType.CUSTOMER_SUBMITTED,
    RecordType.CUSTOMER_APPROVED,
    RecordType.CUSTOMER_SUSPENDED,
    RecordType.CUSTOMER_REJECTED,
    RecordType.CUSTOMER_REOPENED,
    RecordType.CUSTOMER_CLOSED,
    RecordType.CUSTOMER_REINSTATEMENT,
    RecordType.CUSTOMER_RENEWAL,
)


@dataclass(slots=True)
class _Life:
    """What is known of a customer."""

    standing: str = ""
    version: int = 0
    rejected_by: str = ""
    final: bool = False
    expires_at: datetime | None = None
    approval: Facts | None = None  # who prepared and approved the record that holds, and until when
    asked_by: dict[str, str] = field(default_factory=dict)  # what an approval is asked to do besides -> the first hand


class LifeCheck:
    """A check for `verify_export(checks=[...])`."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}
        self._rules: dict[RecordType, Callable[[_Life, Facts, str], None]] = {
            RecordType.CUSTOMER_APPROVED: _approved,
            RecordType.CUSTOMER_REJECTED: _rejected,
            RecordType.CUSTOMER_REOPENED: _reopened,
            RecordType.CUSTOMER_DRAFTED: _drafted,
            RecordType.CUSTOMER_SUSPENDED: _suspended,
            RecordType.CUSTOMER_REINSTATEMENT: _reinstatement,
            RecordType.CUSTOMER_RENEWAL: _renewal,
        }

    def standing(self, customer: str) -> str:
        """The standing of a customer as written last; "" for one that no record tells of."""
        life = self._lives.get(customer)
        return life.standing if life else ""

    def ends(self, customer: str) -> datetime | None:
        """Until when the last approval of a customer lasts at the latest; None for one that was never approved."""
        life = self._lives.get(customer)
        return life.expires_at + _SECOND if life and life.expires_at else None

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it is not what can follow in the life of this customer.
        """
        if record.type not in _VERSIONS or "version" not in record.facts or "standing" not in record.facts:
            return
        facts = record.facts
        customer, version = text_of(facts, "customer"), amount_of(facts, "version")
        life = self._lives.setdefault(customer, _Life())
        before, life.standing = life.standing, text_of(facts, "standing")
        known, life.version = life.version, max(version, life.version)
        approval = life.approval
        if record.type is RecordType.CUSTOMER_APPROVED and facts.get("expires_at") is not None:
            life.expires_at = moment_of(facts, "expires_at")
            life.approval = _approval_of(facts, record.actor.name)
        rule = self._rules.get(record.type)
        if before == "closed":
            life.standing = before
            raise Wrong(f"Customer {customer} is closed; nothing can become of it.")
        if before and (version < known or (version == known and record.type not in _SAME_VERSION)):
            raise Wrong(f"Customer {customer} had version {known} already; this record says {version}.")
        if rule is not None:
            standing, life.standing = life.standing, before
            try:
                rule(life, facts, record.actor.name)
            finally:
                life.standing = standing
        if "stands" in facts:
            _stands(facts, approval)


# What only waits beside an approval leaves the customer as it was.
_SAME_VERSION = (RecordType.CUSTOMER_SUBMITTED, RecordType.CUSTOMER_REINSTATEMENT, RecordType.CUSTOMER_RENEWAL)


def _approved(life: _Life, facts: Facts, by: str) -> None:
    customer, prepared_by = text_of(facts, "customer"), facts.get("prepared_by")
    if isinstance(prepared_by, str) and same_person(prepared_by, by):
        raise Wrong(f"{by} alone prepared and approved the record of customer {customer}.")
    if life.standing in _NOT_WAITING:
        raise Wrong(f"Customer {customer} is approved, and was {life.standing}.")
    asked_by, life.asked_by = life.asked_by, {}
    if "ask" not in facts:  # from before suspensions were lifted on request
        return
    ask, authors = text_of(facts, "ask"), facts.get("authors")
    for each in authors if isinstance(authors, list) else []:
        if isinstance(each, str) and same_person(each, by):
            raise Wrong(f"{by} wrote what was approved of customer {customer}, and approved it.")
    if life.standing == "suspended" and ask != "reinstate":
        raise Wrong(f"The suspension of customer {customer} is lifted, and nobody had asked for it.")
    if ask != "change" and (ask not in asked_by or same_person(asked_by[ask], by)):
        raise Wrong(f"Customer {customer} is approved as asked ({ask}), and nobody else had asked for it.")


def _approval_of(facts: Facts, by: str) -> Facts:
    stands = facts.get("stands")
    hands = stands if isinstance(stands, Mapping) else {"prepared_by": facts.get("prepared_by"), "approved_by": by}
    return {**hands, "expires_at": facts.get("expires_at")}


def _stands(facts: Facts, before: Facts | None) -> None:
    """To lift a suspension brings the approval before back as it was, and no longer than it was."""
    customer, stands = text_of(facts, "customer"), facts.get("stands")
    if facts.get("ask") != "reinstate" or facts.get("written") or not isinstance(stands, Mapping):
        raise Wrong(f"Customer {customer} is approved as before, and that was no lift of a suspension alone.")
    if before is None or dict(stands) != dict(before):
        raise Wrong(f"The suspension of customer {customer} is lifted to another approval than it had before.")
    if moment_of(facts, "expires_at") > moment_of(stands, "expires_at"):
        raise Wrong(f"The suspension of customer {customer} is lifted, and its approval lasts longer by that.")


def _suspended(life: _Life, _: Facts, __: str) -> None:
    life.asked_by = {}


def _reinstatement(life: _Life, facts: Facts, by: str) -> None:
    if life.standing != "suspended":
        raise Wrong(f"To lift a suspension of customer {text_of(facts, 'customer')} is asked, and it is not suspended.")
    life.asked_by["reinstate"] = by


def _renewal(life: _Life, facts: Facts, by: str) -> None:
    if life.standing != "approved":
        raise Wrong(f"Customer {text_of(facts, 'customer')} is verified again, and was not approved.")
    life.asked_by["renew"] = by


def _rejected(life: _Life, facts: Facts, by: str) -> None:
    life.rejected_by, life.final = by, flag_of(facts, "final")
    if life.final and text_of(facts, "standing") != "rejected":
        raise Wrong(f"Customer {text_of(facts, 'customer')} is rejected for good, and its standing is not rejected.")


def _reopened(life: _Life, facts: Facts, by: str) -> None:
    customer, final, life.final = text_of(facts, "customer"), life.final, False
    if not final:
        raise Wrong(f"Customer {customer} is reopened, and was not rejected for good.")
    if same_person(life.rejected_by, by):
        raise Wrong(f"{by} alone rejected customer {customer} for good and reopened it.")


def _drafted(life: _Life, facts: Facts, _: str) -> None:
    if life.standing not in ("", "draft", "rejected") or life.final:
        raise Wrong(f"Customer {text_of(facts, 'customer')} becomes a draft, and was handed in before.")
