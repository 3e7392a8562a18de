"""Inquiries in the store and in the log: opened when a decision asks one, once for each run, pack and question; each
change is a record that holds all of it.
"""

from __future__ import annotations

from datetime import date, datetime

from gatekeeper.domain.decision import Decision
from gatekeeper.domain.inquiry import Inquiry, InquiryState, inquiry_id
from gatekeeper.domain.policy import ActivePack, InquiryTerms
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Transaction


def open_inquiries(
    tx: Transaction,
    decision: Decision,
    packs: tuple[ActivePack, ...],
    *,
    customer_id: str,
    run_id: str,
    by: Actor,
    now: datetime,
) -> list[Inquiry]:
    """Open what a decision has to have answered, once for each run, pack and question; returns those that are new."""
    by_id, opened = {active.pack.id: active.pack for active in packs}, []
    for pack_id, asks in decision.inquiries:
        name, terms = inquiry_id(pack_id, run_id, asks), by_id[pack_id].question(asks)
        if tx.inquiry(name) is not None or _asked_before(tx, terms, pack_id, run_id):
            continue
        inquiry = Inquiry(name, customer_id, run_id, pack_id, terms.kind, terms.question, now, asks=asks)
        opened.append(put_changed(tx, inquiry, RecordType.INQUIRY_OPENED, by, now))
    return opened


def _asked_before(tx: Transaction, terms: InquiryTerms, pack_id: str, run_id: str) -> bool:
    """Whether the same question was asked in the same words before questions had ids."""
    old = tx.inquiry(inquiry_id(pack_id, run_id))
    return old is not None and old.question == terms.question


def inquiry_facts(inquiry: Inquiry) -> Facts:
    """What the log says of an inquiry: whole, so that each record can be read alone."""
    return {
        "inquiry": inquiry.id,
        "customer": inquiry.customer_id,
        "run": inquiry.run_id,
        "pack": inquiry.pack_id,
        "asks": inquiry.asks or None,
        "kind": inquiry.kind.value,
        "question": inquiry.question,
        "state": inquiry.state.value,
        "answer": inquiry.answer,
        "licence": inquiry.licence,
        "limit_tflop": None if inquiry.limit_tflop is None else str(inquiry.limit_tflop),
        "until": inquiry.until.isoformat() if inquiry.until else None,
        "answered_by": inquiry.answered_by,
        "approved_by": inquiry.approved_by,
    }


def waits_for_answer(inquiry: Inquiry, day: date) -> bool:
    """Whether somebody has to do something about it: answer, approve, or answer again because the day has passed."""
    if inquiry.state in (InquiryState.OPEN, InquiryState.ANSWERED):
        return True
    return inquiry.permit is not None and inquiry.state is InquiryState.APPROVED and not inquiry.permit.holds_on(day)


def put_changed(tx: Transaction, inquiry: Inquiry, kind: RecordType, actor: Actor, now: datetime) -> Inquiry:
    """Store an inquiry and say so in the log."""
    tx.put_inquiry(inquiry)
    tx.append(new_record(kind, actor, now, inquiry_facts(inquiry)))
    return inquiry
