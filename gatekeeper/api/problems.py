"""What went wrong, as a problem document (RFC 9457): our sentence, what to do next, and where in the request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from gatekeeper.api.hints import hint_for_callers
from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotFound, NotPermitted, Unavailable
from gatekeeper.identity.authenticator import Unauthenticated

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
ERRORS_MAX = 50
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="compute-gatekeeper"'}

# Every status that we send, by the name that ends its `type`, with one sentence for the page of them.
KINDS: Mapping[int, tuple[str, str]] = {
    400: ("malformed-request", "The request cannot be read: its path, a header, a parameter or its JSON."),
    401: ("unauthenticated", "There is no token, or one that does not hold."),
    403: ("not-permitted", "The caller may not do this: a role is missing, or a second person has to do it."),
    404: ("not-found", "What was named is not here."),
    405: ("method-not-allowed", "There is no such method here; Allow names those that there are."),
    408: ("too-slow", "The body did not arrive in time."),
    409: ("conflict", "It exists already with other content, or something else stands against it."),
    412: ("stale", "It is not what the caller looked at (If-Match), or it is there already (If-None-Match)."),
    413: ("too-large", "The body is too large."),
    415: ("unsupported-media-type", "A body is application/json, not encoded."),
    422: ("invalid-input", "The request can be read, and what it says is wrong; `errors` names each place."),
    428: ("precondition-required", "Say in If-Match what you looked at, or in If-None-Match that it is to be new."),
    429: ("too-many-requests", "Too many failed attempts, or too many kept answers; Retry-After says when to go on."),
    500: ("fault", "A fault of ours. Its id is in the log of the service."),
    503: ("unavailable", "A part does not answer, or too much is under way; Retry-After says when to ask again."),
}


class Refused(GatekeeperError):
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a sentence, and its place as a JSON pointer into the body (RFC 6901), or as the name of
    a parameter or header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, str]:
        """The members that it has."""
        said = {"detail": self.detail, "pointer": self.pointer, "parameter": self.parameter}
        return {name: value for name, value in said.items() if value is not None}


class InvalidBody(InvalidInput):
    """What a body says is wrong, with every place."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        places = "one place" if len(faults) == 1 else f"{len(faults)} places"
        super().__init__(faults[0].detail if len(faults) == 1 else f"The body is wrong in {places}.")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is sent."""

    status: int
    detail: str
    hint: str = ""
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, request_id: str) -> dict[str, Any]:
        """The document; `instance` is also in the answer's X-Request-Id and in our log."""
        document: dict[str, Any] = {
            "type": type_of(self.status),
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{request_id}",
        }
        if self.hint:
            document["hint"] = self.hint
        if self.faults:
            document["errors"] = [each.as_json() for each in self.faults[:ERRORS_MAX]]
        return document

    def response(self, request_id: str) -> JSONResponse:
        """The answer."""
        return JSONResponse(
            self.as_json(request_id), self.status, media_type=MEDIA_TYPE, headers=dict(self.headers) or None
        )


def type_of(status: int) -> str:
    """Where the kind of problem is explained, on the page for people."""
    return f"/docs#{KINDS[status][0]}"


def problem_of(error: Exception) -> Problem:
    """An exception as a problem. What we did not raise on purpose says nothing of itself to callers."""
    if isinstance(error, GatekeeperError):
        return _ours(error)
    if isinstance(error, RequestValidationError):
        return Problem(400, "A parameter of the request is wrong.", faults=_parameters(error))
    if isinstance(error, HTTPException):
        return _of_routing(error)
    return Problem(500, "The service met a fault of its own.", "Tell its operator the id of this problem.")


async def answer(request: Request, error: Any) -> JSONResponse:
    """The answer to a request that failed."""
    problem = problem_of(error)
    if problem.status == 405:
        problem = replace(problem, headers={"Allow": ", ".join(_offered(request))})
    return problem.response(request.scope["state"]["request_id"])


def _offered(request: Request) -> list[str]:
    """The methods of this address; the framework alone names those of the first route."""
    patterns: Sequence[tuple[re.Pattern[str], str]] = request.app.state.offered
    found = {method for pattern, method in patterns if pattern.fullmatch(request.scope["path"])}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


# In the order in which they are asked: the first that an error is.
_STATUS: Mapping[type[GatekeeperError], int] = {
    Unauthenticated: 401,
    InvalidInput: 422,
    NotPermitted: 403,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
_HEADERS = {401: CHALLENGE, 503: {"Retry-After": str(RETRY_AFTER_S)}}


def _ours(error: GatekeeperError) -> Problem:
    if isinstance(error, Refused):
        return Problem(error.status, error.message, error.hint, headers=error.headers)
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    faults = error.faults if isinstance(error, InvalidBody) else ()
    return Problem(status, error.message, hint_for_callers(error.hint), faults, _HEADERS.get(status, {}))


def _parameters(error: RequestValidationError) -> tuple[Fault, ...]:
    return tuple(
        Fault(str(each["msg"]).removeprefix("Value error, "), parameter=".".join(map(str, each["loc"][1:])))
        for each in error.errors()
    )


def _of_routing(error: HTTPException) -> Problem:
    if error.status_code == 405:
        return Problem(405, "There is no such method here.")
    if error.status_code == 404:
        return Problem(404, "There is nothing at this address.", "See /docs for all addresses.")
    return Problem(error.status_code if error.status_code in KINDS else 400, "The request cannot be answered.")
