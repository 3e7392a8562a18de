"""Thresholds, lease terms and rules of a policy pack."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Action, Cells, ChipAuthorization, LeaseTerms, Mode, Rule, Site
from gatekeeper.domain.threshold import Floor, Threshold
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.units import LARGEST_TFLOP
from tests.domain.questions import INQUIRY, make_pack, make_rule

TIERS = st.sampled_from([Tier.ONE, Tier.TWO, Tier.THREE])


FLOORS = st.lists(st.integers(0, LARGEST_TFLOP), max_size=4).map(sorted)
DAY = date(2026, 11, 22)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def floors_of(amounts: list[int]) -> tuple[Floor, ...]:
    """One floor at the beginning of each month from March on."""
    return tuple(Floor(amount, date(2026, month, 1), "test") for month, amount in enumerate(amounts, 3))


@given(st.integers(1, LARGEST_TFLOP), FLOORS, st.booleans(), DAYS)
def test_a_floor_lifts_the_limit_from_its_day_on_and_never_lowers_it(
    amount: int, floors: list[int], reached: bool, day: date
) -> None:
    threshold = Threshold(amount, reached_is_controlled=reached, source="test", floors=floors_of(floors))
    begun = [floor for month, floor in enumerate(floors, 3) if date(2026, month, 1) <= day]
    assert threshold.effective_tflop(day) == max([amount, *begun])
    assert threshold.limit_tflop(day) == max([amount, *begun]) - (1 if reached else 0)


@given(st.integers(1, LARGEST_TFLOP), FLOORS, DAYS, DAYS)
def test_a_limit_never_falls_with_time(amount: int, floors: list[int], one: date, other: date) -> None:
    threshold = Threshold(amount, reached_is_controlled=True, source="test", floors=floors_of(floors))
    assert threshold.limit_tflop(min(one, other)) <= threshold.limit_tflop(max(one, other))


def asking(*inquiries: str, action: Action = Action.HOLD, beyond: Action = Action.DENY) -> Rule:
    return Rule(frozenset({Tier.TWO}), action, "asks", "ask", "test", beyond=beyond, inquiries=inquiries)


def test_a_rule_asks_each_of_its_questions_where_that_says_so() -> None:
    only_unknown = replace(INQUIRY, id="chips", when=Cells(authorizations=frozenset({ChipAuthorization.UNKNOWN})))
    pack = replace(make_pack(), rules=(asking("ask", "chips"),), inquiries=(INQUIRY, only_unknown))
    (rule,) = pack.rules
    at_home, nowhere = Site("IN", ChipAuthorization.US_DOMESTIC), Site("IN")
    assert [each.id for each in pack.asking(rule, Tier.TWO, at_home, DAY)] == ["ask"]
    assert [each.id for each in pack.asking(rule, Tier.TWO, nowhere, DAY)] == ["ask", "chips"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (asking("other"), "asks 'other', which it has not"),
        (asking("ask", "ask"), "a question twice"),
        (asking("chips"), "asks nothing in a cell"),
        (asking("ask", action=Action.BUDGET, beyond=Action.HOLD), "says how far"),
    ],
)
def test_a_hold_that_no_answers_could_end_is_refused(rule: Rule, words: str) -> None:
    only_unknown = replace(INQUIRY, id="chips", when=Cells(authorizations=frozenset({ChipAuthorization.UNKNOWN})))
    with pytest.raises(InvalidInput, match=words):
        replace(make_pack(), rules=(rule,), inquiries=(INQUIRY, only_unknown))


def test_floors_that_fall_or_stand_in_another_order_are_refused() -> None:
    with pytest.raises(InvalidInput, match="never falls"):
        Threshold(1, reached_is_controlled=True, source="test", floors=floors_of([5, 4]))
    with pytest.raises(InvalidInput, match="order of their days"):
        Threshold(1, reached_is_controlled=True, source="test", floors=floors_of([4, 5])[::-1])


def test_a_limit_is_one_tflop_under_a_threshold_that_counts_when_reached() -> None:
    day = date(2026, 11, 22)
    assert Threshold(10**14, reached_is_controlled=True, source="test").limit_tflop(day) == 10**14 - 1
    assert Threshold(10**14, reached_is_controlled=False, source="test").limit_tflop(day) == 10**14


@pytest.mark.parametrize(("amount", "source"), [(0, "test"), (1, ""), (-1, "test")])
def test_a_threshold_needs_an_amount_and_a_source(amount: int, source: str) -> None:
    with pytest.raises(InvalidInput):
        Threshold(amount, reached_is_controlled=True, source=source)


@pytest.mark.parametrize(("amount", "source"), [(-1, "test"), (1, "")])
def test_a_floor_needs_an_amount_and_a_source(amount: int, source: str) -> None:
    with pytest.raises(InvalidInput):
        Floor(amount, date(2026, 1, 1), source)


@pytest.mark.parametrize(
    ("shortest", "longest", "share"),
    [(0, 1, 1), (-1, 1, 1), (2, 1, 1), (1, 180 * 86_400 + 1, 1), (1, 1, 0), (1, 1, 101)],
)
def test_lease_terms_out_of_order_are_refused(shortest: int, longest: int, share: int) -> None:
    with pytest.raises(InvalidInput):
        LeaseTerms(shortest, longest, share)


def test_the_first_rule_that_applies_is_taken() -> None:
    pack = make_pack(
        rules=(
            make_rule("veu", Action.DENY, authorizations=frozenset({ChipAuthorization.UVEU})),
            make_rule("at-home", Action.ALLOW, countries=frozenset({"US"})),
            make_rule("rest", Action.BUDGET),
        )
    )
    cases = {
        Site("US", ChipAuthorization.UVEU): "veu",
        Site("US", ChipAuthorization.AIA): "at-home",
        Site("MY", ChipAuthorization.AIA): "rest",
        Site(): "rest",
    }
    for site, code in cases.items():
        rule = pack.rule_for(Tier.TWO, site, date(2026, 11, 22))
        assert rule is not None
        assert rule.code == code


@given(st.sampled_from(list(ChipAuthorization)), st.sampled_from(["", "US", "MY"]), TIERS)
def test_a_rule_speaks_only_of_its_tiers(authorization: ChipAuthorization, country: str, tier: Tier) -> None:
    rule = Rule(frozenset({Tier.TWO}), Action.DENY, "x", "x", "test")
    assert rule.applies(tier, Site(country, authorization), Tier.UNRESOLVED) is (tier is Tier.TWO)


def test_a_rule_for_named_countries_says_nothing_of_a_site_that_nobody_knows() -> None:
    rule = make_rule("x", Action.ALLOW, countries=frozenset({"US"}))
    assert not rule.applies(Tier.TWO, Site(), Tier.UNRESOLVED)


def test_no_rule_lets_an_unresolved_customer_through() -> None:
    with pytest.raises(InvalidInput, match="unresolved"):
        make_pack(rules=(replace(make_rule("x", Action.ALLOW), tiers=frozenset({Tier.UNRESOLVED})),))


@pytest.mark.parametrize(
    "changes", [{"citations": ()}, {"rules": ()}, {"warn_percent": 0}, {"warn_percent": 100}, {"id": "Pack!"}]
)
def test_a_pack_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        replace(make_pack(), **changes)  # type: ignore[arg-type]


ALL = frozenset({Tier.ONE, Tier.TWO, Tier.THREE})


@pytest.mark.parametrize("tier", list(Tier))
def test_who_is_unresolved_is_as_everybody_else_where_a_pack_treats_all_tiers_alike(tier: Tier) -> None:
    alike = make_pack(rules=(replace(make_rule("alike", Action.ALLOW), tiers=ALL),))
    assert not alike.tells_tiers_apart
    found = alike.rule_for(tier, Site(), date(2026, 11, 22))
    assert found is not None
    assert found.code == "alike"


@pytest.mark.parametrize("missing", [Tier.ONE, Tier.TWO, Tier.THREE])
def test_who_is_unresolved_is_refused_as_soon_as_one_tier_is_treated_otherwise(missing: Tier) -> None:
    rules = (
        replace(make_rule("alike", Action.ALLOW), tiers=ALL),
        replace(make_rule("apart", Action.ALLOW), tiers=ALL - {missing}),
    )
    for each in (rules, rules[1:]):
        apart = make_pack(rules=each)
        assert apart.tells_tiers_apart
        assert apart.rule_for(Tier.UNRESOLVED, Site(), date(2026, 11, 22)) is None


def test_no_budget_is_shared_out_to_whom_nobody_knows_the_owners_of() -> None:
    pack = make_pack(rules=(replace(make_rule("budget", Action.BUDGET), tiers=ALL),))
    assert pack.tells_tiers_apart
    assert pack.rule_for(Tier.UNRESOLVED, Site(), date(2026, 11, 22)) is None


def test_a_pack_knows_its_edition() -> None:
    assert make_pack().version == date(2026, 11, 22)
    assert make_pack().default_mode is Mode.WARN
