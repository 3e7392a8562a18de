"""A request of somebody known: who asks, under which conditions, with which body; and one transaction to do it in.

The order is fixed: who is asking is settled before a byte of the body is read, and the body is read whole and checked
before the registry is asked. What a request does, its conditions and its kept answer are one transaction: there is no
moment at which the effect is durable and the answer is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.responses import Response

from gatekeeper.api.bodies import Body, parse
from gatekeeper.api.inside import Inside, Undone
from gatekeeper.api.problems import RETRY_AFTER_S, Refused
from gatekeeper.api.reading import KEY_CHARACTERS_MAX, content_of, key_of, tags_of
from gatekeeper.api.sources import Failures
from gatekeeper.api.transfers import Transfers
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.person import Caller, Right
from gatekeeper.domain.policy import ActivePack
from gatekeeper.evidence_files import EvidenceFiles
from gatekeeper.identity.authenticator import Authenticator, Unauthenticated
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.ports.answers import KEPT, KeptAnswer
from gatekeeper.registry import Registry
from gatekeeper.registry.rehearsal import Rehearsed
from gatekeeper.registry.screener import Screener

T = TypeVar("T")
KEPT_MAX = 10_000
# A name that has yet to be compared, and a list that is loaded while a request acts, make it begin again.
TRIES = 5
# Threads that find out who is asking: an identity provider that does not answer holds up these and not the work.
AUTHENTICATING = 4
# Long works are done one after the other: two at once would only share one interpreter, and each would find what it
# rests on changed by the other. Who waits takes no thread; after this long they are told to come again.
LONG_WAIT_S = 20.0
# A record of more bytes may have names that take long to compare with lists.
LONG_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Office:
    """What requests are worked on with."""

    stores: Stores
    registry_over: Callable[[Stores], Registry]
    screener: Screener
    authenticator: Authenticator
    clock: Clock
    packs: tuple[ActivePack, ...]
    cluster: str
    evidence_files: EvidenceFiles
    scrub: Callable[[], None]
    transfers: Transfers = field(default_factory=Transfers)
    failures: Failures = field(default_factory=Failures)
    authenticating: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AUTHENTICATING))
    long_work: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: the tag of what is shown, and where something new is."""

    content: BaseModel
    status: int = 200
    etag: str = ""
    location: str = ""

    def headers(self) -> dict[str, str]:
        """Its own headers."""
        named = {"ETag": f'"{self.etag}"' if self.etag else "", "Location": self.location}
        return {name: value for name, value in named.items() if value}

    def response(self) -> Response:
        """As it is sent."""
        body = self.content.model_dump_json(by_alias=True)
        return Response(body, self.status, self.headers(), media_type="application/json")


