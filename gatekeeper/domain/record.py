"""The record: one line of the audit log, and the only bytes that stand for it.

The bytes are canonical JSON by RFC 8785 (JCS), narrowed: no fractions, so that no reader can round what we counted.
They never hold a newline, so a file of records is a file of lines. Who hashes, stores or exports a record uses
these bytes verbatim and never encodes it again. The format is told for outsiders in docs/log-format.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Method

FORMAT_VERSION = 1
# The size of a tlog-tiles entry is a uint16 (C2SP tlog-tiles, 2026-07), so 64 KiB less one byte.
RECORD_BYTES_MAX = 65_535
# RFC 7493 (I-JSON) section 2.2: beyond this many readers hold a rounded double. Write larger numbers as strings.
INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 16
NAME_CHARACTERS_MAX = 512

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STR = frozenset({str})
_FIELDS = frozenset({"v", "id", "at", "type", "actor", "facts"})

JsonValue = None | bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
E = TypeVar("E", bound=StrEnum)


class RecordType(StrEnum):
    """What happened. A reader who meets an unknown type has an older version of this list."""

    CUSTOMER_ENROLLED = "customer.enrolled"
    CUSTOMER_SUBMITTED = "customer.submitted"
    CUSTOMER_APPROVED = "customer.approved"
    CUSTOMER_SUSPENDED = "customer.suspended"
    CUSTOMER_DRAFTED = "customer.drafted"
    CUSTOMER_REJECTED = "customer.rejected"
    CUSTOMER_REOPENED = "customer.reopened"
    CUSTOMER_CLOSED = "customer.closed"
    CUSTOMER_REINSTATEMENT = "customer.reinstatement_requested"  # one person asks to lift a suspension
    CUSTOMER_RENEWAL = "customer.renewal_requested"  # one person says that a record was verified again
    CUSTOMER_NOTICE = "customer.notice"  # an approval is near its end, or has ended
    OVERRIDE_REQUESTED = "customer.override_requested"
    OVERRIDE_APPROVED = "customer.override_approved"
    OVERRIDE_ENDED = "customer.override_ended"
    HOLD_PLACED = "customer.hold_placed"  # a legal hold: nothing of the customer is erased
    HOLD_LIFT_REQUESTED = "customer.hold_lift_requested"
    HOLD_LIFT_REJECTED = "customer.hold_lift_rejected"
    HOLD_LIFTED = "customer.hold_lifted"
    ERASURE_REQUESTED = "customer.erasure_requested"
    ERASURE_REJECTED = "customer.erasure_rejected"
    CUSTOMER_ERASED = "customer.erased"  # values and salts of its profiles; the log keeps their hashes
    EVIDENCE_ADDED = "evidence.added"
    EVIDENCE_READ = "evidence.read"  # somebody was given the bytes
    ATTESTATION_MADE = "attestation.made"
    NAMESPACE_PROPOSED = "namespace.proposed"
    NAMESPACE_BOUND = "namespace.bound"
    NAMESPACE_REJECTED = "namespace.rejected"
    NAMESPACE_UNBOUND = "namespace.unbound"
    NAMESPACE_IDENTIFIED = "namespace.identified"  # which one it is, or that another one has its name now
    RUN_DECLARED = "run.declared"
    RUN_APPROVED = "run.approved"
    RUN_RECLASSIFIED = "run.reclassified"
    RUN_JOINED = "run.joined"
    CORRECTION_PROPOSED = "correction.proposed"
    CORRECTION_REJECTED = "correction.rejected"
    USAGE_CORRECTED = "usage.corrected"
    POLICY_LOADED = "policy.loaded"
    INQUIRY_OPENED = "inquiry.opened"
    INQUIRY_ANSWERED = "inquiry.answered"
    INQUIRY_APPROVED = "inquiry.approved"
    INQUIRY_DENIED = "inquiry.denied"
    LIST_LOADED = "list.loaded"
    SCREENING_RUN = "screening.run"
    SCREENING_HIT = "screening.hit"
    SCREENING_JUDGED = "screening.judged"
    TIER_CHANGED = "tier.changed"
    RESERVATION_PENDING = "reservation.pending"
    RESERVATION_END_PROPOSED = "reservation.end_proposed"
    RESERVATION_END_REJECTED = "reservation.end_rejected"
    RESERVATION_SETTLED = "reservation.settled"
    RESERVATION_VOIDED = "reservation.voided"
    METERING_BEGUN = "metering.begun"  # of a pod under a clearance: nothing is held for it
    METERING_SETTLED = "metering.settled"
    WORKLOAD_REFUSED = "workload.refused"
    WORKLOAD_HELD = "workload.held"
    WORKLOAD_WARNED = "workload.warned"
    WORKLOAD_RELEASED = "workload.released"  # could reach a device but asks for none: no budget needed
    WORKLOAD_STOPPED = "workload.stopped"
    CLEARANCE_GIVEN = "clearance.given"
    CLEARANCE_WITHDRAWN = "clearance.withdrawn"
    GLEIF_IMPORTED = "gleif.imported"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_DISABLED = "user.disabled"
    LOGIN_LINKED = "login.linked"
    LOGIN_UNLINK_ASKED = "login.unlink_asked"
    LOGIN_UNLINKED = "login.unlinked"
    LOG_EXPORTED = "log.exported"


class ActorKind(StrEnum):
    """Whose hand it was: one of our processes, a person, or the cluster itself."""

    SERVICE = "service"
    PERSON = "person"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused a record: a kind, and a name of 1 to 512 characters such as `controller` or `ana@provider`.

    Attributes:
        auth: how we knew who it was; None for our own processes, and in records from before it was kept.
    """

    kind: ActorKind
    name: str
    auth: Method | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _member(ActorKind, self.kind, "actor.kind"))
        if not isinstance(self.name, str) or not 0 < len(self.name) <= NAME_CHARACTERS_MAX:
            raise InvalidInput(f"A record's actor.name is a text of 1 to {NAME_CHARACTERS_MAX} characters.")
        if self.auth is not None:
            object.__setattr__(self, "auth", _member(Method, self.auth, "actor.auth"))

    @property
    def fields(self) -> dict[str, JsonValue]:
        """As it stands in a record, in canonical order; what is not known is left out."""
        known: dict[str, JsonValue] = {} if self.auth is None else {"auth": self.auth.value}
        return known | {"kind": self.kind.value, "name": _text(self.name, "actor.name")}


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened, fixed when built: later changes to the caller's dictionaries do not reach it.

    Attributes:
        id: UUID in lower case, unique in the log; the same event written again carries the same id.
        at: when, UTC; microseconds are kept.
        type: what happened.
        actor: who caused it.
        facts: JSON values without floats; whole numbers within +-(2^53 - 1), larger ones as decimal strings.

    Raises:
        InvalidInput: any of the above is not so, or the encoded record is over 65,535 bytes.
    """

    id: str
    at: datetime
    type: RecordType
    actor: Actor
    facts: Mapping[str, JsonValue] = field(hash=False)
    _encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise InvalidInput(f"A record's id must be a UUID in lower case, not {self.id!r:.80}.")
        if not isinstance(self.at, datetime) or self.at.utcoffset() != timedelta(0):
            raise InvalidInput("A record's time must be a datetime with the time zone UTC.")
        if not isinstance(self.facts, Mapping):
            raise InvalidInput(f"A record's facts are an object, not {type(self.facts).__name__}.")
        object.__setattr__(self, "at", self.at.replace(tzinfo=UTC, fold=0))
        object.__setattr__(self, "type", _member(RecordType, self.type, "type"))
        facts = _canonical(self.facts, "facts", 1)
        assert isinstance(facts, dict)
        object.__setattr__(self, "facts", MappingProxyType(facts))
        object.__setattr__(self, "_encoded", _encoded(self, facts))


def _encoded(record: Record, facts: JsonValue) -> bytes:
    """The bytes of a record whose facts are in canonical order already; so is what is written here."""
    encoded = _dump(
        {
            "actor": record.actor.fields,
            "at": record.at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
            "facts": facts,
            "id": record.id,
            "type": record.type.value,
            "v": FORMAT_VERSION,
        }
    )
    if len(encoded) > RECORD_BYTES_MAX:
        raise InvalidInput(
            f"A record {record.type.value} of {len(encoded):,} bytes is too large; {RECORD_BYTES_MAX:,} is the most.",
            hint="Shorten the facts: name a long list by its SHA-256 and keep the list elsewhere.",
        )
    return encoded


def encode(record: Record) -> bytes:
    """The record's only bytes: canonical JSON, UTF-8, no newline, at most 65,535 bytes."""
    return record._encoded


