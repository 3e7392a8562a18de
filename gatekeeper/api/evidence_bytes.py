"""Bytes of evidence over HTTP: in as a stream that is hashed while it is written, out as an attachment.

Nothing of a file is there before all of it is: it comes into a temporary file, and takes its name and its place on
record at the end. Whoever may not add it learns so before a byte is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from typing import Annotated, Any, BinaryIO

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gatekeeper.api.asking import Answer, Known, Office, Reading, office_of
from gatekeeper.api.customer_answers import CustomerId
from gatekeeper.api.evidence import file_shown
from gatekeeper.api.hints import hint_for_callers
from gatekeeper.api.inside import Inside
from gatekeeper.api.life_shapes import EvidenceShown
from gatekeeper.api.problems import Refused
from gatekeeper.api.reading import bytes_coming
from gatekeeper.api.transfers import Pace, Transfers
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.evidence import TEXT_CHARACTERS_MAX, Evidence, Sensitivity
from gatekeeper.domain.person import Caller
from gatekeeper.evidence_files import PIECE_BYTES
from gatekeeper.evidence_intake import Intake, Kept, TooLarge, label_of, too_large
from gatekeeper.ports import Transaction

router = APIRouter(tags=["evidence"])
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file, in hexadecimal.")]
_Said = Query(min_length=1, max_length=TEXT_CHARACTERS_MAX)
_NAME = "The file"


@router.post(
    "/customers/{customer_id}/evidence",
    response_model=EvidenceShown,
    status_code=201,
    responses={200: {"model": EvidenceShown, "description": "The customer has this file on record already."}},
    openapi_extra={"x-bytes": True},
)
async def add_evidence(
    customer_id: CustomerId,
    request: Request,
    caller: Known,
    *,
    description: Annotated[str, _Said],
    source: Annotated[str, _Said],
    sensitivity: Sensitivity = Sensitivity.CONFIDENTIAL,
    collected_on: date | None = None,
    sha256: Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="What the bytes have to be.")] = "",
) -> Response:
    """Put a file on record: its bytes are the body, of any media type. The same file again changes nothing, so it needs
    no Idempotency-Key. What is only a label of its media type is read from its first bytes."""
    office = office_of(request)
    said = partial(
        Evidence,
        customer_id=customer_id,
        description=description.strip(),
        source=source.strip(),
        sensitivity=sensitivity,
        added_by=caller.name,
        added_at=office.clock.now(),
        collected_on=collected_on,
    )
    said(sha256="0" * 64, size_bytes=1, media_type="a/b")  # refused before a byte is read
    coming = bytes_coming(request)
    files = office.evidence_files
    if coming is not None and coming > files.largest_bytes:
        raise _refused(too_large(_NAME, coming, files.largest_bytes))
    registry = office.registry_over(office.stores)
    await to_thread.run_sync(lambda: registry.check_may_add_evidence(customer_id, by=caller))
    with office.transfers.place(caller.name), ExitStack() as end:
        kept, label = await _take_in(request, office, caller, sha256, end)
    evidence = said(sha256=kept.sha256, size_bytes=kept.size_bytes, media_type=label)
    return await to_thread.run_sync(lambda: _record(office, caller, evidence).response())


@router.get(
    "/customers/{customer_id}/evidence/{sha256}",
    response_class=Response,
    responses={200: {"description": "The bytes.", "content": {"application/octet-stream": {}}}},
)
def read_evidence(customer_id: CustomerId, sha256: Sha256, asked: Reading) -> Response:
    """Read the bytes of a file, as an attachment; that somebody did is put on record. `internal` files are for all who
    may read, `confidential` ones for who works on records and regulators, `personal` ones for the former alone."""
    office = asked.office
    transfers, files = office.transfers, office.evidence_files
    transfers.take(asked.caller.name)
    with ExitStack() as undo:
        undo.callback(transfers.give_back, asked.caller.name)
        registry = office.registry_over(office.stores)
        known = registry.read_evidence(customer_id, sha256, by=asked.caller)
        content = undo.enter_context(files.open(sha256))
        return _Bytes(content, known, undo.pop_all(), Pace(transfers.patience_s))


class _Bytes(StreamingResponse):
    """A file on its way out; its place is given back whatever becomes of it, also where nobody takes the bytes."""

    def __init__(self, content: BinaryIO, known: Evidence, end: ExitStack, pace: Pace) -> None:
        headers = {
            "Content-Disposition": f'attachment; filename="{known.sha256}"',
            "Content-Length": str(known.size_bytes),
            "ETag": f'"{known.sha256}"',
        }
        super().__init__(_pieces(content, known.size_bytes), headers=headers, media_type="application/octet-stream")
        self._end, self._pace, self._taken_bytes = end, pace, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def paced(message: Message) -> None:
            async with asyncio.timeout(self._pace.left_s(self._taken_bytes)):
                await send(message)
            self._taken_bytes += len(message.get("body", b""))

        with self._end:
            await super().__call__(scope, receive, paced)


def _pieces(content: BinaryIO, left_bytes: int) -> Iterator[bytes]:
    while left_bytes > 0 and (piece := content.read(min(PIECE_BYTES, left_bytes))):
        left_bytes -= len(piece)
        yield piece


async def _take_in(request: Request, office: Office, caller: Caller, sha256: str, end: ExitStack) -> tuple[Kept, str]:
    """Write and hash the body while it comes; the kept file, and the label of its first bytes."""
    files, threads = office.evidence_files, office.transfers.threads
    try:
        intake = await to_thread.run_sync(files.intake, _NAME, limiter=threads)
        end.callback(intake.abandon)
        await _write(request, intake, office.transfers, caller.name)
        kept = await to_thread.run_sync(intake.keep, sha256, limiter=threads)
    except TooLarge as error:
        raise _refused(error) from error
    except OSError as error:
        raise files.not_kept(_NAME, error) from error
    return kept, label_of(intake.first)


async def _write(request: Request, intake: Intake, transfers: Transfers, caller: str) -> None:
    pieces, pace, came, held = request.stream().__aiter__(), Pace(transfers.patience_s), 0, bytearray()
    while True:
        try:
            async with asyncio.timeout(pace.left_s(came)):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise Refused(408, "The file comes too slowly.", hint="Send it from a faster line.") from None
        if piece:
            came += len(piece)
            held += piece
        if held and (piece is None or len(held) >= PIECE_BYTES):
            transfers.count(caller, len(held))
            await to_thread.run_sync(intake.add, bytes(held), limiter=transfers.threads)
            held.clear()
        if piece is None:
            return


def _record(office: Office, caller: Caller, evidence: Evidence) -> Answer:
    """Put what was kept on record, in one transaction with the question whether it is there already."""

    def work(tx: Transaction) -> Answer:
        known = [each for each in tx.evidence(evidence.customer_id) if each.sha256 == evidence.sha256]
        if known:
            return Answer(file_shown(known[0]), 200)
        said: dict[str, Any] = {
            name: getattr(evidence, name)
            for name in ("sha256", "size_bytes", "media_type", "description", "source", "sensitivity", "collected_on")
        }
        registry = office.registry_over(Inside(tx, tx))
        added = registry.add_evidence(evidence.customer_id, by=caller, is_kept=office.evidence_files.holds, **said)
        return Answer(file_shown(added), 201)

    try:
        return office.stores.transact(work)
    except GatekeeperError:
        registry = office.registry_over(office.stores)
        registry.drop_unrecorded(evidence.sha256, office.evidence_files)
        raise


def _refused(error: TooLarge) -> Refused:
    return Refused(413, error.message, hint=hint_for_callers(error.hint))
