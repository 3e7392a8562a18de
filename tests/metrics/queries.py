"""Every query of the dashboard and the alerts, as Prometheus is asked them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FILES = Path(__file__).parents[2] / "helm" / "compute-gatekeeper" / "files"
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.load((FILES / "rules.yaml").read_text(), yaml.CSafeLoader)["groups"]
    for rule in group["rules"]
]
# Grafana puts four scrape intervals here.
RATE_INTERVAL = "2m"


def of_dashboard() -> Iterator[tuple[str, str]]:
    """(panel and letter, query)."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"].replace("$__rate_interval", RATE_INTERVAL)


def of_rules() -> Iterator[tuple[str, str]]:
    """(alert, query)."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]


def names_in(query: str) -> set[str]:
    """The names of our metrics in a query, without a histogram's suffix."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\bcompute_gatekeeper_\w+", query)}
