"""Inquiries: what a provider must ask before a held workload may go on, who answered it, and what that permits.

A hold opens one inquiry for each run, pack and question; all of them have to be answered. One person answers it and
another one approves: until then nothing is permitted. A denial tightens, so it needs one person and holds at once. A
permission ends on its day, after half a year at the latest, and with the first change of who owns the customer: it was
given to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import same_person
from gatekeeper.domain.policy import InquiryKind
from gatekeeper.domain.run import is_undeclared
from gatekeeper.domain.units import checked_tflop, require_utc

TEXT_CHARACTERS_MAX = 4_000
# As long as an approval of a customer outside of Tier 1: whoever asks for longer is answered again.
HOLDS_AT_MOST = timedelta(days=182)


class InquiryState(StrEnum):
    """Where an inquiry stands."""

    OPEN = "open"
    ANSWERED = "answered"  # waits for the second person
    APPROVED = "approved"
    DENIED = "denied"


def inquiry_id(pack_id: str, run_id: str, asks: str = "") -> str:
    """Id of the inquiry of a pack about a run, by the id of its question; without it of one of before 2026-11-22, when
    a pack had one question."""
    return ".".join((pack_id, run_id, asks)).removesuffix(".")


@dataclass(frozen=True, slots=True)
class Permit:
    """What an answer means for decisions: a limit up to and including a day, or that the answer is no.

    Attributes:
        limit_tflop: the most that the run may come to; None where the question is not about an amount.
        asks: id of the question that it answers; "" where that was asked before questions had ids.
        question: the question in full.
    """

    inquiry: str
    denied: bool
    limit_tflop: int | None = None
    until: date = date.max
    asks: str = ""
    question: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether it permits anything on a day."""
        return not self.denied and day <= self.until


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question about one run, and its answer.

    Attributes:
        asks: id of the question in its pack; "" where it was opened before questions had ids.
        answer: what was found out; licence: number of the licence or notice, or of the attestation.
        limit_tflop: what an answer about a licence permits the run to come to.
        until: last day on which the answer holds.
    """

    id: str
    customer_id: str
    run_id: str
    pack_id: str
    kind: InquiryKind
    question: str
    opened_at: datetime
    state: InquiryState = InquiryState.OPEN
    answer: str = ""
    licence: str = ""
    limit_tflop: int | None = None
    until: date | None = None
    answered_by: str = ""
    approved_by: str = ""
    asks: str = ""

    def __post_init__(self) -> None:
        require_utc(self.opened_at)
        if self.id != inquiry_id(self.pack_id, self.run_id, self.asks) or not self.customer_id or not self.question:
            raise InvalidInput(f"Inquiry {self.id!r:.80} needs a customer, a question, and the id of its pack and run.")
        if self.limit_tflop is not None:
            checked_tflop(self.limit_tflop)
        if self.state is not InquiryState.OPEN and not (self.answer.strip() and self.answered_by.strip()):
            raise InvalidInput(f"Inquiry {self.id}: say what the answer is, and who gives it.")
        if self.state is InquiryState.APPROVED and not self.approved_by:
            raise InvalidInput(f"Inquiry {self.id} is approved by nobody.")
        if self.approved_by and same_person(self.approved_by, self.answered_by):
            raise NotPermitted(
                f"{self.approved_by} answered inquiry {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )
        if max(len(self.answer), len(self.licence), len(self.question)) > TEXT_CHARACTERS_MAX:
            raise InvalidInput(f"Inquiry {self.id}: a text has at most {TEXT_CHARACTERS_MAX:,} characters.")

    @property
    def permit(self) -> Permit | None:
        """What decisions may rest on; None while nobody has answered, or nobody has approved."""
        if self.state is InquiryState.DENIED:
            return Permit(self.id, denied=True, asks=self.asks, question=self.question)
        if self.state is InquiryState.APPROVED and self.until is not None:
            limit, until = self.limit_tflop, self.until
            return Permit(self.id, denied=False, limit_tflop=limit, until=until, asks=self.asks, question=self.question)
        return None

    def answered(
        self, *, answer: str, licence: str, until: date, limit_tflop: int | None, by: str, today: date
    ) -> Inquiry:
        """The inquiry with an answer that waits for a second person. It holds up to `until`, or as long as any may.

        Raises:
            InvalidInput: it says too little, or its day has passed.
            NotPermitted: a limit for a run that nobody has declared.
        """
        if not licence.strip():
            raise InvalidInput(
                f"Inquiry {self.id}: name the licence, the notice given, or the attestation.", hint="Use --licence."
            )
        if until < today:
            raise InvalidInput(f"Inquiry {self.id}: an answer that ended on {until} permits nothing.")
        if (limit_tflop is None) is (self.kind is InquiryKind.LICENCE):
            asked = "needs" if self.kind is InquiryKind.LICENCE else "is an attestation, which has no"
            raise InvalidInput(f"Inquiry {self.id} {asked} limit in FLOP.", hint="See --limit.")
        if limit_tflop is not None and is_undeclared(self.run_id):
            raise NotPermitted(
                f"{self.run_id} may be training of any model, so no licence covers it.",
                hint="Declare the run with `gatekeeper run declare`, and answer the inquiry about that.",
            )
        return replace(
            self,
            state=InquiryState.ANSWERED,
            answer=answer,
            licence=licence,
            limit_tflop=limit_tflop,
            until=min(until, today + HOLDS_AT_MOST),
            answered_by=by,
            approved_by="",
        )

    def reopened(self) -> Inquiry:
        """The inquiry as if nobody had answered: the customer that it was answered about has other owners now."""
        return replace(
            self,
            state=InquiryState.OPEN,
            answer="",
            licence="",
            limit_tflop=None,
            until=None,
            answered_by="",
            approved_by="",
        )

    def denied(self, *, answer: str, by: str) -> Inquiry:
        """The inquiry whose answer is no: one person is enough, as it tightens."""
        return replace(
            self,
            state=InquiryState.DENIED,
            answer=answer,
            licence="",
            limit_tflop=None,
            until=None,
            answered_by=by,
            approved_by="",
        )

    def approved(self, *, by: str) -> Inquiry:
        """The inquiry with its answer in effect.

        Raises:
            NotPermitted: by the person who answered, or there is no answer that waits.
        """
        if self.state is not InquiryState.ANSWERED:
            raise NotPermitted(f"Inquiry {self.id} is {self.state.value}: there is no answer to approve.")
        return replace(self, state=InquiryState.APPROVED, approved_by=by)
