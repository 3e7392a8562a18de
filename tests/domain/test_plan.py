"""6ND beside what was counted."""

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.plan import Plan, PlanCheck
from gatekeeper.domain.units import LARGEST_COUNT


def test_6nd_of_a_published_model() -> None:
    # Llama 3.1 405B: 405e9 parameters x 15.6e12 tokens; its paper says 3.8e25.
    assert Plan(405 * 10**9, 156 * 10**11).tflop == 37_908_000_000_000


def test_a_part_of_a_tflop_counts_whole() -> None:
    assert Plan(1, 1).tflop == 1


@pytest.mark.parametrize(("parameters", "tokens"), [(0, 1), (1, 0), (-1, 1), (LARGEST_COUNT, LARGEST_COUNT)])
def test_a_plan_without_sense_is_refused(parameters: int, tokens: int) -> None:
    with pytest.raises(InvalidInput):
        Plan(parameters, tokens)


@pytest.mark.parametrize(
    ("best", "percent", "alarm"), [(0, 0, False), (100, 100, False), (160, 160, False), (161, 161, True)]
)
def test_it_alarms_above_160_percent(best: int, percent: int, alarm: bool) -> None:
    plan = Plan(10**12, 100)
    assert plan.tflop == 600
    check = PlanCheck(plan, best * 6)
    assert (check.percent, check.alarm) == (percent, alarm)


def test_one_tflop_too_many_alarms_though_the_percent_is_cut() -> None:
    check = PlanCheck(Plan(10**12, 100), 961)
    assert (check.percent, check.alarm) == (160, True)
