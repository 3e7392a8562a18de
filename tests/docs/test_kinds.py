"""The page of kinds names every kind that is read by its own shape, with its versions, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from admission.manifests.registry import FAMILIES
from gatekeeper.cluster.stop import OWNERS

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (Path(__file__).parents[2] / "docs" / "kinds.md").read_text("utf-8").splitlines()
    if line.startswith("| `")
]


def told() -> dict[tuple[str, str], list[str]]:
    """(group, kind) -> its row."""
    return {
        (row[1].rpartition("/")[0] if "/" in row[1] else "", kind): row
        for row in ROWS
        for kind in re.findall(r"`([A-Za-z]+)`", row[0])
    }


def test_the_page_names_exactly_the_kinds_that_are_read_with_their_versions() -> None:
    rows = told()
    kinds = [kind for family in FAMILIES for kind in family.KINDS]
    assert set(rows) == {(kind.group, kind.kind) for kind in kinds}
    for kind in kinds:
        versions = set(re.findall(r"\bv[0-9][a-z0-9]*", rows[kind.group, kind.kind][1]))
        assert kind.versions <= versions, kind


def test_the_page_says_of_each_kind_by_which_field_it_is_suspended() -> None:
    for (group, kind), row in told().items():
        patch = OWNERS.get((group, kind), ("", None))[1]
        field = "" if patch is None else "spec.runPolicy.suspend" if "runPolicy" in patch["spec"] else "spec.suspend"
        assert re.findall(r"`(spec\.[A-Za-z.]*suspend)`", row[5]) == ([field] if field else []), (group, kind)
