"""The two-hands rule in one place: which records are a second person's, and of whom each must be another one.

Use cases ask it of every record before it is written, and the verifier of every record that it reads. So a use case
that forgets it is found, and a database that was changed. What is compared are persons (`people`), not names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.people import People
from gatekeeper.domain.person import Method, first_hand_told, is_machine
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType

Facts = Mapping[str, object]
_HINT = "Ask a second person to approve."


@dataclass(frozen=True, slots=True)
class Hands:
    """Whose logins may be hands at all: a provider may rule out those that it cannot tell apart itself.

    Attributes:
        first: how somebody's identity has to be established who prepares or asks; None for any way.
        second: the same for who approves.
        domains: where the address has to be after which a local user is called; empty for any name.
    """

    first: frozenset[Method] | None = None
    second: frozenset[Method] | None = None
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """Of one type of record.

    Attributes:
        hands: the facts with the names of first hands.
        object: the facts that say what was approved.
        firsts: the records by which somebody became a first hand of it.
        only_with: a fact without which one person did this alone.
    """

    hands: tuple[str, ...]
    object: tuple[str, ...]
    firsts: frozenset[RecordType]
    only_with: str = ""


_T = RecordType
_PREPARED = frozenset(
    {_T.CUSTOMER_ENROLLED, _T.CUSTOMER_SUBMITTED, _T.CUSTOMER_DRAFTED, _T.CUSTOMER_REINSTATEMENT, _T.CUSTOMER_RENEWAL}
)
_ENDED = _Rule(("proposed_by",), ("reservation",), frozenset({_T.RESERVATION_END_PROPOSED}), "approved_by")
_RULES: Mapping[RecordType, _Rule] = {
    _T.CUSTOMER_APPROVED: _Rule(("prepared_by", "authors"), ("customer",), _PREPARED),
    _T.CUSTOMER_REOPENED: _Rule(("rejected_by",), ("customer",), frozenset({_T.CUSTOMER_REJECTED})),
    _T.OVERRIDE_APPROVED: _Rule(("requested_by",), ("override",), frozenset({_T.OVERRIDE_REQUESTED})),
    _T.HOLD_LIFTED: _Rule(("requested_by",), ("hold",), frozenset({_T.HOLD_LIFT_REQUESTED})),
    _T.CUSTOMER_ERASED: _Rule(("requested_by",), ("customer",), frozenset({_T.ERASURE_REQUESTED})),
    _T.RUN_APPROVED: _Rule(("declared_by",), ("run",), frozenset({_T.RUN_DECLARED})),
    _T.NAMESPACE_BOUND: _Rule(
        ("proposed_by",), ("cluster", "namespace"), frozenset({_T.NAMESPACE_PROPOSED}), "approved_by"
    ),
    _T.USAGE_CORRECTED: _Rule(("proposed_by",), ("correction",), frozenset({_T.CORRECTION_PROPOSED}), "approved_by"),
    _T.INQUIRY_APPROVED: _Rule(("answered_by",), ("inquiry",), frozenset({_T.INQUIRY_ANSWERED})),
    _T.SCREENING_JUDGED: _Rule(("judged_by",), ("hit",), frozenset({_T.SCREENING_JUDGED}), "confirmed_by"),
    _T.RESERVATION_SETTLED: _ENDED,
    _T.RESERVATION_VOIDED: _ENDED,
    _T.USER_CHANGED: _Rule(("asked_by",), ("user",), frozenset({_T.USER_ADDED, _T.USER_CHANGED})),
    _T.LOGIN_UNLINKED: _Rule(("asked_by",), ("login",), frozenset({_T.LOGIN_UNLINK_ASKED})),
}
FIRST_TYPES = frozenset[RecordType]().union(*(rule.firsts for rule in _RULES.values()))
SECOND_TYPES = frozenset(_RULES)


# For a type that somebody adds and forgets here: `approved_by` is the actor, so somebody else was first.
_OTHERWISE = _Rule(
    ("prepared_by", "proposed_by", "requested_by", "declared_by", "answered_by", "asked_by"),
    (),
    frozenset(),
    "approved_by",
)
# What is told of a first hand whom a fact names.
_DID = {
    "prepared_by": "prepared it",
    "authors": "wrote it",
    "proposed_by": "proposed it",
    "requested_by": "asked for it",
    "declared_by": "declared it",
    "answered_by": "answered it",
    "judged_by": "judged it",
    "rejected_by": "rejected it",
    "asked_by": "asked for it",
}
# Says who approved what it ends; whoever of the two may end it.
_OF_ONE = frozenset({_T.OVERRIDE_ENDED})


def first_hands(record: Record) -> tuple[str, ...]:
    """Those of whom the actor of a record must be another person; empty where one person may do it alone."""
    rule = _rule(record)
    if rule is None or (rule.only_with and not record.facts.get(rule.only_with)):
        return ()
    if record.type is _T.USER_CHANGED and not _roles_approved(record.facts):
        return ()
    return tuple(dict.fromkeys(name for key in rule.hands for name in _names(record.facts.get(key))))


def types_about(record: Record) -> frozenset[RecordType]:
    """The records that tell who was when a first hand of what a record approves."""
    rule = _rule(record)
    # A reservation ends once, and most ends are nobody's: there are too many to be read.
    again = frozenset() if rule is _ENDED else frozenset({record.type})
    return (rule.firsts if rule else frozenset()) | again


@dataclass(slots=True)
class FirstHands:
    """Since when, and how known, each is a first hand of what waits; what was approved waits no more."""

    _since: dict[tuple[object, ...], dict[str, tuple[int, Actor]]] = field(default_factory=dict)
    _last: dict[tuple[object, ...], str] = field(default_factory=dict)

    def see(self, seq: int, record: Record) -> None:
        """Take the next record in."""
        if first_hands(record):
            self._since.pop(_key(record.type, record.facts), None)
            self._last.pop(_key(record.type, record.facts), None)
            return
        for kind in _SECOND_OF.get(record.type, ()):
            known = self._since.setdefault(_key(kind, record.facts), {})
            known.setdefault(record.actor.name, (seq, record.actor))
            self._last[_key(kind, record.facts)] = record.actor.name

    def last(self, record: Record) -> str:
        """Who became a first hand of what a record approves last; "" where no record tells."""
        return self._last.get(_key(record.type, record.facts), "")

    def of(self, record: Record, name: str) -> tuple[int, Actor] | None:
        """Index and actor of the record by which a name became a first hand of what a record approves."""
        return self._since.get(_key(record.type, record.facts), {}).get(name)


def check_two_people(record: Record, people: People, since: Callable[[str], int]) -> None:
    """Let nobody be both hands, under whatever login, and no program be the second.

    Args:
        since: first hand -> index of the record by which it became one; 0 where no record tells.

    Raises:
        NotPermitted: the actor is one person with a first hand, was while it waited, or is a program.
    """
    firsts, by = first_hands(record), record.actor.name
    if firsts and (is_machine(by) or record.actor.kind is ActorKind.SERVICE):
        raise NotPermitted(f"{by} is a service account and cannot be the second of two people.", hint=_HINT)
    for each in firsts:
        if people.same(each, by):
            raise NotPermitted(f"{first_hand_told(by, each, _did(record, each))} and this takes two.", hint=_HINT)
        if people.same(each, by, since=since(each)):
            raise NotPermitted(
                f"{by} and {each} were one person when {each} did what waits, and this takes two.",
                hint="Ask a third person to approve, or reject it and have it prepared again.",
            )


def check_first(record: Record, hands: Hands) -> None:
    """Let only those be a first hand whom the provider lets.

    Raises:
        NotPermitted: the actor's identity was established in another way.
    """
    if record.type in FIRST_TYPES and _waits(record) and record.actor.kind is not ActorKind.SYSTEM:
        _check_method(record.actor, hands.first, "prepare or ask for what takes two", "identity.first_hand")


def check_second(record: Record, hands: Hands, first: Callable[[str], Actor | None]) -> None:
    """Let only those be a second hand whom the provider lets, and only after such a first one.

    Args:
        first: first hand -> actor of the record by which it became one; None where no record tells.

    Raises:
        NotPermitted: the identity of either was established in another way.
    """
    firsts = first_hands(record)
    if not firsts:
        return
    _check_method(record.actor, hands.second, "be the second of two people", "identity.second_hand")
    for each in firsts if hands.first is not None else ():
        actor = first(each)
        if actor is not None:
            _check_method(actor, hands.first, "have prepared or asked for this", "identity.first_hand")


def _check_method(actor: Actor, allowed: frozenset[Method] | None, what: str, setting: str) -> None:
    if allowed is None or actor.auth in allowed or (actor.kind is ActorKind.SERVICE and actor.auth is None):
        return
    how = actor.auth.value if actor.auth else "name alone"
    raise NotPermitted(
        f"{actor.name} is known by {how} and cannot {what} here.",
        hint=f"{setting} allows {', '.join(sorted(each.value for each in allowed))}.",
    )


def _waits(record: Record) -> bool:
    """Whether something waits for a second person after a record, and one alone could not have done it."""
    if record.type is _T.CUSTOMER_REJECTED:
        return False
    if record.type is _T.SCREENING_JUDGED:
        return bool(record.facts.get("proposed"))
    if record.type in (_T.USER_ADDED, _T.USER_CHANGED):
        return bool(record.facts.get("asked"))
    return True


def _roles_approved(facts: Facts) -> bool:
    before = facts.get("before")
    asked = before.get("asked") if isinstance(before, Mapping) else ()
    return bool(set(_names(asked)) & set(_names(facts.get("roles"))))


def _rule(record: Record) -> _Rule | None:
    rule = _RULES.get(record.type)
    if rule is None and record.facts.get("approved_by") == record.actor.name and record.type not in _OF_ONE:
        return _OTHERWISE
    return rule


def _did(record: Record, first: str) -> str:
    """What somebody did as a first hand of what a record approves."""
    return next((did for fact, did in _DID.items() if first in _names(record.facts.get(fact))), "did the first part")


def _key(kind: RecordType, facts: Facts) -> tuple[object, ...]:
    return kind, *(str(facts.get(each)) for each in _RULES.get(kind, _OTHERWISE).object)


def _names(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list | tuple) else (value,):
        if isinstance(each, str) and each:
            yield each


def _second_of() -> dict[RecordType, tuple[RecordType, ...]]:
    found: dict[RecordType, tuple[RecordType, ...]] = {}
    for kind, rule in _RULES.items():
        for first in rule.firsts:
            found[first] = (*found.get(first, ()), kind)
    return found


_SECOND_OF = _second_of()
