"""Stopping: what the chart gives us the right to suspend is exactly what we suspend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gatekeeper.cluster.pods import Owner
from gatekeeper.cluster.stop import OWNERS, owner_path

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


def test_the_path_of_an_owner_cannot_be_led_elsewhere_by_its_name() -> None:
    owner = Owner("batch/v1", "Job", "../../../../secrets/x", "u")
    assert owner_path(owner, "a/b") == "/apis/batch/v1/namespaces/a%2Fb/jobs/..%2F..%2F..%2F..%2Fsecrets%2Fx"
    assert owner_path(Owner("v1", "Secret", "x", "u"), "a") is None


@pytest.mark.parametrize(
    ("api_version", "name"),
    [("batch/v1?", "x"), ("batch/v1#", "x"), ("batch/..", "x"), ("batch/v1", ".."), ("batch/v1", ".")],
)
def test_an_owner_reference_that_would_lead_to_another_page_is_not_followed(api_version: str, name: str) -> None:
    assert owner_path(Owner(api_version, "Job", name, "u"), "a") is None
