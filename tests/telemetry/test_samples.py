"""From raw samples to observations: what no order, cut or repetition may change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.telemetry.samples import Device, Series, Window, observations

DEVICE = Device("GPU-1")
SAMPLE_MS = 30_000
HERTZ_MAX = 2_000_000_000

moments = st.lists(st.integers(0, 600_000), min_size=1, max_size=40, unique=True).map(sorted)
activity = st.floats(0, 1)
reading = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def series(draw: st.DrawFn, values: st.SearchStrategy[float] = activity) -> Series:
    return Series(DEVICE, tuple((at, draw(values)) for at in draw(moments)))


def clock_of(many: list[Series], megahertz: float = 1_500) -> list[Series]:
    return [Series(DEVICE, tuple((at, megahertz) for at, _ in one.samples)) for one in many]


def window(begins_ms: int = 60_000, through_ms: int = 540_000) -> Window:
    return Window(begins_ms, through_ms, SAMPLE_MS)


@given(st.lists(series(reading), min_size=1, max_size=4), reading)
def test_no_reading_covers_more_than_the_window_or_runs_faster_than_a_clock_can(own: list[Series], mhz: float) -> None:
    for each in observations(own, clock_of(own, mhz), [], window()):
        assert 0 <= each.covered_s <= 480
        assert 0 <= each.rate <= 10_000_000_000


@given(st.lists(series(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_no_order_or_repetition_of_series_changes_the_observation(own: list[Series], shuffle: object) -> None:
    repeated = own * 2
    shuffle.shuffle(repeated)  # type: ignore[attr-defined]
    assert observations(repeated, clock_of(own), [], window()) == observations(own, clock_of(own), [], window())


@given(series(), series())
def test_another_series_of_the_same_device_never_lowers_the_cycles(one: Series, other: Series) -> None:
    def cycles(many: list[Series]) -> int:
        return sum(each.rate * each.covered_s for each in observations(many, clock_of([one, other]), [], window()))

    # Rounding: up to one second less is covered, and each mean is rounded up by less than 1 Hz.
    assert cycles([one, other]) + HERTZ_MAX >= cycles([one])


@given(series(), series())
def test_a_claim_of_another_pod_never_adds_cover(one: Series, claim: Series) -> None:
    def covered_s(others: list[Series]) -> int:
        return sum(each.covered_s for each in observations([one], clock_of([one]), others, window()))

    assert covered_s([claim]) <= covered_s([])


@given(series(), st.integers(60_001, 539_999))
def test_two_halves_of_a_window_cover_what_the_whole_covers(one: Series, cut_ms: int) -> None:
    def found(part: Window) -> tuple[int, int]:
        each = observations([one], clock_of([one]), [], part)
        return sum(o.covered_s for o in each), sum(o.rate * o.covered_s for o in each)

    (first_s, first), (second_s, second) = found(window(through_ms=cut_ms)), found(window(begins_ms=cut_ms))
    whole_s, whole = found(window())
    # Devices without a sample of their own in a half, and seconds that are not whole, are left to the worst case.
    assert first_s + second_s <= whole_s
    assert first + second <= whole + 2 * whole_s + HERTZ_MAX * 2
