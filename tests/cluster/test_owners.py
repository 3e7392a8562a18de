"""What the chart gives us the right to suspend is exactly what we suspend, each by its own switch."""

from __future__ import annotations

from pathlib import Path

import yaml

from gatekeeper.cluster.stop import OWNERS

VALUES = Path(__file__).parents[2] / "helm" / "compute-gatekeeper" / "values.yaml"


def test_every_owner_that_the_chart_lets_us_suspend_is_suspended_and_no_other() -> None:
    workloads = yaml.safe_load(VALUES.read_text())["workloads"]
    granted = {(each["apiGroup"], plural) for each in workloads if each["suspend"] for plural in each["resources"]}
    assert {(group, plural) for (group, _), (plural, _) in OWNERS.items()} == granted


def test_a_kubeflow_job_is_suspended_by_its_run_policy_and_all_others_by_their_spec() -> None:
    by_run_policy = {group for (group, _), (_, patch) in OWNERS.items() if "runPolicy" in patch["spec"]}
    by_spec = {group for (group, _), (_, patch) in OWNERS.items() if patch == {"spec": {"suspend": True}}}
    assert by_run_policy == {"kubeflow.org"}
    assert by_run_policy | by_spec == {group for group, _ in OWNERS}
    assert not by_run_policy & by_spec
