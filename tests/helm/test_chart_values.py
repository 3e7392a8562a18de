"""The values: nonsense is refused with its place, and what is allowed renders."""

import json
from pathlib import Path

import pytest
import yaml

from tests.helm.conftest import CHART, Helm, Render, the

PEM = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----"


def test_helm_lint_has_nothing_to_say(helm: Helm) -> None:
    done = helm("lint")
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("webhok.url=https://a", "webhok"),
        ("webhook.urll=https://a", "urll"),
        ("webhook.url=http://a", "/webhook/url"),
        ("webhook.url=https://a/path", "/webhook/url"),
        ("webhook.timeoutSeconds=31", "/webhook/timeoutSeconds"),
        ("webhook.timeoutSeconds=0", "/webhook/timeoutSeconds"),
        ("webhook.failurePolicy=Fail", "failurePolicy"),
        ("webhook.caBundle=abc", "/webhook/caBundle"),
        ("webhook.token=short", "/webhook/token"),
        ("webhook.token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/webhook/token"),
        ("replicas=2", "/replicas"),
        ("replicas=-1", "/replicas"),
        ("replicas=one", "/replicas"),
        ("image.tag=a b", "/image/tag"),
        ("image.digest=sha256:abc", "/image/digest"),
        ("providerGroups={}", "/providerGroups"),
        ("providerGroups={system:authenticated}", "/providerGroups"),
        ("reach.harmlessDeviceKeys={cpu}", "/reach/harmlessDeviceKeys"),
        ("reach.harmlessDeviceKeys={nvidia.com/}", "/reach/harmlessDeviceKeys"),
        ("reach.harmlessDeviceKeys={*/*}", "/reach/harmlessDeviceKeys"),
        ("reach.exemptNamespaces={*}", "/reach/exemptNamespaces"),
        ("reach.graceMaxSeconds=600", "graceMaxSeconds"),
        ("leases.registries={docker.io}", "/leases/registries"),
        ("leases.registries={/}", "/leases/registries"),
        ("leases.allowHostAccess=maybe", "/leases/allowHostAccess"),
        ("workloads={}", "/workloads"),
        ("persistence.size=lots", "/persistence/size"),
        ("networkPolicy.egressPorts={0}", "/networkPolicy/egressPorts"),
        ("config=3", "/config"),
        ("config.metrics.port=9000", "/config/metrics"),
        ("metrics.port=443", "/metrics/port"),
        ("metrics.port=8443", "/metrics/port"),
        ("metrics.podMonitor.interval=often", "/metrics/podMonitor/interval"),
        ("metrics.podMonitor.labels.a=b c", "/metrics/podMonitor/labels"),
        ("metrics.dashboard.enable=true", "/metrics/dashboard"),
        ("config.reach.harmless_device_keys={nvidia.com/gpu}", "/config/reach"),
    ],
)
def test_nonsense_is_refused_with_its_place(helm: Helm, setting: str, place: str) -> None:
    done = helm("template", setting)
    assert done.returncode != 0
    assert place in done.stderr


def test_an_accelerator_is_never_harmless(helm: Helm) -> None:
    done = helm("template", "reach.harmlessDeviceKeys={nvidia.com/gpu}")
    assert done.returncode != 0
    assert "nvidia.com/gpu is an accelerator" in done.stderr


@pytest.mark.parametrize("setting", ["webhook.url=https://127.0.0.1:8443", "webhook.existingSecret=my-tls"])
def test_somebody_elses_certificate_needs_its_authority(helm: Helm, setting: str) -> None:
    done = helm("template", setting)
    assert done.returncode != 0
    assert "webhook.caBundle" in done.stderr
    assert helm("template", setting, f"webhook.caBundle={PEM}").returncode == 0


def test_kubernetes_that_cannot_stamp_the_gate_is_refused(helm: Helm) -> None:
    done = helm("template", version="1.35.9")
    assert done.returncode != 0
    assert "1.36" in done.stderr
    assert helm("template", version="1.37.0-rc.1").returncode == 0


def test_configuration_passes_through(render: Render) -> None:
    site = ("config.site.country=US", "config.site.chip_authorization=us_domestic")
    mode = "config.policies.us-ai-diffusion.mode=enforce"
    objects = render("config.cluster=east", mode, *site, "metrics.enabled=false")
    config = yaml.safe_load(the(objects, "ConfigMap")["data"]["config.yaml"])
    assert config == {
        "cluster": "east",
        "policies": {"us-ai-diffusion": {"mode": "enforce"}},
        "site": {"country": "US", "chip_authorization": "us_domestic"},
    }


@pytest.mark.parametrize(
    "site", [(), ("config.site.country=US",), ("config.site.chip_authorization=us_domestic",)], ids=str
)
def test_nothing_is_enforced_before_somebody_said_where_the_accelerators_stand(
    helm: Helm, site: tuple[str, ...]
) -> None:
    """An upgrade would otherwise take the clearances of Tier 1 and stop what runs there."""
    done = helm("template", "config.policies.us-ai-diffusion.mode=enforce", *site)
    assert done.returncode != 0
    assert "config.site" in done.stderr
    assert helm("template", "config.policies.us-ai-diffusion.mode=warn", *site).returncode == 0


def test_that_nobody_knows_the_chips_is_said_and_can_be_enforced(render: Render) -> None:
    site = ("config.site.country=US", "config.site.chip_authorization=unknown")
    assert render("config.policies.us-ai-diffusion.mode=enforce", *site)


def test_every_value_is_explained_and_in_the_schema() -> None:
    """A value that the schema does not know cannot be set; one without a comment is not understood."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = (CHART / "values.yaml").read_text().splitlines()
    assert set(values) <= set(schema["properties"])
    for number, line in enumerate(lines):
        is_section = bool(line) and not line.startswith((" ", "#", "-"))
        if is_section:
            above = _block_above(lines, number)
            assert any(each.startswith("#") for each in above), line


def _block_above(lines: list[str], number: int) -> list[str]:
    """The lines above one, up to the blank line before its paragraph."""
    start = number
    while start and lines[start - 1]:
        start -= 1
    return lines[start:number]


def test_the_table_of_reach_is_packed_with_the_chart() -> None:
    ignored = (CHART / ".helmignore").read_text()
    assert "files" not in ignored
    assert Path(CHART / "files" / "reach.yaml").stat().st_size > 1000
