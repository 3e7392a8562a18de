"""The rendered policies: complete, bound, closed on error, and made from the one table."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.conftest import CHART, Manifest, Render, of_kind, the

TEMPLATES = CHART / "templates"
REACH = yaml.load((CHART / "files" / "reach.yaml").read_text(), yaml.CSafeLoader)
CONDITIONS = TEMPLATES / "_conditions.tpl"


def test_every_validating_policy_is_bound_to_refuse(defaults: list[Manifest]) -> None:
    policies = {each["metadata"]["name"] for each in of_kind(defaults, "ValidatingAdmissionPolicy")}
    bindings = of_kind(defaults, "ValidatingAdmissionPolicyBinding")
    assert {each["spec"]["policyName"] for each in bindings} == policies
    assert len(policies) == len(bindings) == 14
    assert all(each["spec"]["validationActions"] == ["Deny"] for each in bindings)
    assert all(set(each["spec"]) == {"policyName", "validationActions"} for each in bindings)


def test_every_policy_refuses_when_it_cannot_decide(defaults: list[Manifest]) -> None:
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        assert all(each["spec"]["failurePolicy"] == "Fail" for each in of_kind(defaults, kind))


def test_no_policy_needs_parameters(defaults: list[Manifest]) -> None:
    """One that does refuses everything until its parameters have been read after a restart of the API server."""
    assert not [each["metadata"]["name"] for each in defaults if "paramKind" in str(each.get("spec"))]


def test_the_gate_is_one_mutation(defaults: list[Manifest]) -> None:
    """Each further one costs as much again on every accelerator pod."""
    policy = the(defaults, "MutatingAdmissionPolicy")
    assert [each["patchType"] for each in policy["spec"]["mutations"]] == ["JSONPatch"]
    assert policy["spec"]["reinvocationPolicy"] == "IfNeeded"
    assert the(defaults, "MutatingAdmissionPolicyBinding")["spec"] == {"policyName": policy["metadata"]["name"]}


def test_gate_and_check_look_at_the_same_pods(defaults: list[Manifest]) -> None:
    gate = the(defaults, "MutatingAdmissionPolicy")["spec"]
    check = the(defaults, "ValidatingAdmissionPolicy", "compute-gatekeeper-gate-check")["spec"]
    assert gate["matchConditions"] == check["matchConditions"]
    assert gate["matchConstraints"] == check["matchConstraints"]


def test_every_refusal_has_a_sentence(defaults: list[Manifest]) -> None:
    for policy in of_kind(defaults, "ValidatingAdmissionPolicy"):
        for validation in policy["spec"]["validations"]:
            assert re.fullmatch(r".{20,400}\.", validation["message"]), validation["message"]


def test_conditions_never_read_the_namespace(defaults: list[Manifest]) -> None:
    """It is empty inside match conditions, and a policy that reads it there refuses every pod it matches."""
    for each in defaults:
        conditions = each.get("spec", {}).get("matchConditions", []) if "Admission" in each["kind"] else []
        assert "namespaceObject" not in str(conditions)


def _words() -> list[str]:
    """Every name of the table that could stand in an expression."""
    lists = (names for key, names in REACH.items() if isinstance(names, list) and key != "exempt_namespaces")
    return sorted({name for names in lists for name in names if name not in ("none", "void", "ALL", "kata", "runc")})


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.*")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_repeats_the_table(template: Path) -> None:
    """The same condition in two places would one day differ."""
    text = template.read_text()
    code = re.sub(r"\{\{/\*.*?\*/\}\}|^\s*#.*$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not [word for word in _words() if f'"{word}"' in code or f"'{word}'" in code]
    if template != CONDITIONS:
        fields = (
            "resourceClaims.",
            "hostPID",
            "hostPath",
            "privileged",
            "capabilities",
            "runtimeClassName",
            "tolerations.",
        )
        assert not [field for field in fields if f".?{field}" in code or f"spec.{field}" in code]


def test_every_entry_of_the_table_reaches_the_gate(defaults: list[Manifest]) -> None:
    (condition,) = (
        each["expression"]
        for each in the(defaults, "MutatingAdmissionPolicy")["spec"]["matchConditions"]
        if each["name"] == "accelerator"
    )
    missing = [word for word in _words() if f'"{word}"' not in condition]
    assert not missing


def test_the_table_says_how_long_a_grace_may_be(defaults: list[Manifest]) -> None:
    policies: list[Any] = [each for each in defaults if each["kind"].endswith("AdmissionPolicy")]
    limits = re.findall(r"(?:<=|>) (\d\d+)", str(policies))
    assert set(limits) == {str(REACH["grace_max_s"])}


def test_registries_add_a_policy_with_its_binding(render: Render, defaults: list[Manifest]) -> None:
    named = render("leases.registries={registry.test/}")
    extra = {(each["kind"], each["metadata"]["name"]) for each in named} - {
        (each["kind"], each["metadata"]["name"]) for each in defaults
    }
    assert extra == {
        ("ValidatingAdmissionPolicy", "compute-gatekeeper-registries"),
        ("ValidatingAdmissionPolicyBinding", "compute-gatekeeper-registries"),
    }


def test_what_the_provider_declares_harmless_reaches_policies_and_process_alike(render: Render) -> None:
    objects = render(
        "reach.harmlessDeviceKeys={nvidia.com/hostdev}",
        "reach.harmlessRuntimeClasses={sandboxed}",
        "reach.exemptNamespaces={gpu-operator}",
    )
    conditions = str(the(objects, "MutatingAdmissionPolicy")["spec"]["matchConditions"])
    webhooks = str(the(objects, "ValidatingWebhookConfiguration"))
    assert all(f'"{name}"' in conditions for name in ("nvidia.com/hostdev", "sandboxed", "gpu-operator"))
    assert "nvidia.com/hostdev" in webhooks
    assert "gpu-operator" in webhooks
    config = yaml.load(the(objects, "ConfigMap")["data"]["config.yaml"], yaml.CSafeLoader)
    assert config["reach"] == {
        "harmless_device_keys": ["nvidia.com/hostdev"],
        "harmless_runtime_classes": ["sandboxed"],
        "exempt_namespaces": ["gpu-operator"],
    }
