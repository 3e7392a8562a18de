"""What a hold asks of the provider: once, answered by two people, permitted up to an amount and a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.inquiry import Inquiry, InquiryState
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, InquiryKind, Mode, Site
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.gate import Gate
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.registry import KycRecord
from gatekeeper.verify.inquiries import InquiryCheck
from tests.databases import new_stores
from tests.registry.serving import use
from tests.test_gate import PACK, House, make_gang

ANSWER = "They export the weights, under the licence."
RUN, INQUIRY = "big", f"{PACK.id}.big.export-of-the-model"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        house = House(stores)
        house.enrol("vistula", "PL")
        house.registry.declare_run(RUN, "vistula", title="Big", by="ana", namespaces=("vistula",))
        house.registry.approve_run(RUN, by="ben")
        yield house


def held(house: House, name: str = "a") -> Verdict:
    decision = house.gate.release(make_gang("vistula", name)).decision
    assert decision is not None
    return decision.verdict


def use_all(house: House) -> None:
    use(house, RUN, 10**14 - 1)


def inquiry(house: House, name: str = INQUIRY) -> Inquiry:
    found = house.stores.read(lambda reader: reader.inquiry(name))
    assert found is not None
    return found


def answer(house: House, *, by: str = "ana", limit_tflop: int | None = 15 * 10**13, days: int = 30) -> Inquiry:
    until = (house.clock.now() + timedelta(days=days)).date()
    return house.registry.answer_inquiry(
        INQUIRY, answer=ANSWER, licence="D123456", until=until, limit_tflop=limit_tflop, by=by
    )


def test_a_hold_opens_its_inquiry_once_however_often_it_is_asked(house: House) -> None:
    use_all(house)
    assert [held(house, name) for name in "aab"] == [Verdict.HOLD] * 3
    (opened,) = house.records(RecordType.INQUIRY_OPENED)
    assert (opened["inquiry"], opened["customer"], opened["run"]) == (INQUIRY, "vistula", RUN)
    assert "intends to export this model" in str(opened["question"])


def test_an_answer_of_two_people_lifts_the_limit_of_this_run_and_the_decision_cites_it(house: House) -> None:
    use_all(house)
    held(house)
    answer(house)
    assert held(house) is Verdict.HOLD  # one person is not enough
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=inquiry(house))
    (reservation,) = house.gate.release(make_gang("vistula", "a")).reservations
    (recorded,) = house.records(RecordType.RESERVATION_PENDING)
    assert reservation.run_id == RUN
    assert recorded["limit_tflop"] == str(15 * 10**13)
    assert f"by the answer to inquiry {INQUIRY}" in str(recorded["decision"])


def test_an_answer_permits_no_more_than_its_amount_and_no_longer_than_its_day(house: House) -> None:
    use_all(house)
    held(house)
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=answer(house, limit_tflop=10**14))
    assert held(house) is Verdict.DENY
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=answer(house, days=2))
    house.clock.move_to(house.clock.now() + timedelta(days=3))
    assert held(house) is Verdict.HOLD


def test_nobody_approves_an_answer_of_their_own_under_any_spelling(house: House) -> None:
    use_all(house)
    held(house)
    seen = answer(house, by="ana")
    with pytest.raises(NotPermitted, match="second person"):
        house.registry.approve_inquiry(INQUIRY, by="ANA", seen=seen)


def test_an_answer_that_changed_since_it_was_looked_at_is_not_approved(house: House) -> None:
    use_all(house)
    held(house)
    seen = answer(house)
    answer(house, limit_tflop=9 * 10**17)
    with pytest.raises(Conflict):
        house.registry.approve_inquiry(INQUIRY, by="ben", seen=seen)


def test_one_person_says_no_and_what_is_held_is_refused(house: House) -> None:
    use_all(house)
    held(house)
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=answer(house))
    house.registry.deny_inquiry(INQUIRY, answer="It goes to somebody else.", by="ben")
    assert held(house) is Verdict.DENY
    assert house.records(RecordType.INQUIRY_DENIED)[0]["state"] == "denied"


def test_an_answer_holds_for_half_a_year_at_most(house: House) -> None:
    use_all(house)
    held(house)
    assert answer(house, days=3_000).until == (house.clock.now() + timedelta(days=182)).date()
    assert answer(house, days=100).until == (house.clock.now() + timedelta(days=100)).date()


@pytest.mark.parametrize("hands", ["one", "two"])
def test_an_answer_ends_with_a_change_of_who_owns_the_customer(house: House, hands: str) -> None:
    use_all(house)
    held(house)
    answer(house)
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=inquiry(house))
    own = Party("vistula", PartyKind.ORG, "vistula Ltd", "PL", ("buyer",))
    parties = (
        (own, Party("buyer", PartyKind.ORG, "Buyer", "PL", (), "listed"))
        if hands == "one"
        else (replace(own, parents=(), no_parent_reason="sold to nobody", other_names=("New",)),)
    )
    house.registry.apply(KycRecord("vistula", "vistula", parties), by="ana")
    if hands == "two" and house.registry.review("vistula").proposed is not None:
        house.registry.approve("vistula", by="ben")
    asked = inquiry(house)
    assert (asked.state, asked.answer, asked.permit) == (InquiryState.OPEN, "", None)
    assert not house.gate.release(make_gang("vistula", "b")).lets_start
    check = InquiryCheck()
    for leaf in house.stores.read(lambda reader: list(reader.leaves())):
        check.see(decode(leaf))
    assert check.permits(PACK.id, RUN) == ()


def test_an_answer_about_one_customer_stays_where_only_another_one_changes(house: House) -> None:
    house.enrol("prairie", "US")
    use_all(house)
    held(house)
    answer(house)
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=inquiry(house))
    own = Party("prairie", PartyKind.ORG, "prairie Ltd", "CN", (), "listed")
    house.registry.apply(KycRecord("prairie", "prairie", (own,)), by="ana")
    assert inquiry(house).permit is not None


def test_a_new_answer_ends_the_one_before_it_until_it_is_approved(house: House) -> None:
    use_all(house)
    held(house)
    house.registry.approve_inquiry(INQUIRY, by="ben", seen=answer(house))
    answer(house, limit_tflop=2 * 10**14)
    assert held(house) is Verdict.HOLD


def test_a_hold_of_training_that_nobody_declared_says_to_declare_it_and_asks_what_can_be_answered(house: House) -> None:
    house.enrol("narew", "PL")
    use(house, "undeclared.narew", 10**14)
    decision = house.gate.release(make_gang("narew", "a")).decision
    assert decision is not None
    assert decision.verdict is Verdict.HOLD
    assert decision.sentence.endswith(
        "; ask for fewer devices; for more ask your provider to declare the run: no licence covers training that may "
        "be of any model."
    )
    assert "inquire whether" not in decision.sentence
    assert house.records(RecordType.INQUIRY_OPENED) == []
    house.registry.declare_run("narew-llm", "narew", title="Narew", by="ana", namespaces=("narew",))
    house.registry.approve_run("narew-llm", by="ben")
    decision = house.gate.release(make_gang("narew", "a")).decision
    assert decision is not None
    assert "has to inquire whether the customer intends to export this model" in decision.sentence
    (opened,) = house.records(RecordType.INQUIRY_OPENED)
    assert opened["inquiry"] == f"{PACK.id}.narew-llm.export-of-the-model"


def test_undeclared_training_near_its_limit_is_told_to_be_declared(house: House) -> None:
    house.enrol("narew", "PL")
    use(house, "undeclared.narew", 95 * 10**12)
    decision = house.gate.release(make_gang("narew", "a")).decision
    assert decision is not None
    assert decision.verdict is Verdict.WARN
    assert "ask for fewer devices, or ask your provider to declare the run" in decision.sentence


def test_no_licence_covers_training_that_nobody_declared(house: House) -> None:
    """One that was opened about it by an earlier program cannot be answered."""
    name = f"{PACK.id}.undeclared.narew.export-of-the-model"
    asked = Inquiry(
        name,
        "narew",
        "undeclared.narew",
        PACK.id,
        InquiryKind.LICENCE,
        "Inquire.",
        house.clock.now(),
        asks="export-of-the-model",
    )
    house.stores.transact(lambda tx: tx.put_inquiry(asked))
    with pytest.raises(NotPermitted, match="may be training of any model"):
        house.registry.answer_inquiry(
            name,
            answer=ANSWER,
            licence="D1",
            until=house.clock.now().date(),
            limit_tflop=2 * 10**14,
            by="ana",
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"licence": " "}, "name the licence"),
        ({"answer": ""}, "say what the answer is"),
        ({"limit_tflop": None}, "needs limit in FLOP"),
    ],
)
def test_an_answer_that_says_too_little_is_refused(house: House, changes: dict[str, object], words: str) -> None:
    use_all(house)
    held(house)
    said = {"answer": ANSWER, "licence": "D1", "until": house.clock.now().date(), "limit_tflop": 10**14} | changes
    with pytest.raises(InvalidInput, match=words):
        house.registry.answer_inquiry(INQUIRY, by="ana", **said)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="permits nothing"):
        answer(house, days=-1)


def test_an_inquiry_that_nobody_opened_cannot_be_answered(house: House) -> None:
    with pytest.raises(NotFound):
        answer(house)


def test_who_answers_and_who_approves_need_the_right_to(house: House) -> None:
    use_all(house)
    held(house)
    viewer = Caller("eve", Method.LOCAL, frozenset({Role.VIEWER}))
    with pytest.raises(NotPermitted):
        house.registry.deny_inquiry(INQUIRY, answer="no", by=viewer)


def test_training_for_d5_waits_for_an_end_use_attestation_which_two_people_stand_for(tmp_path: Path) -> None:
    guidance = ActivePack(load_pack(bundled_dir() / "us-bis-2025-05-13"), Mode.ENFORCE)
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        house = House(stores, others=(guidance,))
        house.enrol("neva", "RU")
        first = house.gate.release(make_gang("neva", "a")).decision
        assert first is not None
        assert first.verdict is Verdict.HOLD
        name = f"{guidance.pack.id}.undeclared.neva.end-use"
        until = house.clock.now().date()
        seen = house.registry.answer_inquiry(
            name, answer="A chat model.", licence="attested 2026-11-22", until=until, limit_tflop=None, by="ana"
        )
        house.registry.approve_inquiry(name, by="ben", seen=seen)
        assert len(house.gate.release(make_gang("neva", "a")).reservations) == 1


BOTH = Site("US", ChipAuthorization.LICENCE)
CONDITIONS = f"{PACK.id}.{RUN}.licence-conditions"


def let(house: House, name: str, limit_tflop: int = 15 * 10**13, days: int = 30) -> None:
    until = (house.clock.now() + timedelta(days=days)).date()
    seen = house.registry.answer_inquiry(
        name, answer=ANSWER, licence="D1", until=until, limit_tflop=limit_tflop, by="ana"
    )
    house.registry.approve_inquiry(name, by="ben", seen=seen)


@pytest.fixture
def under_a_licence(house: House) -> House:
    """A provider whose chips came under a licence: two questions are asked of its Tier 2 customers."""
    provider = replace(house.gate._provider, site=BOTH)
    house.gate = Gate(house.stores, provider, house.clock)
    use_all(house)
    return house


def test_a_run_of_which_two_questions_are_asked_waits_for_both_answers(under_a_licence: House) -> None:
    house = under_a_licence
    assert held(house) is Verdict.HOLD
    assert {each["inquiry"] for each in house.records(RecordType.INQUIRY_OPENED)} == {INQUIRY, CONDITIONS}
    let(house, INQUIRY)
    assert held(house) is Verdict.HOLD
    let(house, CONDITIONS, limit_tflop=12 * 10**13)
    assert house.gate.release(make_gang("vistula", "a")).reservations
    (recorded,) = house.records(RecordType.RESERVATION_PENDING)
    assert recorded["limit_tflop"] == str(12 * 10**13)  # the lower of the two


def test_of_two_answers_the_one_that_ends_first_ends_both(under_a_licence: House) -> None:
    house = under_a_licence
    held(house)
    let(house, INQUIRY)
    let(house, CONDITIONS, days=2)
    house.clock.move_to(house.clock.now() + timedelta(days=3))
    assert held(house) is Verdict.HOLD


def test_one_no_of_two_answers_refuses(under_a_licence: House) -> None:
    house = under_a_licence
    held(house)
    let(house, INQUIRY)
    house.registry.deny_inquiry(CONDITIONS, answer="They forbid it.", by="ana")
    assert held(house) is Verdict.DENY


def before_ids(house: House, words: str) -> None:
    """An inquiry that was opened and answered before questions had ids."""
    old = replace(inquiry(house), id=f"{PACK.id}.{RUN}", asks="", question=words)
    approved = replace(
        old,
        state=InquiryState.APPROVED,
        answer=ANSWER,
        answered_by="ana",
        approved_by="ben",
        limit_tflop=15 * 10**13,
        until=house.clock.now().date(),
    )
    house.stores.transact(lambda tx: tx.put_inquiry(approved))
    house.gate = Gate(house.stores, house.gate._provider, house.clock)  # which has read nothing yet


def test_an_answer_of_before_questions_had_ids_answers_that_of_the_same_words(house: House) -> None:
    use_all(house)
    held(house)
    before_ids(house, inquiry(house).question)
    assert house.gate.release(make_gang("vistula", "a")).reservations


def test_an_answer_of_before_questions_had_ids_answers_no_other_question(house: House) -> None:
    use_all(house)
    held(house)
    before_ids(house, "Inquire what the weather is (nobody).")
    assert held(house) is Verdict.HOLD


def test_a_question_that_waits_since_before_they_had_ids_is_not_asked_twice(house: House) -> None:
    use_all(house)
    words = PACK.question("export-of-the-model").question
    old = Inquiry(f"{PACK.id}.{RUN}", "vistula", RUN, PACK.id, InquiryKind.LICENCE, words, house.clock.now())
    house.stores.transact(lambda tx: tx.put_inquiry(old))
    assert held(house) is Verdict.HOLD
    assert house.records(RecordType.INQUIRY_OPENED) == []
