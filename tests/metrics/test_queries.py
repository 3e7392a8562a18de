"""Dashboard and alerts speak only of what is exported, with labels that it has."""

from __future__ import annotations

import re

import pytest

from gatekeeper.metrics import families
from tests.metrics.queries import DASHBOARD, RULES, names_in, of_dashboard, of_rules

EXPORTED = {each.full_name: each for each in families.ALL}
QUERIES = [*of_dashboard(), *of_rules()]
SELECTOR = re.compile(r"(compute_gatekeeper_\w+)\{([^}]*)\}")


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
def test_a_query_names_what_exists(query: str) -> None:
    assert names_in(query)
    assert names_in(query) <= EXPORTED.keys()
    for name, matchers in SELECTOR.findall(query):
        family = EXPORTED[re.sub(r"_(bucket|count|sum)$", "", name)]
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= {*family.labels}


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
def test_a_query_groups_by_labels_that_what_it_reads_has(query: str) -> None:
    known = {"le", "instance", *(label for name in names_in(query) for label in EXPORTED[name].labels)}
    grouped = re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", query)
    assert {label.strip() for each in grouped for label in each.split(",") if label.strip()} <= known


def test_counters_are_asked_for_their_change_only() -> None:
    """Their value begins anew with each start of the process."""
    counters = [name for name, family in EXPORTED.items() if family.kind is families.Kind.COUNTER]
    bare = [
        (where, name)
        for where, query in QUERIES
        for name in counters
        for found in re.finditer(rf"(\w+)\(\s*{name}\b|{name}\b", query)
        if found.group(1) not in ("rate", "increase")
    ]
    assert bare == []


def test_every_metric_that_can_alarm_or_explain_is_looked_at() -> None:
    """A metric that no picture and no alert shows is told of here, with why."""
    read_by_hand = {
        "telemetry_configured": "an alert asks it",
        "run_limit_tflop": "the shares are shown", "run_carried_in_tflop": "the same",
        "run_synthetic_data_tflop": "the same",
        "run_settled_low_tflop": "the same", "run_settled_best_tflop": "the same",
        "run_settled_high_tflop": "the same",
        "informer_in_sight_seconds": "for whoever asks why a pod's end is waited for",
        "overrun_tflop_total": "the number of overruns alarms",
        "tokens_refused_total": "for whoever asks why somebody is not let in",
    }  # fmt: skip
    asked = {name for _, query in QUERIES for name in names_in(query)}
    forgotten = [name for name in EXPORTED if name not in asked]
    assert [name for name in forgotten if name.removeprefix(families.PREFIX) not in read_by_hand] == []


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    panels = DASHBOARD["panels"]
    assert DASHBOARD["schemaVersion"] >= 39
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"] for panel in panels)
    assert {panel["type"] for panel in panels} <= {"stat", "bargauge", "table", "timeseries"}
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert [target["datasource"]["uid"] for target in panel["targets"]] == ["${datasource}"] * len(panel["targets"])


def test_no_panel_lies_on_another_and_all_of_them_fit_the_width() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_alerts_have_a_severity_that_people_sort_by() -> None:
    assert {rule["labels"]["severity"] for rule in RULES} == {"critical", "warning", "info"}
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
