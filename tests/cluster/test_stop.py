"""Stopping: what the chart gives us the right to suspend is exactly what we suspend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.pods import Owner
from gatekeeper.cluster.stop import OWNERS, owner_path, suspend_owners

VALUES = Path(__file__).parents[2] / "helm" / "compute-gatekeeper" / "values.yaml"


@pytest.mark.parametrize(("right", "suspends"), [("suspend", True), ("read", False)])
def test_every_owner_that_the_chart_lets_us_suspend_or_read_is_suspended_or_read_and_no_other(
    right: str, suspends: bool
) -> None:
    workloads = yaml.safe_load(VALUES.read_text())["workloads"]
    granted = {(each["apiGroup"], plural) for each in workloads if each.get(right) for plural in each["resources"]}
    assert {(group, plural) for (group, _), (plural, patch) in OWNERS.items() if bool(patch) is suspends} == granted


@pytest.mark.parametrize(
    ("group", "kind", "patch"),
    [
        ("batch", "Job", {"suspend": True}),
        ("batch", "CronJob", {"suspend": True}),
        ("jobset.x-k8s.io", "JobSet", {"suspend": True}),
        *(
            ("kubeflow.org", kind, {"runPolicy": {"suspend": True}})
            for kind in ("PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")
        ),
        ("trainer.kubeflow.org", "TrainJob", {"suspend": True}),
        ("batch.volcano.sh", "CronJob", {"suspend": True}),
    ],
)
def test_each_kind_is_suspended_by_the_field_that_its_controller_reads(
    group: str, kind: str, patch: dict[str, object]
) -> None:
    assert OWNERS[group, kind][1] == {"spec": patch}


@pytest.mark.parametrize(
    ("group", "kind"),
    [("batch.volcano.sh", "Job"), ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"), ("apps", "ReplicaSet")],
)
def test_a_kind_without_a_switch_is_never_patched(group: str, kind: str) -> None:
    assert OWNERS.get((group, kind), ("", None))[1] is None


class Recording(Api):
    """Answers each path with an object, and notes what is patched."""

    def __init__(self, objects: dict[str, Json]) -> None:
        self._objects = objects
        self.patched: list[str] = []

    def get(self, path: str, **query: str) -> Json:
        return self._objects[path]

    def merge_patch(self, path: str, body: Json) -> Json:
        self.patched.append(path)
        return {}


def test_an_owner_that_can_only_be_read_leads_to_the_one_above_it_that_is_suspended() -> None:
    base = "/apis/batch.volcano.sh/v1alpha1/namespaces/lab"
    above = {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "CronJob", "name": "c", "uid": "u2", "controller": True}
    api = Recording(
        {
            f"{base}/jobs/j": {"metadata": {"uid": "u1", "ownerReferences": [above]}},
            f"{base}/cronjobs/c": {"metadata": {"uid": "u2"}},
        }
    )
    assert suspend_owners(api, Owner("batch.volcano.sh/v1alpha1", "Job", "j", "u1"), "lab")
    assert api.patched == [f"{base}/cronjobs/c"]


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
