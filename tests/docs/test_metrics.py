"""docs/metrics.md lists exactly what is exported, and every alert leads to a section that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from gatekeeper.metrics import families

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
RULES = ROOT / "helm" / "compute-gatekeeper" / "files" / "rules.yaml"
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (gauge|counter|histogram)(?:: ([^|]+))? \| (.+) \|$", re.MULTILINE)


def test_the_page_lists_every_metric_with_its_type_and_labels_and_no_other() -> None:
    listed = {name: (kind, tuple(re.findall(r"`([a-z_]+)`", labels))) for name, kind, labels, _ in ROW.findall(PAGE)}
    assert listed == {each.name: (each.kind.value, each.labels) for each in families.ALL}


def test_every_metric_is_defined_once() -> None:
    names = [each.name for each in families.ALL]
    assert len(names) == len(set(names)) == len(ROW.findall(PAGE))


def test_every_alert_leads_to_a_section_of_its_name() -> None:
    rules = [rule for group in yaml.load(RULES.read_text(), yaml.CSafeLoader)["groups"] for rule in group["rules"]]
    sections = re.findall(r"^### (ComputeGatekeeper\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert [rule["alert"] for rule in rules if rule["alert"] not in sections] == []
    assert [name for name in sections if name not in {rule["alert"] for rule in rules}] == []
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
