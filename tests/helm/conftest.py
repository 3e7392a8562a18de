"""The chart as helm renders it, without a cluster."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import pytest
import yaml

from tests.controlplane.harness.binaries import binary

CHART = Path(__file__).parents[2] / "helm" / "compute-gatekeeper"
HERE = Path(__file__).parent

Manifest = dict[str, Any]
Helm = Callable[..., CompletedProcess[str]]
Render = Callable[..., list[Manifest]]


# The one value without a default.
IMAGE = "image.repository=registry.test/compute-gatekeeper"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """helm is a program of its own, built on first use: everything in this folder is slow."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def helm() -> Helm:
    """helm with the chart and `--set` settings; the result says whether it liked them."""
    program = binary("helm")

    def call(command: str, *settings: str, version: str = "1.36.3") -> CompletedProcess[str]:
        name = ["compute-gatekeeper"] if command == "template" else []
        arguments = [part for setting in (IMAGE, *settings) for part in ("--set", setting)]
        options = ["--namespace", "compute-gatekeeper", "--kube-version", version]
        return run(
            [program, command, *name, str(CHART), *options, *arguments], capture_output=True, text=True, check=False
        )

    return call


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """The objects that helm makes of the chart under the settings."""

    def objects(*settings: str) -> list[Manifest]:
        done = helm("template", *settings)
        assert done.returncode == 0, done.stderr
        return [each for each in yaml.safe_load_all(done.stdout) if each]

    return objects


@pytest.fixture(scope="session")
def defaults(render: Render) -> list[Manifest]:
    """The objects under the default values."""
    return render()


def of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [each for each in objects if each["kind"] == kind]


def the(objects: list[Manifest], kind: str, name: str = "") -> Manifest:
    """The only one of its kind, or of that kind and name."""
    (found,) = (each for each in of_kind(objects, kind) if not name or each["metadata"]["name"] == name)
    return found
