"""AdmissionReview v1: bytes from the API server -> `Review`, and an answer -> bytes.

The envelope is decoded first with the objects left as raw bytes, so that whatever an object holds, the answer can
carry the request's uid. Source: k8s.io/api admission/v1 types.go (Kubernetes 1.36).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from gatekeeper.domain.errors import InvalidInput

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

# etcd takes 1.5 MiB, the API server's own limit for a request body is 3 MiB (apiserver MaxRequestBodyBytes).
LARGEST_REVIEW_BYTES = 3 * 1024 * 1024
# "Individual warnings over 256 characters may be truncated"; 120 is what the API asks authors to stay below.
LONGEST_WARNING = 120
MOST_WARNINGS = 5
LONGEST_MESSAGE = 1_024
_LONGEST_UID = 128


class _GroupVersionKind(msgspec.Struct, frozen=True):
    version: str
    kind: str
    group: str = ""


class _Request(msgspec.Struct, frozen=True):
    uid: str
    kind: _GroupVersionKind
    operation: str
    name: str = ""
    namespace: str = ""
    sub_resource: str = msgspec.field(name="subResource", default="")
    dry_run: bool | None = msgspec.field(name="dryRun", default=None)
    object: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    old_object: msgspec.Raw = msgspec.field(name="oldObject", default_factory=lambda: msgspec.Raw(b"null"))


class _Envelope(msgspec.Struct, frozen=True):
    api_version: str = msgspec.field(name="apiVersion")
    kind: str
    request: _Request


class _Status(msgspec.Struct, frozen=True):
    code: int
    reason: str
    message: str
    status: str = "Failure"


class _Response(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    uid: str
    allowed: bool
    status: _Status | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = {}


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    response: _Response
    api_version: str = API_VERSION
    kind: str = KIND


_envelope = msgspec.json.Decoder(_Envelope)
# Fractions stay exact: a quantity is never a float.
_object = msgspec.json.Decoder(Any, float_hook=Decimal)
_answer = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Review:
    """One request to admit an object.

    Attributes:
        group, version, kind: what the object is, as the API server says.
        namespace: where it is, as the API server says; empty for objects without one.
        dry_run: nothing of it will be stored; nothing may be recorded.
    """

    uid: str
    group: str
    version: str
    kind: str
    operation: str
    namespace: str
    name: str
    subresource: str
    dry_run: bool
    raw_object: msgspec.Raw
    raw_old_object: msgspec.Raw

    def manifest(self) -> dict[str, Any] | None:
        """The object as it is to be stored; None on DELETE and CONNECT.

        Raises:
            InvalidInput: not JSON, not an object, or another kind than the request names.
        """
        return self._decoded(self.raw_object)

    def old_manifest(self) -> dict[str, Any] | None:
        """The object as it is stored now; None on CREATE.

        Raises:
            InvalidInput: as manifest().
        """
        return self._decoded(self.raw_old_object)

    def _decoded(self, raw: msgspec.Raw) -> dict[str, Any] | None:
        try:
            value = _object.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidInput("The object in the AdmissionReview is not valid JSON.") from error
        if value is None:
            return None
        api_version = f"{self.group}/{self.version}" if self.group else self.version
        if not isinstance(value, dict) or (value.get("apiVersion"), value.get("kind")) != (api_version, self.kind):
            raise InvalidInput(f"The object in the AdmissionReview is not the {self.kind} that the request names.")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server is told.

    Attributes:
        code, reason, message: of the Status that the user sees; only where it is not allowed.
        warnings: sentences for the user; wrapped to what the API shows.
        audit: annotations for the API server's audit log.
    """

    allowed: bool
    code: int = 403
    reason: str = "Forbidden"
    message: str = ""
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, str] = field(default_factory=dict)


def parse_review(body: bytes) -> Review:
    """Read an AdmissionReview.

    Raises:
        InvalidInput: too large, not JSON, not an AdmissionReview v1, or without what an answer needs.
    """
    if len(body) > LARGEST_REVIEW_BYTES:
        raise InvalidInput(f"The body is larger than {LARGEST_REVIEW_BYTES // 1024**2} MiB.")
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"This is not an {KIND}: {error}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("The body is not valid JSON.") from error
    except RecursionError as error:
        raise InvalidInput("The body is nested too deep to be read.") from error
    if (envelope.api_version, envelope.kind) != (API_VERSION, KIND):
        raise InvalidInput(f"Only {KIND} of {API_VERSION} is understood.")
    request = envelope.request
    if not 0 < len(request.uid) <= _LONGEST_UID:
        raise InvalidInput(f"The {KIND} has no uid.")
    return Review(
        uid=request.uid,
        group=request.kind.group,
        version=request.kind.version,
        kind=request.kind.kind,
        operation=request.operation,
        namespace=request.namespace,
        name=request.name,
        subresource=request.sub_resource,
        dry_run=request.dry_run is True,
        raw_object=request.object,
        raw_old_object=request.old_object,
    )


def write_answer(uid: str, answer: Answer) -> bytes:
    """The AdmissionReview that answers a request."""
    status = None
    if not answer.allowed:
        status = _Status(answer.code, answer.reason, _cut(answer.message, LONGEST_MESSAGE))
    response = _Response(uid, answer.allowed, status, _wrapped(answer.warnings), answer.audit)
    return _answer.encode(_Answer(response))


def _wrapped(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Each warning in pieces that no client cuts."""
    pieces = [piece for each in warnings for piece in textwrap.wrap(each, LONGEST_WARNING)]
    return tuple(pieces[:MOST_WARNINGS])


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
