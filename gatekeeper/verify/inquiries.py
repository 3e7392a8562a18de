"""Follows inquiries: each step follows from the one before, and no answer is approved by who gave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.inquiry import InquiryState, Permit, inquiry_id
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.fields import Facts, Wrong, amount_of, text_of

# What says an answer is no, or yes, and what it was before.
_FOLLOWS: Mapping[InquiryState, frozenset[InquiryState | None]] = {
    # Opened again where the customer that it was answered about has other owners now.
    InquiryState.OPEN: frozenset({None, InquiryState.ANSWERED, InquiryState.APPROVED}),
    InquiryState.ANSWERED: frozenset(InquiryState),
    InquiryState.APPROVED: frozenset({InquiryState.ANSWERED}),
    InquiryState.DENIED: frozenset(InquiryState),
}
_SAYS = {
    RecordType.INQUIRY_OPENED: InquiryState.OPEN,
    RecordType.INQUIRY_ANSWERED: InquiryState.ANSWERED,
    RecordType.INQUIRY_APPROVED: InquiryState.APPROVED,
    RecordType.INQUIRY_DENIED: InquiryState.DENIED,
}

_SAID = ("answer", "licence", "limit_tflop", "until", "answered_by", "question")


@dataclass(frozen=True, slots=True)
class _Inquiry:
    """An inquiry as the log told of it last."""

    state: InquiryState
    said: tuple[object, ...]
    answered_by: str
    permit: Permit | None


class InquiryCheck:
    """A check for `verify_export(checks=[...])`. `changes` counts the records that changed what is permitted."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, _Inquiry]] = {}
        self.changes = 0

    def permits(self, pack: str, run: str) -> tuple[Permit, ...]:
        """What the answers to the questions of a pack about a run permit or refuse, by the records seen."""
        found = self._found.get((pack, run), {}).values()
        return tuple(each.permit for each in found if each.permit is not None)

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it does not follow, or one person alone let an answer be.
        """
        if record.type in _SAYS:
            self.changes += 1
            self._inquire(record.facts, _SAYS[record.type], record.actor.name)

    def _inquire(self, facts: Facts, says: InquiryState, actor: str) -> None:
        pack, run, name = text_of(facts, "pack"), text_of(facts, "run"), text_of(facts, "inquiry")
        asks = str(facts.get("asks") or "")
        of_run = self._found.setdefault((pack, run), {})
        before = of_run.get(asks)
        said = tuple(facts.get(each) for each in _SAID)
        now = _Inquiry(says, said, str(facts.get("answered_by") or ""), _permit(facts, says, name, asks))
        of_run[asks] = now
        if name != inquiry_id(pack, run, asks) or facts.get("state") != says.value:
            raise Wrong(f"Inquiry {name} is not named for its pack, run and question, or not what its record is about.")
        if (before.state if before else None) not in _FOLLOWS[says]:
            raise Wrong(f"Inquiry {name} is {says.value}, which does not follow from what it was.")
        if says in (InquiryState.ANSWERED, InquiryState.DENIED) and not same_person(now.answered_by, actor):
            raise Wrong(f"Inquiry {name} is answered by {now.answered_by}, and somebody else wrote that down.")
        if says is InquiryState.APPROVED:
            if before is None or before.said != now.said:
                raise Wrong(f"Inquiry {name} is approved with another answer than the one that waited.")
            if same_person(now.answered_by, actor):
                raise Wrong(f"Inquiry {name} is answered and approved by one person, {now.answered_by}.")


def _permit(facts: Facts, says: InquiryState, name: str, asks: str) -> Permit | None:
    question, until = str(facts.get("question") or ""), facts.get("until")
    if says is InquiryState.DENIED:
        return Permit(name, denied=True, asks=asks, question=question)
    if says is not InquiryState.APPROVED or not until:
        return None
    limit = amount_of(facts, "limit_tflop") if facts.get("limit_tflop") is not None else None
    return Permit(name, denied=False, limit_tflop=limit, until=_day(until), asks=asks, question=question)


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise Wrong(f"{value!r:.40} is not a day.") from error
