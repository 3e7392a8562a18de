"""The chart's admission policies as files that kube-apiserver loads itself, for providers who own the API server.

    python scripts/static_manifests.py --out hardened --values values.yaml
    python scripts/static_manifests.py --out hardened --values values.yaml --path /etc/kubernetes/gatekeeper
    python scripts/static_manifests.py --out hardened --values values.yaml --without-guard   # during an upgrade

Give the values, the namespace and the chart that are installed. It writes

    FOLDER/admission.yaml                        for --admission-control-config-file
    FOLDER/validating/compute-gatekeeper.yaml    the chart's validating policies, and the guard of the installed ones
    FOLDER/mutating/compute-gatekeeper.yaml      the chart's policy that stamps the gate

and replaces each whole, because the API server reads them again as soon as they change. docs/hardened.md says what to
do with them. Exit codes: 0 written, 1 helm is missing or refuses the values (nothing is written), 2 wrong usage.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "helm" / "compute-gatekeeper"
NAME = "compute-gatekeeper"
# The oldest Kubernetes of the chart: helm alone may take itself for an older one.
KUBE_VERSION = "1.36.0"
# The API server takes no other names from files, and no such names over its API.
SUFFIX = ".static.k8s.io"
GUARD = f"{NAME}-guard{SUFFIX}"
GROUP = "admissionregistration.k8s.io"
# The folder, the admission plugin (whose configuration carries its name) and the kinds that it loads.
PLUGINS = {
    "validating": "ValidatingAdmissionPolicy",
    "mutating": "MutatingAdmissionPolicy",
}

Manifest = dict[str, Any]


class Refused(Exception):
    """helm did not render the chart; the message says why."""


def render(helm: str, namespace: str, arguments: Sequence[str]) -> list[Manifest]:
    """The chart's objects of the group admissionregistration.k8s.io, as helm renders them. Raises Refused."""
    command = [helm, "template", NAME, str(CHART), "--namespace", namespace, "--kube-version", KUBE_VERSION, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Refused(f"cannot run {helm}: {error.strerror}. Install Helm 4, or name it with --helm.") from error
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    return [each for each in objects if each["apiVersion"].startswith(f"{GROUP}/")]


def static(policy: Manifest) -> Manifest:
    """A rendered policy or binding under the name that it has in a file."""
    renamed = {**policy, "metadata": {**policy["metadata"], "name": policy["metadata"]["name"] + SUFFIX}}
    if policy["kind"].endswith("Binding"):
        renamed["spec"] = {**policy["spec"], "policyName": policy["spec"]["policyName"] + SUFFIX}
    return renamed


def guard(names: Sequence[str]) -> list[Manifest]:
    """A policy, with its binding, that refuses to delete the installed objects or change what they do.

    Only a policy from a file is asked about policies at all. It exempts nobody: cluster-admin can act as any account.
    Labels may change, or no `helm upgrade` would pass.
    """
    listed = ", ".join(f'"{name}"' for name in names)
    rule = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["UPDATE", "DELETE"], "resources": ["*"]}
    same = "object.?spec == oldObject.?spec && object.?webhooks == oldObject.?webhooks"
    validation = {
        "expression": f'request.operation == "UPDATE" && {same}',
        "message": (
            "Policies, bindings and the webhook of compute-gatekeeper are kept by the API server's own files; "
            "nobody changes them here. Whoever runs the API server can: docs/hardened.md."
        ),
        "reason": "Forbidden",
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "ours", "expression": f"oldObject.metadata.name in [{listed}]"}],
        "validations": [validation],
    }
    binding = {"policyName": GUARD, "validationActions": ["Deny"]}
    kinds = (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", binding))
    return [
        {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": GUARD}, "spec": each} for kind, each in kinds
    ]


def admission_configuration(path: PurePosixPath) -> Manifest:
    """What tells the API server where it finds the folders; `path` is where they lie on its machine."""
    plugins = [
        {
            "name": plugin,
            "configuration": {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": f"{plugin}Configuration",
                "staticManifestsDir": str(path / folder),
            },
        }
        for folder, plugin in PLUGINS.items()
    ]
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins}


def files(rendered: Sequence[Manifest], path: PurePosixPath, *, guarded: bool) -> dict[str, list[Manifest]]:
    """The documents of each file, by its name inside the folder."""
    written = {"admission.yaml": [admission_configuration(path)]}
    for folder, plugin in PLUGINS.items():
        kinds = (plugin, f"{plugin}Binding")
        written[f"{folder}/{NAME}.yaml"] = [static(each) for each in rendered if each["kind"] in kinds]
    if guarded:
        names = sorted({each["metadata"]["name"] for each in rendered})
        written[f"validating/{NAME}.yaml"] += guard(names)
    return written


def write(folder: Path, written: dict[str, list[Manifest]]) -> None:
    """Replace each file whole: the API server may read it at any moment."""
    for name, documents in written.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not ending in .yaml, so that no API server takes the half-written one.
        draft = target.with_suffix(".draft")
        draft.write_text(yaml.safe_dump_all(documents, sort_keys=False, width=120, allow_unicode=True), "utf-8")
        os.replace(draft, target)


def absolute(text: str) -> PurePosixPath:
    """An absolute path: the API server takes no other."""
    path = PurePosixPath(text)
    if not path.is_absolute():
        raise argparse.ArgumentTypeError(f"{text} is not an absolute path")
    return path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    own = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    own.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    own.add_argument(
        "--path",
        type=absolute,
        help="where the folder lies for the API server, absolute (default: where it is written)",
    )
    own.add_argument("--namespace", default=NAME, help="the namespace of the installation (default: %(default)s)")
    own.add_argument("--values", action="append", default=[], metavar="FILE", help="values of the installation")
    own.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a single value, as helm takes it")
    own.add_argument("--without-guard", action="store_true", help="let the installed policies be changed")
    own.add_argument("--helm", default="helm", help="the program (default: %(default)s)")
    return own


def main(arguments: Sequence[str] | None = None) -> int:
    """Render and write; returns the exit code."""
    given = parser().parse_args(arguments)
    options = [f"--values={each}" for each in given.values] + [f"--set={each}" for each in given.set]
    try:
        rendered = render(given.helm, given.namespace, options)
    except Refused as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 1
    path = given.path or PurePosixPath(given.out.resolve())
    write(given.out, files(rendered, path, guarded=not given.without_guard))
    print(f"{given.out}: copy it to {path} on every machine that runs kube-apiserver (docs/hardened.md).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
