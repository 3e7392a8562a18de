"""The picture of a run: what its axes say."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.simulate.picture import _axes, _Scale


@pytest.mark.parametrize("days", [1, 5, 60, 87.5, 200])
def test_no_two_days_on_the_axis_are_called_the_same(days: float) -> None:
    begin = datetime(2026, 12, 1, tzinfo=UTC)
    parts = _axes(_Scale(begin, begin + timedelta(days=days), 10**14), "a run")
    shown = [found[1] for part in parts if (found := re.search(r'text-anchor="middle">([0-9.]+)<', part))]
    assert len(set(shown)) == len(shown) == 11
    assert float(shown[-1]) == days
