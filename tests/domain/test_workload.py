"""What a workload can say of itself: counts that add up, a place in the world, and no nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import LARGEST_COUNT, Count, Workload, WorkloadRef

GPU = "nvidia.com/gpu"
REF = WorkloadRef("east", "lab", "Job", "train", "u-1")


@st.composite
def counts(draw: st.DrawFn) -> Count:
    least = draw(st.integers(0, 1000))
    return Count(least, draw(st.none() | st.integers(least, 2000)))


@given(counts(), counts())
def test_counts_add_up_and_what_nothing_bounds_stays_unbounded(one: Count, other: Count) -> None:
    both = one + other
    assert both.least == one.least + other.least
    assert (both.most is None) == (one.most is None or other.most is None)
    assert both == other + one


@pytest.mark.parametrize(("least", "most"), [(-1, 1), (2, 1), (0, LARGEST_COUNT + 1), (LARGEST_COUNT + 1, None)])
def test_a_count_without_sense_is_refused(least: int, most: int | None) -> None:
    with pytest.raises(InvalidInput):
        Count(least, most)


@pytest.mark.parametrize(
    ("workload", "asks", "gated"),
    [
        (Workload(REF), False, False),
        (Workload(REF, unknown=True), False, False),
        (Workload(REF, {GPU: Count(0, 0)}), True, True),
        (Workload(REF, claims=True), True, True),
        (Workload(REF, unsaid=True, unknown=True), True, True),
        (Workload(REF, host_access=True), False, True),
    ],
)
def test_what_asks_needs_a_budget_and_what_could_reach_a_device_waits_all_the_same(
    workload: Workload, *, asks: bool, gated: bool
) -> None:
    assert (workload.asks, workload.gated) == (asks, gated)


def test_who_asks_without_a_number_is_unknown() -> None:
    with pytest.raises(InvalidInput, match="unknown"):
        Workload(REF, unsaid=True)


def test_a_workload_stands_in_a_namespace_and_has_a_kind() -> None:
    for namespace, kind in (("", "Job"), ("lab", "")):
        with pytest.raises(InvalidInput):
            WorkloadRef("east", namespace, kind, "train")
    assert str(REF) == "Job lab/train"
    assert str(WorkloadRef("east", "lab", "Pod", "")) == "Pod lab/(unnamed)"
