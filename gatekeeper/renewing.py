"""What records say of what a snapshot holds: which customers, parties, runs and bindings are to be read again.

A record of a type that is not known here says nothing for sure, and everything is read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatekeeper.domain.record import JsonValue, Record, RecordType

# Records that tell of more than this are read as if everything had changed: one by one it would take longer.
NAMED_MAX = 500
# A record of a screening names no more parties than this, whether or not it wrote more.
WRITTEN_MAX = 200
_OF_CUSTOMERS = frozenset(
    {
        RecordType.CUSTOMER_DRAFTED,
        RecordType.CUSTOMER_ENROLLED,
        RecordType.CUSTOMER_SUBMITTED,
        RecordType.CUSTOMER_APPROVED,
        RecordType.CUSTOMER_SUSPENDED,
        RecordType.CUSTOMER_REINSTATEMENT,
        RecordType.CUSTOMER_RENEWAL,
        RecordType.CUSTOMER_REJECTED,
        RecordType.CUSTOMER_REOPENED,
        RecordType.CUSTOMER_CLOSED,
    }
)
_OF_SCREENING = frozenset({RecordType.SCREENING_RUN, RecordType.SCREENING_HIT, RecordType.SCREENING_JUDGED})
_OF_RUNS = frozenset(
    {RecordType.RUN_DECLARED, RecordType.RUN_APPROVED, RecordType.RUN_RECLASSIFIED, RecordType.RUN_JOINED}
)
_OF_BINDINGS = frozenset({RecordType.NAMESPACE_BOUND, RecordType.NAMESPACE_UNBOUND, RecordType.NAMESPACE_IDENTIFIED})


@dataclass(slots=True)
class Named:
    """What some records name. Hits, overrides and inquiries are few, and read whole where any record is of them."""

    customers: set[str] = field(default_factory=set)
    parties: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    bindings: set[tuple[str, str]] = field(default_factory=set)
    whole: bool = False

    @classmethod
    def of(cls, records: Iterable[Record]) -> Named:
        """What these records name; `whole` where they do not name all that they tell of."""
        found = cls()
        for record in records:
            found._add(record.type, dict(record.facts))
            if found.whole or len(found.customers) + len(found.parties) + len(found.runs) > NAMED_MAX:
                found.whole = True
                break
        return found

    def _add(self, kind: RecordType, facts: dict[str, JsonValue]) -> None:
        if kind in _OF_CUSTOMERS:
            self.customers.add(str(facts["customer"]))
            self._write(facts.get("written"))
        elif kind in _OF_SCREENING:
            self._write(facts.get("written"))
        elif kind in _OF_RUNS:
            self.runs.add(str(facts["run"]))
        elif kind in _OF_BINDINGS:
            self.bindings.add((str(facts["cluster"]), str(facts["namespace"])))
        elif kind not in _NAMES_NOTHING:
            self.whole = True

    def _write(self, written: JsonValue) -> None:
        parties = written if isinstance(written, list) else []
        self.whole = self.whole or len(parties) >= WRITTEN_MAX
        self.parties |= {str(each["id"]) for each in parties if isinstance(each, dict)}


_NAMES_NOTHING = frozenset(
    {
        RecordType.OVERRIDE_APPROVED,
        RecordType.OVERRIDE_ENDED,
        RecordType.INQUIRY_ANSWERED,
        RecordType.INQUIRY_APPROVED,
        RecordType.INQUIRY_DENIED,
        RecordType.POLICY_LOADED,
        RecordType.LIST_LOADED,
        RecordType.LOG_EXPORTED,
        RecordType.GLEIF_IMPORTED,
    }
)
