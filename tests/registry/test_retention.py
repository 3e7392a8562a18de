"""What a closed account left behind: kept long enough, kept longer under a hold, and then gone by two people."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted, Unavailable
from gatekeeper.domain.kyc_profile import Address, KycProfile
from gatekeeper.domain.person import Caller
from gatekeeper.domain.retention import kept_until
from gatekeeper.evidence_files import EvidenceFiles
from gatekeeper.evidence_intake import Kept
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.registry.office import NOON, HandClock, log, log_types, org

SECRETS = ("first.mail@lab.example", "second.mail@lab.example", "77 Untraceable Road")
DUE = timedelta(days=6 * 366)


def profile(mail: str) -> KycProfile:
    return KycProfile(address=Address(SECRETS[2], "IN"), emails=(mail,))


def enrol(registry: Registry, customer: str = "lab", mail: str = SECRETS[0]) -> None:
    party = replace(org("lab", "IN"), id=customer)
    registry.apply(KycRecord(customer, customer, (party,), profile=profile(mail)), by="ana")
    registry.approve(customer, by="ben")


def close(registry: Registry, clock: HandClock, customer: str = "lab", after: timedelta = DUE) -> None:
    registry.close(customer, by="ana", reason="contract ended")
    clock.at += after


@pytest.fixture
def files(tmp_path: Path) -> EvidenceFiles:
    return EvidenceFiles(tmp_path / "evidence")


def add(registry: Registry, files: EvidenceFiles, content: bytes, customer: str = "lab") -> Kept:
    kept = files.keep_stream(io.BytesIO(content), "stdin")
    registry.add_evidence(
        customer,
        by="ana",
        sha256=kept.sha256,
        size_bytes=kept.size_bytes,
        media_type="text/plain",
        description="x",
        source="y",
        is_kept=files.holds,
    )
    return kept


def erase(registry: Registry, customer: str = "lab") -> None:
    registry.erase(customer, by="ana", reason="kept long enough")
    registry.approve_erasure(customer, by="ben")


def bytes_in(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())


def test_nothing_of_an_erased_customer_is_in_any_file_and_the_log_is_as_it_was(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles, tmp_path: Path
) -> None:
    enrol(registry)
    registry.apply(KycRecord("lab", "lab", (org("lab", "IN"),), profile=profile(SECRETS[1])), by="ana")  # waits
    add(registry, files, b"a passport that nobody keeps")
    before = stores.read(lambda reader: list(reader.leaves()))
    assert all(each.encode() in bytes_in(tmp_path) for each in SECRETS)
    close(registry, clock)
    erase(registry)
    assert registry.finish_erasures(files, stores.scrub) == ["lab"]
    left = bytes_in(tmp_path)
    assert [each for each in (*SECRETS, "a passport that nobody keeps") if each.encode() in left] == []
    after = stores.read(lambda reader: list(reader.leaves()))
    assert after[: len(before)] == before
    assert registry.finish_erasures(files, stores.scrub) == []
    assert registry.review("lab").looked_at.profile is None
    assert registry.history("lab")


def test_the_log_names_the_hashes_whose_values_are_gone(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles
) -> None:
    enrol(registry)
    sealed = registry.review("lab").looked_at.profile_sha256
    kept = add(registry, files, b"extract")
    close(registry, clock)
    erase(registry)
    said = log(stores)[-1]
    assert said["type"] == "customer.erased"
    assert said["facts"]["profiles"] == [sealed]
    assert said["facts"]["files"] == [kept.sha256]
    assert (said["facts"]["requested_by"], said["facts"]["approved_by"]) == ("ana", "ben")
    assert said["facts"]["last_event_at"] == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("after", "told"), [(timedelta(0), "until 2032-11-22"), (timedelta(days=2191), "until 2032-11-22")]
)
def test_it_is_kept_for_years_after_the_latest_event(
    registry: Registry, clock: HandClock, after: timedelta, told: str
) -> None:
    enrol(registry)
    close(registry, clock, after=after)
    with pytest.raises(NotPermitted, match=told):
        registry.erase("lab", by="ana", reason="x")
    assert registry.retention(due=True) == []
    clock.at = NOON.replace(year=2032)
    assert [each.customer.id for each in registry.retention(due=True)] == ["lab"]
    registry.erase("lab", by="ana", reason="x")


def test_only_a_closed_account_is_erased(registry: Registry, clock: HandClock) -> None:
    enrol(registry)
    clock.at += DUE
    with pytest.raises(NotPermitted, match="is approved: only what a closed account"):
        registry.erase("lab", by="ana", reason="x")
    with pytest.raises(NotFound):
        registry.erase("nobody", by="ana", reason="x")


def test_a_tier_or_a_hold_does_not_make_the_time_begin_again(registry: Registry, clock: HandClock) -> None:
    enrol(registry)
    close(registry, clock)
    held = registry.hold("lab", by="ana", reason="subpoena 12")
    registry.ask_to_lift(held.id, by="ana", reason="case closed")
    registry.approve_lift(held.id, by="ben")
    assert registry.plan_erasure("lab").kept.refused == ""


def test_one_person_cannot_erase_and_another_name_of_the_same_person_neither(
    registry: Registry, stores: SqlStores, clock: HandClock
) -> None:
    enrol(registry)
    close(registry, clock)
    registry.erase("lab", by="ana", reason="x")
    for name in ("ana", "ANA ", "Ana"):
        with pytest.raises(NotPermitted, match="cannot approve"):
            registry.approve_erasure("lab", by=name)
    assert registry.review("lab").looked_at.profile is not None
    assert log_types(stores)[-1] == "customer.erasure_requested"


def test_who_approves_an_erasure_approves_what_was_looked_at(registry: Registry, clock: HandClock) -> None:
    enrol(registry)
    close(registry, clock)
    seen = registry.erase("lab", by="ana", reason="x")
    registry.reject_erasure("lab", by="ben")
    clock.at += timedelta(minutes=1)
    registry.erase("lab", by="cleo", reason="another reason")
    with pytest.raises(Conflict, match="looked at"):
        registry.approve_erasure("lab", by="ben", seen=seen)


def test_a_rejected_erasure_leaves_everything_and_may_be_asked_for_again(
    registry: Registry, stores: SqlStores, clock: HandClock
) -> None:
    enrol(registry)
    close(registry, clock)
    registry.erase("lab", by="ana", reason="x")
    with pytest.raises(Conflict, match="asked for that already"):
        registry.erase("lab", by="cleo", reason="x")
    registry.reject_erasure("lab", by="ana")
    assert log_types(stores)[-1] == "customer.erasure_rejected"
    with pytest.raises(NotFound):
        registry.approve_erasure("lab", by="ben")
    erase(registry)
    with pytest.raises(Conflict, match="was erased on"):
        registry.erase("lab", by="ana", reason="x")


def test_a_legal_hold_stands_against_asking_and_against_approving(registry: Registry, clock: HandClock) -> None:
    enrol(registry)
    close(registry, clock)
    registry.erase("lab", by="ana", reason="x")
    held = registry.hold("lab", by="cleo", reason="subpoena 12")
    with pytest.raises(NotPermitted, match=r"legal hold .*subpoena 12"):
        registry.approve_erasure("lab", by="ben")
    registry.ask_to_lift(held.id, by="ana", reason="case closed")
    with pytest.raises(NotPermitted, match="legal hold"):
        registry.approve_erasure("lab", by="ben")
    with pytest.raises(NotPermitted, match="cannot approve"):
        registry.approve_lift(held.id, by="Ana")
    registry.approve_lift(held.id, by="ben")
    registry.approve_erasure("lab", by="ben")
    with pytest.raises(Conflict, match="was erased"):
        registry.hold("lab", by="cleo", reason="too late")


def test_of_two_holds_each_has_to_be_lifted(registry: Registry, clock: HandClock) -> None:
    enrol(registry)
    close(registry, clock)
    one, _ = (registry.hold("lab", by="ana", reason=each) for each in ("agency", "court"))
    registry.ask_to_lift(one.id, by="ana", reason="x")
    registry.approve_lift(one.id, by="ben")
    with pytest.raises(NotPermitted, match="court"):
        registry.erase("lab", by="ana", reason="x")
    with pytest.raises(NotPermitted, match="lifted already"):
        registry.approve_lift(one.id, by="ben")


def test_a_hold_whose_lifting_is_refused_holds_as_before(registry: Registry, stores: SqlStores) -> None:
    enrol(registry)
    held = registry.hold("lab", by="ana", reason="agency")
    with pytest.raises(NotPermitted, match="Nobody asked"):
        registry.approve_lift(held.id, by="ben")
    registry.ask_to_lift(held.id, by="ana", reason="x")
    assert registry.reject_lift(held.id, by="ana") == held
    assert log_types(stores)[-1] == "customer.hold_lift_rejected"
    with pytest.raises(NotPermitted, match="Nobody asked"):
        registry.approve_lift(held.id, by="ben")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_each_act_needs_a_reason(registry: Registry, clock: HandClock, reason: str) -> None:
    enrol(registry)
    close(registry, clock)
    held = registry.hold("lab", by="ana", reason="agency")
    acts: list[Callable[[], object]] = [
        lambda: registry.erase("lab", by="ana", reason=reason),
        lambda: registry.hold("lab", by="ana", reason=reason),
        lambda: registry.ask_to_lift(held.id, by="ana", reason=reason),
    ]
    for act in acts:
        with pytest.raises(InvalidInput, match="reason"):
            act()


def test_what_is_kept_of_many_is_asked_for_all_of_them_at_once(
    registry: Registry, stores: SqlStores, clock: HandClock
) -> None:
    asked = []
    for number in range(4):
        enrol(registry, f"lab-{number}")
        close(registry, clock, f"lab-{number}")
        registry.hold(f"lab-{number}", by="ana", reason="agency")
        with counted(stores) as told:
            kept = registry.retention()
        assert [len(each.holds) for each in kept] == [1] * (number + 1)
        asked.append(len(told))
    assert len(set(asked)) == 1


def test_a_file_that_another_customer_has_on_record_stays(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles
) -> None:
    for customer in ("lab", "other"):
        enrol(registry, customer)
    shared = add(registry, files, b"a register of both")
    add(registry, files, b"a register of both", "other")
    alone = add(registry, files, b"of one")
    close(registry, clock)
    plan = registry.plan_erasure("lab")
    assert (plan.files, plan.shared) == ((alone.sha256,), (shared.sha256,))
    erase(registry)
    registry.finish_erasures(files, stores.scrub)
    assert (files.holds(alone.sha256), files.holds(shared.sha256)) == (False, True)
    registry.close("other", by="ana", reason="x")
    clock.at += DUE
    erase(registry, "other")
    registry.finish_erasures(files, stores.scrub)
    assert not files.holds(shared.sha256)


def test_a_file_that_only_somebody_erased_had_on_record_is_not_kept_for_a_refused_upload(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles
) -> None:
    enrol(registry)
    content = b"a passport that nobody keeps"
    kept = add(registry, files, content)
    assert not registry.drop_unrecorded(kept.sha256, files)
    close(registry, clock)
    erase(registry)
    registry.finish_erasures(files, stores.scrub)
    files.keep_stream(io.BytesIO(content), "stdin")  # and then it is not put on record
    assert registry.drop_unrecorded(kept.sha256, files)
    assert files.names() == []


def test_a_file_that_an_erasure_takes_while_it_is_added_is_not_on_record_without_its_bytes(
    registry: Registry, files: EvidenceFiles
) -> None:
    enrol(registry)
    with pytest.raises(Unavailable, match="not here any more"):
        registry.add_evidence(
            "lab",
            by="ana",
            sha256="ab" * 32,
            size_bytes=1,
            media_type="text/plain",
            description="x",
            source="y",
            is_kept=files.holds,
        )
    assert registry.evidence("lab") == []


def test_an_erasure_whose_bytes_could_not_be_taken_out_is_finished_later(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles, tmp_path: Path
) -> None:
    enrol(registry)
    close(registry, clock)
    erase(registry)

    def full() -> None:
        raise Unavailable("The disk is full.")

    with pytest.raises(Unavailable, match="full"):
        registry.finish_erasures(files, full)
    (kept,) = registry.retention()
    assert kept.erasure is not None
    assert kept.erasure.finished_at is None
    assert registry.finish_erasures(files, stores.scrub) == ["lab"]
    assert SECRETS[0].encode() not in bytes_in(tmp_path)


def test_an_erased_file_is_shown_to_nobody(
    registry: Registry, stores: SqlStores, clock: HandClock, files: EvidenceFiles
) -> None:
    enrol(registry)
    kept = add(registry, files, b"extract")
    registry.read_evidence("lab", kept.sha256, by=Caller.claimed("ana"))
    assert log_types(stores)[-1] == "evidence.read"
    close(registry, clock)
    erase(registry)
    with pytest.raises(NotFound, match="were erased on"):
        registry.read_evidence("lab", kept.sha256, by=Caller.claimed("ana"))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM profile", "profile kept"),
        ("UPDATE profile SET body = '{}'", "profile changed"),
        ("DELETE FROM legal_hold", "legal hold removed"),
        ("UPDATE legal_hold SET lift_asked_by = 'a b', lifted_by = 'AB', lifted_at = 1", "four_eyes|lifted|CHECK"),
        (
            "INSERT INTO erasure VALUES ('lab', 'x', 'Ana', 1, 'an a', 2, NULL)",
            "four_eyes|CHECK",
        ),
    ],
)
def test_the_database_itself_refuses_what_nobody_approved(
    registry: Registry, tmp_path: Path, statement: str, told: str
) -> None:
    enrol(registry)
    registry.hold("lab", by="ana", reason="agency")
    engine = create_engine(f"sqlite:///{tmp_path / 'gatekeeper.db'}")
    with pytest.raises(IntegrityError, match=told), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_year_from_the_29th_of_february_goes_on_into_march() -> None:
    assert kept_until(datetime(2028, 2, 29, tzinfo=UTC), 5) == datetime(2033, 3, 1, tzinfo=UTC)
    assert re.fullmatch(r"2034-02-28.*", str(kept_until(datetime(2028, 2, 28, tzinfo=UTC), 6)))