def tag_of(*shown: object) -> str:
    """The tag of frozen values: another one wherever any field of them differs."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()


class Asked:
    """A request of somebody who may read, with what it says in headers and body."""

    def __init__(self, request: Request, office: Office, caller: Caller, body: Body, content: bytes) -> None:
        self.office, self.caller, self.body, self.content = office, caller, body, content
        self.path: str = request.scope["raw_path"].decode("ascii")
        self.if_match = tags_of(request, "if-match")
        self.if_none_match = tags_of(request, "if-none-match")
        self._key = key_of(request)
        said = [request.method, self.path, request.scope["query_string"].decode("latin-1")]
        said += [request.headers.get(name, "") for name in ("if-match", "if-none-match")]
        self._digest = hashlib.sha256(json.dumps(said).encode() + b"\0" + content).hexdigest()

    def read(self, work: Callable[[Registry, Reader], T]) -> T:
        """Run use cases that only read, on one state."""
        office = self.office
        return office.stores.read(lambda reader: work(office.registry_over(Inside(reader)), reader))

    def act(
        self, work: Callable[[Registry, Reader], Answer], *, secret: bool = False, at_length: bool = False
    ) -> Response:
        """Run use cases as one transaction, and answer; asked again under the same Idempotency-Key, answer the same.

        An answer is kept only where the work succeeded: what was refused changed nothing and may be asked again. One
        that holds a secret is never kept.

        Args:
            at_length: it takes long, and is worked out beside the writer before it is stored.

        Raises:
            Refused: 400, it would have to be kept and may not.
        """
        office = self.office
        if secret and self._key:
            raise Refused(400, "The answer holds a secret and is not kept.", hint="Leave the Idempotency-Key out.")

        def whole(tx: Transaction) -> Response:
            kept = self._kept(tx)
            if kept is not None:
                return _again(kept)
            answer = work(office.registry_over(Inside(tx, tx)), tx)
            response = answer.response()
            self._keep(tx, answer, bytes(response.body).decode())
            return response

        for _ in range(TRIES):
            office.stores.read(office.screener.indexed)  # here, not on the writer's thread: it takes up to a second
            try:
                return (Rehearsed(office.stores) if at_length else office.stores).transact(whole)
            except Undone:  # names that have yet to be compared, or another list
                office.screener.catch_up(office.stores, office.clock.now())
        raise Unavailable("The lists change faster than they can be read.", hint="Ask again.")

    def check_match(self, *tags: str, owed: bool = True) -> None:
        """Let only a request pass that names what is there now, by one of its tags.

        Raises:
            Refused: 428, it names nothing and must; 412, it looked at something else.
        """
        if not self.if_match:
            if owed:
                raise Refused(428, "Say what you looked at.", hint="Send its ETag as If-Match.")
            return
        if "*" in self.if_match:
            raise Refused(428, "`*` does not say what you looked at.", hint="Send the ETag of what you looked at.")
        if not self.if_match & set(tags):
            raise Refused(412, "This is not what you looked at: it has changed.", hint="Look again.")

    def unchanged(self, etag: str) -> bool:
        """Whether the caller has it already."""
        return etag in self.if_none_match or "*" in self.if_none_match

    def _kept(self, tx: Transaction) -> KeptAnswer | None:
        if not self._key:
            return None
        kept = tx.kept_answer(self._whose, self._key)
        if kept is None or kept.at < self.office.clock.now() - KEPT:
            return None
        if kept.request != self._digest:
            raise Refused(422, "This Idempotency-Key was used for another request.", hint="Use a new one.")
        return kept

    def _keep(self, tx: Transaction, answer: Answer, body: str) -> None:
        if not self._key:
            return
        now = self.office.clock.now()
        tx.forget_answers(before=now - KEPT)
        if tx.kept_answers(self._whose) >= KEPT_MAX:
            raise Refused(429, f"{KEPT_MAX:,} answers are kept for you already.", headers={"Retry-After": "3600"})
        headers = json.dumps(answer.headers())
        tx.keep_answer(KeptAnswer(self._whose, self._key, self._digest, answer.status, headers, body, now))

    @property
    def _whose(self) -> str:
        return f"{self.caller.method.value}:{self.caller.name}"


def office_of(request: Request) -> Office:
    """What this application works with."""
    office: Office = request.app.state.office
    return office


_BEARER = HTTPBearer(auto_error=False, description="A token of a local user, an identity provider, or the cluster.")
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


async def caller_of(request: Request, bearer: _Bearer) -> Caller:
    """Who is asking.

    Raises:
        Unauthenticated: nobody that we know. Refused: 429, too many attempts from where it comes from.
        NotPermitted: somebody who may not even read.
    """
    office = office_of(request)
    token, source = bearer.credentials if bearer else "", request.scope["state"]["source"]
    wait_s = office.failures.wait_s(source, token, time.monotonic())
    if wait_s:
        raise Refused(429, "Too many failed attempts.", headers={"Retry-After": str(int(wait_s) + 1)})
    try:
        caller = await to_thread.run_sync(office.authenticator.authenticate, token, limiter=office.authenticating)
    except Unauthenticated:
        office.failures.failed(source, token, time.monotonic())
        raise
    office.failures.held(token)
    caller.require(Right.READ)
    return caller


Known = Annotated[Caller, Depends(caller_of)]


async def _reading(request: Request, caller: Known) -> Asked:
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise Refused(400, "A request that reads has no body.")
    return Asked(request, office_of(request), caller, parse(b""), b"")


async def _writing(
    request: Request,
    caller: Known,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=KEY_CHARACTERS_MAX, description="Any name that you give this request; kept for 24 hours."),
    ] = None,
) -> Asked:
    del idempotency_key  # declared for the description; read with the other headers
    content = await content_of(request)
    return Asked(request, office_of(request), caller, parse(content), content)


Reading = Annotated[Asked, Depends(_reading)]
Writing = Annotated[Asked, Depends(_writing)]


@contextlib.asynccontextmanager
async def _turn(asked: Asked) -> AsyncIterator[None]:
    """The time of one long work, once those that came before it are done.

    Raises:
        Refused: 503, they take too long.
    """
    turn = asked.office.long_work
    try:
        async with asyncio.timeout(LONG_WAIT_S):
            await turn.acquire()
    except TimeoutError as error:
        raise Refused(
            503,
            "Other long works are under way, and it is not this one's turn yet; nothing was done.",
            hint="Ask again, or for less at once.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        ) from error
    try:
        yield
    finally:
        turn.release()


async def _writing_at_length(asked: Writing) -> AsyncIterator[Asked]:
    async with _turn(asked):
        yield asked


async def _writing_a_record(asked: Writing) -> AsyncIterator[Asked]:
    """A small record waits for nobody."""
    async with _turn(asked) if len(asked.content) > LONG_BYTES else contextlib.nullcontext():
        yield asked


# Their turn ends with the work, before an answer is sent that somebody may read slowly.
WritingAtLength = Annotated[Asked, Depends(_writing_at_length, scope="function")]
WritingRecord = Annotated[Asked, Depends(_writing_a_record, scope="function")]


def _again(kept: KeptAnswer) -> Response:
    headers: dict[str, Any] = {**json.loads(kept.headers), "Idempotency-Replayed": "true"}
    return Response(kept.body, kept.status, headers, media_type="application/json")