def decode(data: bytes) -> Record:
    """Read a record back from its bytes, exactly.

    Raises:
        InvalidInput: not a record of version 1, or not the canonical bytes of one: a duplicate key, other spacing,
            another order, a fraction, an unknown field. Two byte strings never decode to the same record.
    """
    body = _load(data, RECORD_BYTES_MAX)
    if not isinstance(body, dict) or body.keys() != _FIELDS:
        raise InvalidInput(f"A record is an object with exactly the fields {', '.join(sorted(_FIELDS))}.")
    if body["v"] != FORMAT_VERSION:
        raise InvalidInput(f"Record version {body['v']!r:.40} is unknown; this reader knows {FORMAT_VERSION}.")
    actor = body["actor"]
    if not isinstance(actor, dict) or actor.keys() - {"auth"} != {"kind", "name"}:
        raise InvalidInput("A record's actor is an object with the fields kind and name, and perhaps auth.")
    record = Record(
        id=body["id"],
        at=_time(body["at"]),
        type=_member(RecordType, body["type"], "type"),
        actor=_actor(actor),
        facts=body["facts"],
    )
    if record._encoded != data:
        raise InvalidInput("These bytes are JSON, but not the canonical form of the record that they describe.")
    return record


def _actor(given: Mapping[str, Any]) -> Actor:
    auth = _member(Method, given["auth"], "actor.auth") if "auth" in given else None
    return Actor(kind=_member(ActorKind, given["kind"], "actor.kind"), name=given["name"], auth=auth)


