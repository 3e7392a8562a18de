"""The REST API in the chart: off by default; where it is on, a port and a Service of its own, never without TLS."""

import pytest
import yaml

from tests.helm.conftest import Helm, Manifest, Render, of_kind, the

ON = ("api.enabled=true", "api.existingSecret=api-tls")


def _config(objects: list[Manifest]) -> Manifest:
    config: Manifest = yaml.safe_load(the(objects, "ConfigMap", "compute-gatekeeper")["data"]["config.yaml"])
    return config


def test_it_is_off_and_nothing_of_it_is_there(defaults: list[Manifest]) -> None:
    assert "api" not in _config(defaults)
    assert [each["metadata"]["name"] for each in of_kind(defaults, "Service")] == ["compute-gatekeeper"]


def test_switched_on_it_has_a_port_a_service_and_a_certificate_and_the_probes_stay(
    render: Render, defaults: list[Manifest]
) -> None:
    objects = render(*ON, "networkPolicy.enabled=true", "networkPolicy.apiFrom[0].podSelector.matchLabels.app=console")
    assert _config(objects)["api"] == {"host": "0.0.0.0", "port": 8444, "certificate_dir": "api-tls"}
    pod, before = (the(each, "Deployment")["spec"]["template"]["spec"] for each in (objects, defaults))
    (container,), (other,) = pod["containers"], before["containers"]
    assert {"name": "api", "containerPort": 8444} in container["ports"]
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    assert [container[each] for each in probes] == [other[each] for each in probes]
    (settings,) = (each for each in pod["volumes"] if each["name"] == "settings")
    assert "api-tls" in [each["secret"]["name"] for each in settings["projected"]["sources"] if "secret" in each]
    service = the(objects, "Service", "compute-gatekeeper-api")
    assert service["spec"]["ports"] == [{"name": "api", "port": 443, "targetPort": "api"}]
    rules = the(objects, "NetworkPolicy")["spec"]["ingress"]
    (rule,) = (each for each in rules if each["ports"][0]["port"] == "api")
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "console"}}}]


@pytest.mark.parametrize("settings", [ON[:1], (*ON, "api.port=9464"), (*ON, "api.port=8443"), (*ON, "api.port=443")])
def test_without_a_certificate_or_a_port_of_its_own_it_is_refused(helm: Helm, settings: tuple[str, ...]) -> None:
    assert helm("template", *settings).returncode != 0
