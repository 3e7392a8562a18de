"""Follows what waits for a second person in each customer's record, and compares every approval with it.

The records of what was handed in stand in the log from its first version on. An approval of a customer of which nothing
was handed in by the log has nothing to be compared with before 2026-11-22, when `policy.loaded` began to tell terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.fields import Facts, Wrong, text_of
from gatekeeper.verify.unchecked import Unchecked

_HANDED_IN = (RecordType.CUSTOMER_DRAFTED, RecordType.CUSTOMER_ENROLLED, RecordType.CUSTOMER_SUBMITTED)
_REQUESTS = (RecordType.CUSTOMER_REINSTATEMENT, RecordType.CUSTOMER_RENEWAL)
_WAITS = ("waits", "partly")


@dataclass(frozen=True, slots=True)
class _Handed:
    """A record as somebody handed it in; `authors`: who wrote it, or what it replaced while that waited."""

    by: str
    party: object
    profile: object
    parties: Mapping[str, object]
    authors: tuple[str, ...]

    @classmethod
    def of(cls, facts: Facts, by: str) -> _Handed:
        """Read it; a party that a long record leaves out of it took effect as it is, and stands in `written`."""
        state = _object(facts["applied"])
        parties = {**_by_id(facts.get("written")), **_by_id(state.get("parties"))}
        return cls(by, state.get("party"), state.get("profile_sha256"), parties, (by,))


@dataclass(slots=True)
class _File:
    """A customer's file: what waits, who prepared what an approval would be of, and when nothing waits too."""

    waits: _Handed | None = None
    prepared_by: str = ""
    standing: str = ""
    version: object = None


@dataclass(slots=True)
class WaitingCheck:
    """A check for `verify_export(checks=[...])`. Memory grows with customers and their parties."""

    unchecked: Unchecked
    _files: dict[str, _File] = field(default_factory=dict)
    _written: dict[str, object] = field(default_factory=dict)
    _tells_terms: bool = False

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: an approval is of something else than what was handed in, or names another preparer.
        """
        facts = record.facts
        self._tells_terms |= record.type is RecordType.POLICY_LOADED and "terms" in facts
        try:
            if record.type in _HANDED_IN and isinstance(facts.get("applied"), Mapping):
                self._hand_in(record)
            elif record.type is RecordType.CUSTOMER_APPROVED:
                self._approve(record)
            elif record.type is RecordType.CUSTOMER_SUSPENDED:
                self._file(facts).prepared_by = record.actor.name
            elif record.type in _REQUESTS:
                self._ask(record)
            elif record.type is RecordType.CUSTOMER_REJECTED and facts.get("standing") != "rejected":
                self._file(facts).waits = None
        finally:
            self._written |= _by_id(facts.get("written"))
            customer = facts.get("customer")
            if isinstance(customer, str) and customer in self._files and "version" in facts and "standing" in facts:
                known = self._files[customer]
                known.standing, known.version = str(facts["standing"]), facts["version"]

    def _hand_in(self, record: Record) -> None:
        facts, known = record.facts, self._file(record.facts)
        by, drafted = record.actor.name, known.waits if known.standing == "draft" else None
        prepared_by = text_of(facts, "prepared_by") if "prepared_by" in facts else by
        handed = _Handed.of(facts, prepared_by)
        waits = record.type is not RecordType.CUSTOMER_SUBMITTED or facts.get("effect") in _WAITS
        if known.waits is not None and known.standing != "rejected":
            handed = replace(handed, authors=(*known.waits.authors, prepared_by))
        known.waits = handed if waits else None
        if facts.get("standing") != "approved" and (facts.get("version") != known.version or not known.prepared_by):
            known.prepared_by = prepared_by
        # A draft is handed in by anybody, and stays the work of who wrote it.
        if prepared_by != by and (drafted is None or drafted.by != prepared_by or not _same(drafted, handed)):
            raise Wrong(f"The record of customer {facts['customer']} is handed in by {by} as work of {prepared_by}.")

    def _ask(self, record: Record) -> None:
        """Who asks to lift a suspension or to renew is the first hand from then on, also of a change that waits."""
        known, by = self._file(record.facts), record.actor.name
        if known.waits is not None:
            known.waits = replace(known.waits, by=by, authors=(*known.waits.authors, by))
        else:
            known.prepared_by = by

    def _approve(self, record: Record) -> None:
        facts = record.facts
        customer, known = text_of(facts, "customer"), self._files.get(text_of(facts, "customer"))
        prepared_by, state = facts.get("prepared_by"), facts.get("in_effect")
        if known is None:
            if self._tells_terms:
                raise Wrong(f"Customer {customer} is approved, and nobody handed its record in.")
            self.unchecked.add("approvals of customers whose records the log does not hold")
            self._file(facts).prepared_by = str(prepared_by or "")
            return
        waited, known.waits = known.waits, None
        expected, known.prepared_by = waited.by if waited else known.prepared_by, str(prepared_by or "")
        if prepared_by != expected:
            raise Wrong(f"Customer {customer} is approved as prepared by {prepared_by}; it was {expected}.")
        if same_person(expected, record.actor.name):
            raise Wrong(f"{record.actor.name} prepared and approved the record of customer {customer}.")
        if "ask" in facts and waited and any(same_person(each, record.actor.name) for each in waited.authors):
            raise Wrong(f"{record.actor.name} wrote what was approved of customer {customer}, and approved it.")
        self._compare(customer, waited, _object(state), _by_id(facts.get("written")))

    def _compare(self, customer: str, waited: _Handed | None, state: Facts, written: Mapping[str, object]) -> None:
        """What is in effect from now on is what was handed in, with owners as others wrote them meanwhile."""
        wanted = waited.parties if waited else {}
        if any(wanted.get(each) != party for each, party in written.items()):
            raise Wrong(f"The approval of customer {customer} writes parties that nobody handed in.")
        for each, party in _by_id(state.get("parties")).items():
            if party not in (wanted.get(each), self._written.get(each)):
                raise Wrong(f"Customer {customer} is approved with another party {each} than was handed in.")
        if waited is not None and (state.get("party"), state.get("profile_sha256")) != (waited.party, waited.profile):
            raise Wrong(f"Customer {customer} is approved with another record than was handed in.")

    def _file(self, facts: Facts) -> _File:
        return self._files.setdefault(text_of(facts, "customer"), _File())


def _same(one: _Handed, other: _Handed) -> bool:
    """Whether a draft is handed in as it was written; owners that it left out may have changed."""
    return (one.party, one.profile) == (other.party, other.profile)


def _by_id(parties: object) -> dict[str, object]:
    found = parties if isinstance(parties, list | tuple) else ()
    return {str(each["id"]): each for each in found if isinstance(each, Mapping) and "id" in each}


def _object(value: object) -> Facts:
    if not isinstance(value, Mapping):
        raise Wrong("The record states no parties.")
    return value
