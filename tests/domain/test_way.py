"""Ways: both ends of one are as if it were a list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.way import Way


@given(st.integers(1, 600), st.integers(2, 256))
def test_a_way_is_read_like_a_list_and_cut_in_its_middle(length: int, at_most: int) -> None:
    numbers = list(range(length))
    way = Way(length - 1)
    for number in reversed(numbers[:-1]):
        way = Way(number, way)
    assert (way.length, way.last, way.number) == (length, length - 1, 0)
    cut = [*numbers[: at_most - at_most // 2], *numbers[length - at_most // 2 :]]
    assert way.numbers(at_most) == (numbers if length <= at_most else cut)


def test_a_way_passes_who_stands_on_it() -> None:
    way = Way(1, Way(2))
    assert way.passes({2, 3})
    assert not way.passes({3})
