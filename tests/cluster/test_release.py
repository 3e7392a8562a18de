"""Narrowing a node affinity: every alternative gets one more condition, and nothing else changes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cluster.names import ACCELERATOR_NODE
from gatekeeper.cluster.release import has_empty_term, narrowed

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
AWAY = {"key": ACCELERATOR_NODE, "operator": "DoesNotExist"}

expression = st.fixed_dictionaries({"key": st.sampled_from("abc"), "operator": st.just("Exists")})
expressions = st.lists(expression, max_size=3)
terms = st.lists(
    st.fixed_dictionaries({}, optional={"matchExpressions": expressions, "matchFields": expressions}),
    max_size=4,
)
affinities = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "podAffinity": st.just({"x": 1}),
            "nodeAffinity": st.one_of(
                st.none(),
                st.fixed_dictionaries(
                    {},
                    optional={
                        REQUIRED: st.fixed_dictionaries({"nodeSelectorTerms": terms}),
                        "preferredDuringSchedulingIgnoredDuringExecution": st.just([{"weight": 1}]),
                    },
                ),
            ),
        },
    ),
)


def terms_of(affinity: dict[str, Any] | None) -> list[dict[str, Any]]:
    required = ((affinity or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    return list(required.get("nodeSelectorTerms") or [])


@given(affinities)
def test_every_alternative_leads_away_from_accelerators_and_keeps_what_it_said(affinity: dict[str, Any] | None) -> None:
    before = copy.deepcopy(affinity)
    after = narrowed(affinity)
    assert affinity == before  # what an informer holds is not changed under its hands
    found = terms_of(after)
    assert len(found) == max(1, len(terms_of(affinity)))
    for new, old in zip(found, terms_of(affinity) or [{}], strict=True):
        assert new["matchExpressions"] == [*old.get("matchExpressions", []), AWAY]
        assert new.get("matchFields") == old.get("matchFields")


@given(affinities)
def test_nothing_but_the_required_alternatives_changes(affinity: dict[str, Any] | None) -> None:
    before, after = copy.deepcopy(affinity or {}), narrowed(affinity)
    after["nodeAffinity"] = {key: value for key, value in after["nodeAffinity"].items() if key != REQUIRED}
    node = {key: value for key, value in (before.get("nodeAffinity") or {}).items() if key != REQUIRED}
    assert after == {**before, "nodeAffinity": node}


def test_an_empty_alternative_is_seen_because_it_matches_nothing_and_would_be_widened() -> None:
    def with_terms(*terms: dict[str, Any]) -> dict[str, Any]:
        return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}

    assert has_empty_term(with_terms({}))
    assert has_empty_term(with_terms({"matchExpressions": [AWAY]}, {"matchExpressions": [], "matchFields": []}))
    assert not has_empty_term(with_terms({"matchFields": [AWAY]}))
    assert not has_empty_term(None)
    assert not has_empty_term({"nodeAffinity": {}})