def canonical_json(value: JsonValue) -> bytes:
    """Bytes of a JSON value in canonical form (RFC 8785), UTF-8.

    Raises:
        InvalidInput: a float, a whole number beyond 2^53 - 1, a key that is no text, a lone surrogate, over 16 levels.
    """
    return _dump(_canonical(value, "value", 0))


def parse_canonical(data: bytes, *, bytes_max: int) -> JsonValue:
    """Read JSON that must be in canonical form; nothing else is accepted, so equal values have equal bytes.

    Raises:
        InvalidInput: too long, not UTF-8, not JSON, a duplicate key, a fraction, or not canonical.
    """
    value: JsonValue = _load(data, bytes_max)
    if canonical_json(value) != data:
        raise InvalidInput("The line is JSON, but not in canonical form (RFC 8785).")
    return value


def _dump(ordered: JsonValue) -> bytes:
    return _ENCODER.encode(ordered).encode("utf-8")


def _load(data: bytes, bytes_max: int) -> Any:
    if len(data) > bytes_max:
        raise InvalidInput(f"The line has {len(data):,} bytes; at most {bytes_max:,} are allowed.")
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError covers UTF-8, JSON and numbers of absurd length
        raise InvalidInput(f"The line is not JSON in UTF-8: {error!s:.200}.") from error


def _canonical(value: object, path: str, depth: int) -> JsonValue:
    """A copy with sorted keys and plain types, or a refusal that names the place."""
    if depth > DEPTH_MAX:
        raise InvalidInput(f"A record nests deeper than {DEPTH_MAX} levels at {path}.")
    if isinstance(value, str):
        return _text(value, path)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise InvalidInput(f"{path} is beyond 2^53 - 1; write large whole numbers as decimal strings.")
        return int(value)
    if isinstance(value, Mapping):
        found: dict[str, JsonValue] = {}
        for key in _sorted_keys(value, path):
            item = value[key]
            # Most of what records hold, without a call and the text of a place that is told only to refuse.
            plain = type(item) is str and item.isascii()
            found[key] = item if plain else _canonical(item, f"{path}.{key}", depth + 1)
        return found
    if isinstance(value, list | tuple):
        return [_canonical(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(value)]
    raise InvalidInput(f"{path} is of type {type(value).__name__}, which a record cannot hold.")


def _sorted_keys(value: Mapping[Any, object], path: str) -> list[str]:
    if set(map(type, value)) <= _STR and "".join(value).isascii():
        return sorted(value)
    return sorted((_text(key, path) for key in value), key=_utf16)


def _utf16(key: str) -> bytes:
    """RFC 8785 section 3.2.3: keys stand in the order of their UTF-16 code units, as JavaScript sorts."""
    return key.encode("utf-16-be")


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{path} must have a text, not {type(value).__name__}.")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidInput(f"{path} holds half of a surrogate pair, which UTF-8 cannot write.") from error
    return str.__str__(value)  # a plain str, also where an enum member came in


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("A key stands twice in one object.")
    return found


def _refuse_fraction(number: str) -> NoReturn:
    raise InvalidInput(f"The number {number:.40} is not a whole number; records hold no fractions.")


# Built once: json.dumps and json.loads build theirs anew for each call with options.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_refuse_fraction, parse_constant=_refuse_fraction)


def _member(kind: type[E], value: object, path: str) -> E:
    if type(value) is kind:
        return value
    try:
        return kind(_text(value, path))
    except ValueError as error:
        raise InvalidInput(f"A record's {path} {value!r:.80} is unknown to this version.") from error


def _time(value: object) -> datetime:
    """Read a time in our one form; whether it is that form is seen when the record is encoded again."""
    try:
        return datetime.fromisoformat(_text(value, "at"))
    except ValueError as error:
        raise InvalidInput(f"A record's time must look like 2026-11-22T03:00:00.000000Z, not {value!r:.80}.") from error
