"""Follows legal holds and erasures: two people each, nothing under a hold, and nothing before its time.

That values are gone no log can show; what it shows is who let them go, and that the hashes of them are still here.
"""

from __future__ import annotations

from datetime import datetime

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.retention import NO_EVENTS, RETENTION_YEARS_MAX, RETENTION_YEARS_MIN, kept_until
from gatekeeper.verify.fields import Facts, Wrong, amount_of, moment_of, text_of


class ErasureCheck:
    """A check for `verify_export(checks=[...])`."""

    def __init__(self) -> None:
        self._closed: set[str] = set()
        self._events: dict[str, datetime] = {}
        self._placed: set[str] = set()  # every hold that ever was
        self._holds: dict[str, str] = {}  # hold that holds -> customer
        self._lifts: dict[str, str] = {}  # hold -> who asked to lift it
        self._asked: dict[str, str] = {}  # customer -> who asked to erase it
        self._erased: set[str] = set()

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it does not follow from the records before it.
        """
        facts, by = record.facts, record.actor.name
        customer = facts.get("customer")
        if isinstance(customer, str) and record.type not in NO_EVENTS:
            self._events[customer] = max(record.at, self._events.get(customer, record.at))
        if record.type is RecordType.CUSTOMER_CLOSED:
            self._closed.add(text_of(facts, "customer"))
        elif record.type is RecordType.HOLD_PLACED:
            self._place(text_of(facts, "hold"), text_of(facts, "customer"))
        elif record.type is RecordType.HOLD_LIFT_REQUESTED:
            self._lifts[self._hold(facts)] = by
        elif record.type is RecordType.HOLD_LIFT_REJECTED:
            self._lifts.pop(self._hold(facts), None)
        elif record.type is RecordType.HOLD_LIFTED:
            self._lift(record)
        elif record.type is RecordType.ERASURE_REQUESTED:
            self._asked[text_of(facts, "customer")] = by
            self._check(record)
        elif record.type is RecordType.ERASURE_REJECTED:
            self._asked.pop(text_of(facts, "customer"), None)
        elif record.type is RecordType.CUSTOMER_ERASED:
            self._erase(record)

    def _place(self, hold: str, customer: str) -> None:
        if hold in self._placed:  # the one that is there goes on holding whom it holds
            raise Wrong(f"Legal hold {hold} is placed a second time.")
        self._placed.add(hold)
        self._holds[hold] = customer

    def _hold(self, facts: Facts) -> str:
        hold = text_of(facts, "hold")
        if self._holds.get(hold) != text_of(facts, "customer"):
            raise Wrong(f"Legal hold {hold} does not hold customer {facts['customer']}.")
        return hold

    def _lift(self, record: Record) -> None:
        hold, by = self._hold(record.facts), record.actor.name
        asked_by = self._lifts.pop(hold, "")
        del self._holds[hold]
        if not asked_by or same_person(asked_by, by):
            raise Wrong(f"Legal hold {hold} was lifted by {by}, and nobody else had asked for it.")
        _check_hands(record, asked_by)

    def _erase(self, record: Record) -> None:
        customer, by = text_of(record.facts, "customer"), record.actor.name
        asked_by, again = self._asked.pop(customer, ""), customer in self._erased
        self._erased.add(customer)
        if not asked_by or same_person(asked_by, by):
            raise Wrong(f"Customer {customer} was erased by {by}, and nobody else had asked for it.")
        if again:
            raise Wrong(f"Customer {customer} is erased a second time.")
        _check_hands(record, asked_by)
        self._check(record)

    def _check(self, record: Record) -> None:
        facts, customer = record.facts, text_of(record.facts, "customer")
        if customer in self._holds.values():
            raise Wrong(f"Customer {customer} is under a legal hold, and was to be erased.")
        if customer not in self._closed:
            raise Wrong(f"Customer {customer} is not closed, and was to be erased.")
        years, last = amount_of(facts, "retention_years"), self._events[customer]
        if moment_of(facts, "last_event_at") != last:
            raise Wrong(f"The latest event of customer {customer} was at {last:%Y-%m-%dT%H:%M:%SZ} by the log.")
        if not RETENTION_YEARS_MIN <= years <= RETENTION_YEARS_MAX or record.at < kept_until(last, years):
            raise Wrong(f"Customer {customer} was to be erased before {RETENTION_YEARS_MIN} years were over.")


def _check_hands(record: Record, asked_by: str) -> None:
    """Who is one person is asked of the names that a record tells (`people`): they have to be those who did it."""
    told = (record.facts.get("requested_by"), record.facts.get("approved_by"))
    if told != (asked_by, record.actor.name):
        raise Wrong(f"{asked_by} asked and {record.actor.name} approved; the record says {told[0]} and {told[1]}.")
