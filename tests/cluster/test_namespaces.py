"""What a namespace says of its clearance, and what counts as none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.cluster.names import CLEARED, CLEARED_UNTIL
from gatekeeper.cluster.namespaces import keep_namespace


def namespace(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "uid": "uid-1", "resourceVersion": "1", **metadata}}


@pytest.mark.parametrize("text", ["2026-12-01T00:00:00Z", "2026-12-01T00:00:00+00:00", "2026-12-01T02:00:00+02:00"])
def test_a_clearance_ends_at_its_moment(text: str) -> None:
    found = keep_namespace(namespace(labels={CLEARED: "true"}, annotations={CLEARED_UNTIL: text}))
    assert (found.cleared, found.until) == (True, datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "for ever", "2026-12-01T00:00:00", "2026-12-01", "99999-01-01T00:00:00Z"])
def test_an_end_that_cannot_be_read_or_has_no_zone_is_none(text: str) -> None:
    assert keep_namespace(namespace(annotations={CLEARED_UNTIL: text})).until is None


def test_a_namespace_that_is_being_deleted_says_so() -> None:
    assert keep_namespace(namespace(deletionTimestamp="2026-12-01T00:00:00Z")).deleting
    assert not keep_namespace(namespace()).deleting
