"""The picture of a run: what its axes say, where it ends, and that its labels stand clear of what is drawn."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.usage import Usage
from gatekeeper.simulate.engine import Point, Told
from gatekeeper.simulate.picture import HEIGHT, WIDTH, _axes, _Scale, draw

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
LIMIT = 10**14 - 1
LETTER = 7  # pixels, more than a letter of 12 pixels takes


def day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


def drawn(told: dict[float, Verdict], *, days: int = 75, end: int = 200) -> ET.Element:
    """A run that used all of its limit in so many days, of a scenario that goes on for longer."""
    points = [
        Point(day(each), "run", 0, Usage(0, LIMIT * each // (3 * days), LIMIT * each // days), 0)
        for each in range(days + 1)
    ]
    said = [Told(day(at), "job", "run", Decision(verdict, (), "said")) for at, verdict in told.items()]
    return ET.fromstring(draw(points, said, title="a run", limit_tflop=LIMIT, begin=BEGIN, end=day(end)))


def labels(svg: ET.Element) -> dict[str, tuple[float, float, float]]:
    """Text -> left edge, right edge and base line of all labels that stand inside of the picture."""
    found = {}
    for each in svg.iter("{http://www.w3.org/2000/svg}text"):
        words, x = each.text or "", float(each.attrib["x"])
        if re.match("limit:|warned|refused|on hold", words):
            width = LETTER * len(words)
            left = x - width if each.attrib.get("text-anchor") == "end" else x
            found[words] = (left, left + width, float(each.attrib["y"]))
    return found


@pytest.mark.parametrize("days", [1, 5, 60, 87.5, 200])
def test_days_on_the_axis_are_round_and_within_it(days: float) -> None:
    parts = _axes(_Scale(BEGIN, day(days), 10**14), "a run")
    shown = [found[1] for part in parts if (found := re.search(r'text-anchor="middle">([0-9.]+)<', part))]
    assert shown[0] == "0"
    assert len(set(shown)) == len(shown)
    assert 4 <= len(shown) <= 12
    assert float(shown[-1]) <= days


def test_the_picture_ends_a_little_after_the_last_refusal() -> None:
    svg = drawn({0: Verdict.ALLOW, 60: Verdict.WARN, 75: Verdict.DENY})
    area = next(svg.iter("{http://www.w3.org/2000/svg}polygon"))
    last = max(float(each.split(",")[0]) for each in area.attrib["points"].split())
    assert 0.8 < last / WIDTH < 0.95


def test_a_run_that_trains_to_the_end_fills_its_picture() -> None:
    area = next(drawn({0: Verdict.ALLOW}, days=75, end=75).iter("{http://www.w3.org/2000/svg}polygon"))
    assert max(float(each.split(",")[0]) for each in area.attrib["points"].split()) == WIDTH - 20


@given(
    st.dictionaries(
        st.floats(0, 75), st.sampled_from([Verdict.WARN, Verdict.DENY, Verdict.HOLD]), min_size=1, max_size=5
    ),
    st.integers(75, 400),
)
def test_labels_stand_above_the_limit_within_the_frame_and_on_no_other(told: dict[float, Verdict], end: int) -> None:
    svg = drawn(dict(sorted(told.items())), end=end)
    limit = next(float(each.attrib["y1"]) for each in svg if each.attrib.get("stroke-dasharray"))
    found = list(labels(svg).values())
    assert len(found) == 1 + len(set(told.values()))
    for index, (left, right, y) in enumerate(found):
        assert 0 <= left < right <= WIDTH
        assert 0 < y < limit < HEIGHT
        for other_left, other_right, other_y in found[:index]:
            assert abs(y - other_y) >= 12 or right <= other_left or other_right <= left
