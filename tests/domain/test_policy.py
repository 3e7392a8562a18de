"""Thresholds, lease terms and rules of a policy pack."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Action, ChipAuthorization, LeaseTerms, Mode, Rule, Site, Threshold
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.units import LARGEST_TFLOP
from tests.domain.questions import make_pack, make_rule

TIERS = st.sampled_from([Tier.ONE, Tier.TWO, Tier.THREE])


@given(st.integers(1, LARGEST_TFLOP), st.integers(0, LARGEST_TFLOP), st.booleans())
def test_a_floor_lifts_the_limit_and_never_lowers_it(amount: int, floor: int, reached: bool) -> None:
    threshold = Threshold(amount, floor, reached, "test")
    assert threshold.effective_tflop == max(amount, floor)
    assert threshold.limit_tflop == max(amount, floor) - (1 if reached else 0)
    assert threshold.limit_tflop >= Threshold(amount, 0, reached, "test").limit_tflop


def test_a_limit_is_one_tflop_under_a_threshold_that_counts_when_reached() -> None:
    assert Threshold(10**14, 0, True, "test").limit_tflop == 10**14 - 1  # noqa: FBT003 - ">="
    assert Threshold(10**14, 0, False, "test").limit_tflop == 10**14  # noqa: FBT003 - ">"


@pytest.mark.parametrize(("amount", "floor", "source"), [(0, 0, "test"), (1, 0, ""), (-1, 0, "test"), (1, -1, "test")])
def test_a_threshold_needs_an_amount_and_a_source(amount: int, floor: int, source: str) -> None:
    with pytest.raises(InvalidInput):
        Threshold(amount, floor, True, source)  # noqa: FBT003


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
        rule = pack.rule_for(Tier.TWO, site)
        assert rule is not None
        assert rule.code == code


@given(st.sampled_from(list(ChipAuthorization)), st.sampled_from(["", "US", "MY"]), TIERS)
def test_a_rule_speaks_only_of_its_tiers(authorization: ChipAuthorization, country: str, tier: Tier) -> None:
    rule = Rule(frozenset({Tier.TWO}), Action.DENY, "x", "x", "test")
    assert rule.applies(tier, Site(country, authorization)) is (tier is Tier.TWO)


def test_a_rule_for_named_countries_says_nothing_of_a_site_that_nobody_knows() -> None:
    rule = make_rule("x", Action.ALLOW, countries=frozenset({"US"}))
    assert not rule.applies(Tier.TWO, Site())


def test_no_rule_lets_an_unresolved_customer_through() -> None:
    with pytest.raises(InvalidInput, match="unresolved"):
        make_pack(rules=(replace(make_rule("x", Action.ALLOW), tiers=frozenset({Tier.UNRESOLVED})),))


@pytest.mark.parametrize(
    "changes", [{"citations": ()}, {"rules": ()}, {"warn_percent": 0}, {"warn_percent": 100}, {"id": "Pack!"}]
)
def test_a_pack_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        replace(make_pack(), **changes)  # type: ignore[arg-type]


def test_a_pack_knows_its_edition() -> None:
    assert make_pack().version == date(2026, 11, 22)
    assert make_pack().default_mode is Mode.WARN
