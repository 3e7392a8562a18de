"""Parties, customers and who may approve them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.customer import NOTICE_WINDOW, Binding, Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party, PartyKind, checked_identifier
from gatekeeper.domain.person import same_person

NOW = datetime(2026, 11, 22, tzinfo=UTC)
YEAR = timedelta(days=365)


def submitted(**changes: object) -> Customer:
    values: dict[str, object] = {"id": "lab", "party_id": "lab", "standing": Standing.SUBMITTED, "prepared_by": "Ada"}
    return Customer(**{**values, **changes})  # type: ignore[arg-type]


def org(party_id: str, *parents: str) -> Party:
    return Party(party_id, PartyKind.ORG, party_id, "US", parents)


@pytest.mark.parametrize("text", ["a", "lab-1", "a.b.c", "0", "x" * 63])
def test_plain_names_can_be_ids(text: str) -> None:
    assert checked_identifier(text, "party") == text


@pytest.mark.parametrize("text", ["", "A", "-a", "a-", "a/b", "..", "a b", "ä", "a\n", "x" * 64, "а"])
def test_what_could_break_out_of_a_file_name_or_label_is_no_id(text: str) -> None:
    with pytest.raises(InvalidInput):
        checked_identifier(text, "party")


@pytest.mark.parametrize("name", ["", "  ", "x" * 301, "Acme\nInc", "Acme\u202eInc", "Acme\x00", "Acme\u200bInc"])
def test_a_legal_name_holds_no_tricks(name: str) -> None:
    with pytest.raises(InvalidInput):
        Party("a", PartyKind.ORG, name)


@pytest.mark.parametrize("headquarters", ["us", "USA", "U", "U1", "УС"])
def test_headquarters_are_two_capital_letters(headquarters: str) -> None:
    with pytest.raises(InvalidInput):
        Party("a", PartyKind.ORG, "A", headquarters)


def test_a_party_cannot_own_itself_name_an_owner_twice_or_both_have_and_not_have_one() -> None:
    for parents, reason in ((("a",), ""), (("b", "b"), ""), (("b",), "listed company")):
        with pytest.raises(InvalidInput):
            Party("a", PartyKind.ORG, "A", "US", parents, reason)


def test_an_approved_record_expires_at_its_end_whether_or_not_anybody_wrote_that_down() -> None:
    customer = submitted().approve(by="Grace", expires_at=NOW + YEAR)
    assert customer.version == 2
    assert customer.standing_at(NOW + YEAR - NOTICE_WINDOW - timedelta(microseconds=1)) is Standing.APPROVED
    last = customer.standing_at(NOW + YEAR - timedelta(microseconds=1))
    assert (last, last.holds) == (Standing.EXPIRING, True)
    assert customer.standing_at(NOW + YEAR) is Standing.EXPIRED


@pytest.mark.parametrize("spelling", ["Ada", "ADA", " a d a ", "Ａｄａ"])
def test_nobody_approves_what_they_prepared_under_another_spelling(spelling: str) -> None:
    assert same_person("Ada", spelling)
    with pytest.raises(NotPermitted, match="prepared the record"):
        submitted().approve(by=spelling, expires_at=NOW + YEAR)


@pytest.mark.parametrize("standing", [Standing.DRAFT, Standing.CLOSED])
def test_only_a_record_that_waits_can_be_approved(standing: Standing) -> None:
    with pytest.raises(NotPermitted):
        submitted(standing=standing).approve(by="Grace", expires_at=NOW + YEAR)


def test_an_approved_record_is_not_approved_again() -> None:
    customer = submitted().approve(by="Grace", expires_at=NOW + YEAR)
    with pytest.raises(NotPermitted):
        customer.approve(by="Grace", expires_at=NOW + 2 * YEAR)


def test_one_person_suspends_with_a_reason_and_no_approval_alone_lifts_it() -> None:
    suspended = submitted().approve(by="Grace", expires_at=NOW + YEAR).suspend(by="Grace", reason="new owner")
    assert (suspended.standing_at(NOW), suspended.reason, suspended.version) == (Standing.SUSPENDED, "new owner", 3)
    with pytest.raises(NotPermitted, match="Only a submitted record"):
        suspended.approve(by="Ada", expires_at=NOW + YEAR)


def test_a_suspension_needs_a_reason_and_an_open_account() -> None:
    with pytest.raises(InvalidInput):
        submitted().suspend(by="Ada", reason=" ")
    with pytest.raises(NotPermitted):
        submitted(standing=Standing.CLOSED).suspend(by="Ada", reason="late")


def test_an_approval_without_approver_or_end_is_no_approval() -> None:
    for changes in ({"approved_by": "Grace"}, {"expires_at": NOW}):
        with pytest.raises(InvalidInput):
            submitted(standing=Standing.APPROVED, **changes)


def test_a_record_is_prepared_by_somebody_and_ends_in_utc() -> None:
    for changes in ({"prepared_by": " "}, {"expires_at": datetime(2026, 1, 1)}):  # noqa: DTZ001 - the mistake itself
        with pytest.raises(InvalidInput):
            submitted(**changes)


def test_a_group_is_everybody_tied_by_parenthood_in_either_direction() -> None:
    parties = {each.id: each for each in (org("a", "top"), org("b", "top"), org("c", "b"), org("top"), org("x", "y"))}
    assert list(corporate_groups(parties, ["a", "x", "c", "unknown"])) == [
        {"a", "b", "c", "top"},
        {"x", "y"},
        {"unknown"},
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), unique=True, max_size=2)))
def test_all_members_of_a_group_see_the_same_group(graph: dict[str, list[str]]) -> None:
    parties = {each: org(each, *(up for up in parents if up != each)) for each, parents in graph.items()}
    for each in parties:
        [group] = corporate_groups(parties, [each])
        assert all(next(corporate_groups(parties, [other])) == group for other in group)


def test_a_binding_names_its_cluster_namespace_and_customer() -> None:
    assert Binding("c", "ns", "lab").run_id is None
    for wrong in (("", "ns", "lab"), ("c", "", "lab"), ("c", "ns", "Lab!")):
        with pytest.raises(InvalidInput):
            Binding(*wrong)
