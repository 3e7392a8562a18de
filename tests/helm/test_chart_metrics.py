"""Metrics in the chart: on by default, a port of their own, and monitor, alerts and dashboard where they are wanted."""

import json

import pytest
import yaml

from tests.helm.conftest import CHART, Manifest, Render, of_kind, the

MONITORING = ("PodMonitor", "PrometheusRule")


def _config(objects: list[Manifest]) -> object:
    return yaml.safe_load(the(objects, "ConfigMap", "compute-gatekeeper")["data"]["config.yaml"]).get("metrics")


def test_metrics_are_on_and_ask_for_no_operator(defaults: list[Manifest]) -> None:
    (container,) = the(defaults, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [
        {"name": "https", "containerPort": 8443},
        {"name": "metrics", "containerPort": 9464},
    ]
    assert _config(defaults) == {"port": 9464}
    assert not [each for kind in MONITORING for each in of_kind(defaults, kind)]


def test_one_value_moves_the_port_of_process_and_pod(render: Render) -> None:
    objects = render("metrics.port=9999", "config.metrics.runs_max=50")
    (container,) = the(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["ports"][1] == {"name": "metrics", "containerPort": 9999}
    assert _config(objects) == {"port": 9999, "runs_max": 50}


def test_switched_off_nothing_of_them_is_left(render: Render) -> None:
    wanted = [f"metrics.{each}.enabled=true" for each in ("podMonitor", "prometheusRule", "dashboard")]
    objects = render("metrics.enabled=false", "networkPolicy.enabled=true", *wanted)
    assert "metrics" not in [each["name"] for each in _ports(objects)]
    assert _config(objects) is None
    assert not [each for kind in MONITORING for each in of_kind(objects, kind)]
    assert len(of_kind(objects, "ConfigMap")) == 1
    assert "metrics" not in str(the(objects, "NetworkPolicy")["spec"])


def _ports(objects: list[Manifest]) -> list[Manifest]:
    ports: list[Manifest] = the(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
    return ports


def test_the_monitor_selects_our_pods_and_carries_the_labels_that_prometheus_looks_for(render: Render) -> None:
    objects = render(
        "metrics.podMonitor.enabled=true", "metrics.podMonitor.labels.release=monitoring",
        "metrics.podMonitor.interval=15s",
    )  # fmt: skip
    monitor = the(objects, "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "monitoring"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics", "path": "/metrics", "interval": "15s"}
    pod_labels = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod_labels.items()


def test_the_rules_are_those_of_the_file(render: Render) -> None:
    objects = render("metrics.prometheusRule.enabled=true", "metrics.prometheusRule.labels.release=monitoring")
    rule = the(objects, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "rules.yaml").read_text())
    assert rule["metadata"]["labels"]["release"] == "monitoring"


def test_an_alert_leads_to_its_runbook_where_the_provider_reads_it(render: Render) -> None:
    base = "https://git.provider.example/compute-gatekeeper/blob/main"
    objects = render("metrics.prometheusRule.enabled=true", f"metrics.prometheusRule.runbookBaseUrl={base}/")
    groups = the(objects, "PrometheusRule")["spec"]["groups"]
    for rule in (each for group in groups for each in group["rules"] if "alert" in each):
        notes = rule["annotations"]
        assert notes["runbook_url"] == f"{base}/{notes['runbook']}"
        assert notes["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_dashboard_is_that_of_the_file_and_grafana_finds_it(render: Render) -> None:
    board = the(render("metrics.dashboard.enabled=true"), "ConfigMap", "compute-gatekeeper-dashboard")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["compute-gatekeeper.json"]) == json.loads(
        (CHART / "files" / "dashboard.json").read_text()
    )


@pytest.mark.parametrize("peers", [None, [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}]])
def test_the_network_policy_lets_scrapes_in_from_whom_the_provider_says(render: Render, peers: object) -> None:
    named = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring"
    policy = the(render("networkPolicy.enabled=true", *([named] if peers else [])), "NetworkPolicy")["spec"]
    https, metrics = policy["ingress"]
    assert https == {"ports": [{"port": "https", "protocol": "TCP"}]}
    assert metrics["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    assert metrics.get("from") == peers


def test_a_secret_closes_the_page_to_whoever_does_not_know_it(render: Render) -> None:
    objects = render("metrics.existingSecret=scrape", "metrics.podMonitor.enabled=true")
    assert _config(objects) == {"port": 9464, "token_file": "metrics-token"}
    source = {"secret": {"name": "scrape", "items": [{"key": "token", "path": "metrics-token"}]}}
    (volume,) = (
        each for each in the(objects, "Deployment")["spec"]["template"]["spec"]["volumes"] if each["name"] == "settings"
    )
    assert source in volume["projected"]["sources"]
    (endpoint,) = the(objects, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"] == {"credentials": {"name": "scrape", "key": "token"}}
