"""The hardened profile: policies that the API server loads from its own files, and nobody changes over its API.

The tests run in this order on one control plane: first with no chart installed, then with it.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.calls import Answer
from tests.controlplane.chart import Lab, install_chart, new_lab
from tests.controlplane.harness.binaries import binary
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import GATE, fresh_name, gates_of, gpu_pod, pod, release_patch

SCRIPT = Path(__file__).parents[2] / "scripts" / "static_manifests.py"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
KINDS = (
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
)
LIFTED = {"spec": {"schedulingGates": None}}
# A tenant has no right to write namespaces to begin with.
REFUSES_CLEARANCE = {"tenant": "rbac", "admin": "clearance"}


def write_files(folder: Path, *arguments: str, values: tuple[str, ...] = ("--set", "replicas=0")) -> str:
    """Run the tool for the API server's files as a provider does; what it printed."""
    command = [sys.executable, str(SCRIPT), "--out", str(folder), "--helm", binary("helm"), *values, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tool writes, where the API server reads it."""
    folder = tmp_path_factory.mktemp("hardened")
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def bare(folder: Path) -> Iterator[Lab]:
    """A tenant under an API server that has the files, and no chart."""
    flags = [
        "--feature-gates=ManifestBasedAdmissionControlConfig=true",
        f"--admission-control-config-file={folder / 'admission.yaml'}",
    ]
    with ControlPlane(flags) as plane:
        yield new_lab(plane, "bare")


@pytest.fixture(scope="module")
def installed(bare: Lab) -> Lab:
    """The same with the chart on top."""
    install_chart(bare.plane)
    return new_lab(bare.plane, "installed")


def our_objects(lab: Lab) -> list[str]:
    """The paths of our policies, bindings and webhook that stand in the API."""
    return [
        f"{REGISTRATION}/{kind}/{each['metadata']['name']}"
        for kind in KINDS
        for each in lab.admin.get(f"{REGISTRATION}/{kind}").body["items"]
    ]


def policy(name: str) -> dict[str, object]:
    """Somebody else's policy."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    return {"metadata": {"name": name}, "spec": spec}


# --- without the chart -------------------------------------------------------------------------------------


def test_the_gate_is_stamped_with_no_policy_in_the_api_at_all(bare: Lab) -> None:
    assert our_objects(bare) == []
    assert gates_of(bare.make_pod(gpu_pod())) == [GATE]


def test_a_pod_without_accelerators_starts_as_ever(bare: Lab) -> None:
    assert gates_of(bare.make_pod(pod())) == []


@pytest.mark.parametrize("who", ["tenant", "admin"])
def test_nobody_lifts_the_gate_or_gives_a_clearance(bare: Lab, who: str) -> None:
    assert our_objects(bare) == []
    caller = {"tenant": bare.tenant, "admin": bare.admin}[who]
    made = bare.make_pod(gpu_pod())
    assert caller.patch(bare.path(made["metadata"]["name"]), LIFTED).refused_by == "release"
    cleared = {"metadata": {"labels": {"compute-gatekeeper.io/cleared": "true"}}}
    assert caller.patch(f"/api/v1/namespaces/{bare.namespace}", cleared).refused_by == REFUSES_CLEARANCE[who]


# --- with the chart ----------------------------------------------------------------------------------------


def test_cluster_admin_deletes_none_of_our_objects(installed: Lab) -> None:
    ours = our_objects(installed)
    assert len(ours) > len(KINDS)
    answers = {path: installed.admin.delete(path) for path in ours}
    assert {answer.refused_by for answer in answers.values()} == {"guard"}, answers
    assert our_objects(installed) == ours


@pytest.mark.parametrize("kind", KINDS)
def test_cluster_admin_deletes_none_of_our_objects_with_all_others(installed: Lab, kind: str) -> None:
    before = our_objects(installed)
    selector = "labelSelector=app.kubernetes.io%2Finstance%3Dcompute-gatekeeper"
    assert installed.admin.delete(f"{REGISTRATION}/{kind}?{selector}").refused_by == "guard"
    assert our_objects(installed) == before


def test_cluster_admin_changes_nothing_of_what_our_objects_do(installed: Lab) -> None:
    changes = {
        f"{KINDS[0]}/compute-gatekeeper-release": {"spec": {"failurePolicy": "Ignore"}},
        f"{KINDS[1]}/compute-gatekeeper-release": {"spec": {"validationActions": ["Audit"]}},
        f"{KINDS[2]}/compute-gatekeeper-gate": {"spec": {"failurePolicy": "Ignore"}},
        f"{KINDS[3]}/compute-gatekeeper-gate": {
            "spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"never": "true"}}}}
        },
        f"{KINDS[4]}/compute-gatekeeper": {"webhooks": []},
    }
    for path, change in changes.items():
        answer = installed.admin.patch(f"{REGISTRATION}/{path}", change)
        assert answer.refused_by == "guard", (path, answer)


def test_not_even_our_own_account_is_exempt(installed: Lab) -> None:
    """Cluster-admin can act as any account, so an exemption would be one for cluster-admin."""
    role = {
        "metadata": {"name": "all-policies"},
        "rules": [{"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]}],
    }
    subject = {"kind": "User", "name": "system:serviceaccount:compute-gatekeeper:controller"}
    binding = {
        "metadata": {"name": "all-policies"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all-policies"},
        "subjects": [subject],
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    assert installed.admin.create(f"{rbac}/clusterroles", role).ok
    assert installed.admin.create(f"{rbac}/clusterrolebindings", binding).ok

    def answered() -> Answer | None:
        answer = installed.controller.delete(f"{REGISTRATION}/{KINDS[0]}/compute-gatekeeper-release")
        return None if answer.refused_by == "rbac" else answer

    assert wait_until(answered, "the account to have the right").refused_by == "guard"


def test_policies_of_others_come_change_and_go(installed: Lab) -> None:
    name = fresh_name("other")
    path = f"{REGISTRATION}/{KINDS[0]}"
    assert installed.admin.create(path, policy(name)).ok
    assert installed.admin.patch(f"{path}/{name}", {"spec": {"failurePolicy": "Ignore"}}).ok
    assert installed.admin.delete(f"{path}/{name}").ok


def test_an_upgrade_that_changes_no_policy_goes_through(installed: Lab) -> None:
    done = installed.plane.helm(
        "upgrade", "compute-gatekeeper", str(SCRIPT.parents[1] / "helm" / "compute-gatekeeper"),
        "--namespace", "compute-gatekeeper", "--reuse-values", "--set", "config.log.origin=provider.example/log",
    )  # fmt: skip
    assert "has been upgraded" in done.stdout


def test_pods_are_gated_once_and_released_by_our_account_under_both(installed: Lab) -> None:
    made = installed.make_pod(gpu_pod())
    assert gates_of(made) == [GATE]
    path = installed.path(made["metadata"]["name"])
    assert installed.tenant.patch(path, LIFTED).refused_by == "release"
    assert installed.controller.patch(path, release_patch(made), "json").ok


# --- the files ---------------------------------------------------------------------------------------------


def test_files_without_the_guard_are_obeyed_without_a_restart(installed: Lab, folder: Path) -> None:
    path = f"{REGISTRATION}/{KINDS[1]}/compute-gatekeeper-pod-marks?dryRun=All"
    assert installed.admin.delete(path).refused_by == "guard"
    write_files(folder, "--without-guard")
    wait_until(lambda: installed.admin.delete(path).ok, "the API server to read its files again", deadline_s=150)
    write_files(folder)
    wait_until(lambda: installed.admin.delete(path).refused_by == "guard", "the guard to be back", deadline_s=150)


def test_a_file_that_cannot_be_read_leaves_the_old_policies_in_force(installed: Lab, folder: Path) -> None:
    path = f"{REGISTRATION}/{KINDS[1]}/compute-gatekeeper-pod-marks?dryRun=All"
    log = installed.plane.log_folder / "apiserver.log"
    broken = folder / "validating" / "broken.yaml"
    broken.write_text("kind: Nonsense\n")
    wait_until(lambda: "broken.yaml" in log.read_text(), "the API server to complain", deadline_s=150)
    assert installed.admin.delete(path).refused_by == "guard"
    broken.unlink()


def test_files_taken_away_open_the_cluster_without_a_restart(installed: Lab, folder: Path) -> None:
    path = f"{REGISTRATION}/{KINDS[1]}/compute-gatekeeper-pod-marks?dryRun=All"
    for each in folder.glob("*/compute-gatekeeper.yaml"):
        each.unlink()
    wait_until(lambda: installed.admin.delete(path).ok, "the files to be forgotten", deadline_s=150)
    write_files(folder)
    wait_until(lambda: installed.admin.delete(path).refused_by == "guard", "the guard to be back", deadline_s=150)


def test_the_folder_on_the_other_machine_is_what_the_configuration_names(binaries: Path, tmp_path: Path) -> None:
    write_files(tmp_path, "--path", "/etc/kubernetes/gatekeeper")
    text = (tmp_path / "admission.yaml").read_text()
    assert "staticManifestsDir: /etc/kubernetes/gatekeeper/validating" in text
    assert "staticManifestsDir: /etc/kubernetes/gatekeeper/mutating" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--helm", "/nowhere/helm"], 1, "Install Helm 4"),
        ([], 1, "image.repository"),
        (["--path", "here"], 2, "not an absolute path"),
    ],
    ids=["no helm", "values that the chart refuses", "a relative path"],
)
def test_nothing_is_written_when_the_chart_cannot_be_rendered(
    binaries: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / "out"), "--helm", binary("helm"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
