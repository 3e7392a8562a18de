"""Follows legal holds and erasures: two people each, nothing under a hold, and nothing before its time.

That values are gone no log can show; what it shows is who let them go, and that the hashes of them are still here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.retention import NO_EVENTS, RETENTION_YEARS_MAX, RETENTION_YEARS_MIN, kept_until
from gatekeeper.verify.fields import Facts, Wrong, amount_of, moment_of, text_of, texts_of

# A record of an erasure names so many hashes of a kind, and how many there are.
HASHES_TOLD_MAX = 200


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
        self._files: dict[str, set[str]] = {}  # customer -> evidence on record
        self._profiles: dict[str, set[str]] = {}  # customer -> salted hashes of profiles in its records

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it does not follow from the records before it.
        """
        facts, by = record.facts, record.actor.name
        customer = facts.get("customer")
        if isinstance(customer, str) and record.type not in NO_EVENTS:
            self._events[customer] = max(record.at, self._events.get(customer, record.at))
        self._see_values(record, customer)
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

    def _see_values(self, record: Record, customer: object) -> None:
        """What a customer told: after it was erased nothing is added, and nothing is read that was never there."""
        facts = record.facts
        for told in (facts, *facts.values()) if isinstance(customer, str) else ():
            sha256 = told.get("profile_sha256") if isinstance(told, Mapping) else None
            if isinstance(sha256, str) and sha256:
                self._profiles.setdefault(str(customer), set()).add(sha256)
        if record.type is RecordType.EVIDENCE_ADDED:
            customer = text_of(facts, "customer")
            self._files.setdefault(customer, set()).add(text_of(facts, "sha256"))
            if customer in self._erased:
                raise Wrong(f"Evidence is added to customer {customer}, which was erased.")
        if record.type is RecordType.EVIDENCE_READ:
            customer, read = text_of(facts, "customer"), text_of(facts, "sha256")
            if customer in self._erased:
                raise Wrong(f"Evidence of customer {customer} is read, which was erased.")
            if read not in self._files.get(customer, ()):
                raise Wrong(f"Evidence {read:.80} of customer {customer} is read, and was never added.")

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
        self._check_told(record.facts, customer)

    def _check_told(self, facts: Facts, customer: str) -> None:
        """What went is told by the hashes that the log has of it, as many as a record has room for."""
        profiles, files = set(texts_of(facts, "profiles")), set(texts_of(facts, "files"))
        known, total = self._profiles.get(customer, set()), amount_of(facts, "profiles_total")
        if total < max(len(known), len(profiles)) or (total == len(profiles) and not known <= profiles):
            raise Wrong(f"Customer {customer} had {len(known)} profiles; its erasure does not tell all of them.")
        if len(profiles) < min(total, HASHES_TOLD_MAX):
            raise Wrong(f"The erasure of customer {customer} tells fewer profiles than it has room for.")
        if not files <= self._files.get(customer, set()):
            raise Wrong(f"The erasure of customer {customer} tells files that were never added.")

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
