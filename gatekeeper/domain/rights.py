"""Which right a record takes of whoever it names as its actor.

Asked twice more after the use case asked it: in the transaction that writes the record, where a user may have lost the
role a moment ago, and by the verifier, which knows from the log which roles a user of our own table had at that place.
"""

from __future__ import annotations

from collections.abc import Collection

from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.person import Caller, Method, Right, same_person
from gatekeeper.domain.record import ActorKind, Record, RecordType
from gatekeeper.domain.two_hands import first_hands

_T = RecordType
_KEEPS = frozenset(
    {
        _T.USER_ADDED,
        _T.USER_CHANGED,
        _T.USER_DISABLED,
        _T.LOGIN_LINKED,
        _T.LOGIN_UNLINK_ASKED,
        _T.LOGIN_UNLINKED,
        _T.LIST_LOADED,
    }
)
_APPROVES = frozenset(
    {
        _T.CUSTOMER_APPROVED,
        _T.CUSTOMER_REOPENED,
        _T.OVERRIDE_APPROVED,
        _T.HOLD_LIFTED,
        _T.CUSTOMER_ERASED,
        _T.RUN_APPROVED,
        _T.INQUIRY_APPROVED,
    }
)
_EDITS = frozenset(
    {
        _T.CUSTOMER_ENROLLED,
        _T.CUSTOMER_SUBMITTED,
        _T.CUSTOMER_DRAFTED,
        _T.CUSTOMER_REINSTATEMENT,
        _T.CUSTOMER_RENEWAL,
        _T.OVERRIDE_REQUESTED,
        _T.HOLD_LIFT_REQUESTED,
        _T.ERASURE_REQUESTED,
        _T.EVIDENCE_ADDED,
        _T.ATTESTATION_MADE,
        _T.NAMESPACE_PROPOSED,
        _T.RUN_DECLARED,
        _T.CORRECTION_PROPOSED,
        _T.USAGE_CORRECTED,
        _T.INQUIRY_ANSWERED,
        _T.RESERVATION_END_PROPOSED,
        _T.GLEIF_IMPORTED,
    }
)
# Written by whatever command somebody runs with packs or the log at hand, beside the use cases on people.
BESIDE = frozenset({_T.POLICY_LOADED, _T.LOG_EXPORTED})


def right_of(record: Record) -> Right | None:
    """The right that the actor of a record needs; None where a person needs none that a role gives.

    What is not known here takes the right that every role has that may write anything.
    """
    if record.type in BESIDE or _is_own_token(record):
        return None
    if record.type in _KEEPS:
        return Right.POLICY
    approves = first_hands(record) or record.facts.get("approved_by") == record.actor.name
    if record.type in _APPROVES or (approves and record.type is not _T.OVERRIDE_ENDED):
        return Right.APPROVE
    if record.type is _T.EVIDENCE_READ:
        return Right.READ
    proposes = record.type is _T.SCREENING_JUDGED and bool(record.facts.get("proposed"))
    return Right.EDIT if proposes or record.type in _EDITS else Right.TIGHTEN


def check_right(record: Record, users: Collection[Caller]) -> None:
    """Let a user of our own table do only what its roles give, and nobody be a second person, or keep users and logins,
    by name alone once there are users.

    Args:
        users: our own table before the record, with the roles in effect; empty where it holds nobody.

    Raises:
        NotPermitted: no role of the actor gives the right, it is none of the users, or only its name is known.
    """
    actor, right = record.actor, right_of(record)
    if not users or actor.kind is not ActorKind.PERSON or _is_bootstrap(record):
        return
    if actor.auth in (None, Method.CLAIMED) and (right is Right.APPROVE or record.type in _KEEPS - {_T.LIST_LOADED}):
        raise NotPermitted(
            f"{actor.name} is known by name alone, and there are users by now.", hint="Act with a token."
        )
    if actor.auth is not Method.LOCAL or right is None:
        return
    known = next((each for each in users if same_person(each.name, actor.name)), None)
    if known is None:
        raise NotPermitted(f"{actor.name} is no user.", hint="See `gatekeeper user list`.")
    known.require(right)


def _is_bootstrap(record: Record) -> bool:
    return record.type is _T.USER_ADDED and record.facts.get("bootstrap") is True


def _is_own_token(record: Record) -> bool:
    """Whether a user does no more than to replace their own token."""
    facts = record.facts
    before = {"roles": facts.get("roles"), "asked": facts.get("asked")}
    return (
        record.type is _T.USER_CHANGED
        and same_person(str(facts.get("user")), record.actor.name)
        and facts.get("token") == "rotated"
        and facts.get("before") == before
    )
