"""Which records change no customer, party, binding or run."""

from __future__ import annotations

from gatekeeper.domain.record import RecordType

# Records after which every customer, party, binding and run is what it was; all others count as a change of them.
_BOOKKEEPING = frozenset(
    {
        RecordType.RESERVATION_PENDING,
        RecordType.RESERVATION_SETTLED,
        RecordType.RESERVATION_VOIDED,
        RecordType.METERING_BEGUN,
        RecordType.METERING_SETTLED,
        RecordType.CORRECTION_PROPOSED,
        RecordType.CORRECTION_REJECTED,
        RecordType.RESERVATION_END_PROPOSED,
        RecordType.RESERVATION_END_REJECTED,
        RecordType.NAMESPACE_PROPOSED,
        RecordType.NAMESPACE_REJECTED,
        RecordType.USAGE_CORRECTED,
        RecordType.WORKLOAD_REFUSED,
        RecordType.WORKLOAD_HELD,
        RecordType.WORKLOAD_WARNED,
        RecordType.WORKLOAD_RELEASED,
        RecordType.WORKLOAD_STOPPED,
        RecordType.CLEARANCE_GIVEN,
        RecordType.INQUIRY_OPENED,
        RecordType.CLEARANCE_WITHDRAWN,
        RecordType.USER_ADDED,
        RecordType.USER_CHANGED,
        RecordType.USER_DISABLED,
        RecordType.LOGIN_LINKED,
        RecordType.LOGIN_UNLINK_ASKED,
        RecordType.LOGIN_UNLINKED,
        RecordType.TIER_CHANGED,
        RecordType.CUSTOMER_NOTICE,
        RecordType.OVERRIDE_REQUESTED,
        RecordType.EVIDENCE_ADDED,
        RecordType.EVIDENCE_READ,
        RecordType.ATTESTATION_MADE,
        RecordType.HOLD_PLACED,
        RecordType.HOLD_LIFT_REQUESTED,
        RecordType.HOLD_LIFT_REJECTED,
        RecordType.HOLD_LIFTED,
        RecordType.ERASURE_REQUESTED,
        RecordType.ERASURE_REJECTED,
        RecordType.CUSTOMER_ERASED,
    }
)


OF_PEOPLE = frozenset(RecordType) - _BOOKKEEPING
