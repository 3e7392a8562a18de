"""How long work may run, what needs no budget at all, and what running work is stopped for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.deciding import lease_of, needs_no_budget, verdict_on_running
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.policy import Action, LeaseTerms, Mode
from tests.domain.questions import (
    DAY_S,
    H100_TFLOP_PER_S,
    HOUR_S,
    TERMS,
    enforced,
    make_customer,
    make_pack,
    make_question,
)

LIMIT = 10**14 - 1
BUDGET = enforced(make_pack())


# --- leases -----------------------------------------------------------------------------------------------------------

terms = st.tuples(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 100)).map(
    lambda each: LeaseTerms(each[0], each[0] + each[1], each[2])
)


@given(st.integers(0, 10**14), st.integers(0, 10**15), st.integers(1, 10**9), terms, st.integers(0, 3600))
def test_a_lease_never_takes_more_than_the_pool_has_and_keeps_its_terms(
    limit: int, used: int, rate: int, lease_terms: LeaseTerms, grace_s: int
) -> None:
    pool = Pool(limit, (Account("run", used),))
    grant = lease_of(pool, rate, lease_terms, grace_s)
    if grant is None:
        assert rate * (lease_terms.shortest_s + grace_s) > pool.budget_tflop
        return
    assert grant.amount_tflop == rate * (grant.lease_s + grace_s) <= pool.budget_tflop
    assert lease_terms.shortest_s <= grant.lease_s <= lease_terms.longest_s
    if grant.lease_s > lease_terms.shortest_s:
        assert grant.amount_tflop * 100 <= pool.budget_tflop * lease_terms.share_percent


def test_eight_devices_get_weeks_and_ten_thousand_get_hours() -> None:
    pool = Pool(LIMIT, ())
    few = lease_of(pool, 8 * H100_TFLOP_PER_S, TERMS, 120)
    many = lease_of(pool, 10_000 * H100_TFLOP_PER_S, TERMS, 120)
    assert few is not None
    assert many is not None
    assert few.lease_s == 28 * DAY_S
    assert 24 * HOUR_S < many.lease_s < 27 * HOUR_S


# --- clearance and running work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "mode", "cleared"),
    [
        (Action.ALLOW, Mode.ENFORCE, True),
        (Action.BUDGET, Mode.ENFORCE, False),
        (Action.HOLD, Mode.ENFORCE, False),
        (Action.DENY, Mode.ENFORCE, False),
        (Action.BUDGET, Mode.WARN, True),
        (Action.DENY, Mode.OBSERVE, True),
        (Action.DENY, Mode.OFF, True),
    ],
)
def test_a_clearance_rests_on_packs_that_enforce_and_allow_without_a_budget(
    action: Action,
    mode: Mode,
    cleared: bool,
) -> None:
    packs = enforced(make_pack(action=action), mode=mode)
    assert needs_no_budget(make_question(packs, devices=0), packs) is cleared
    with_another = (*packs, *enforced(make_pack("other", action=Action.BUDGET)))
    assert not needs_no_budget(make_question(with_another, devices=0), with_another)


def test_a_budget_rule_gives_no_clearance_even_where_nothing_is_asked_or_used() -> None:
    assert not needs_no_budget(make_question(BUDGET, devices=0), BUDGET)


def test_running_work_goes_on_while_its_own_worst_case_is_held() -> None:
    assert verdict_on_running(make_question(BUDGET, used_tflop=LIMIT), BUDGET) is None


def test_running_work_is_stopped_once_usage_went_past_the_limit() -> None:
    decision = verdict_on_running(make_question(BUDGET, used_tflop=2 * 10**14), BUDGET)
    assert decision is not None
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.STOP, "budget.overrun")
    assert decision.sentence == (
        "Job lab/train is stopped by pack: 2.00e26 of 1.00e26 FLOP are used or held, which is past the limit; "
        "the limit holds because Lab (IN) is headquartered in Tier 2, and models of this size are controlled; "
        "ask for less."
    )


def test_running_work_is_stopped_when_its_customer_is_suspended() -> None:
    question = make_question(BUDGET, customer=make_customer(Standing.SUSPENDED))
    decision = verdict_on_running(question, BUDGET)
    assert decision is not None
    assert decision.sentence.startswith("Job lab/train is stopped by pack: the KYC record of customer lab is suspended")
