"""Fixtures of the tests on a real control plane. Nothing skips: what is missing fails and says how to repair it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab, install_chart
from tests.controlplane.harness.binaries import assemble
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.node import RealNode
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.keeper import Keeper
from tests.controlplane.work import Team

HERE = Path(__file__).parent
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder carries the marker `controlplane`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.controlplane)


@pytest.fixture(scope="session")
def binaries(pytestconfig: pytest.Config) -> Path:
    """The folder of the Kubernetes programs; the first use builds them, which takes minutes and is shown."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        return assemble()


@pytest.fixture(scope="session")
def plane(binaries: Path) -> Iterator[ControlPlane]:
    """One control plane for the whole session. Tests that break components start one of their own."""
    with ControlPlane() as started:
        yield started


@pytest.fixture
def tenant(plane: ControlPlane) -> Tenant:
    """A user who is admin of a fresh namespace and nothing else."""
    number = next(_numbers)
    return plane.create_tenant(f"lab-{number}", f"user@lab-{number}")


@pytest.fixture
def fake_node(plane: ControlPlane) -> Iterator[FakeNode]:
    """A node with 8 GPUs, for this test alone, whose pods start and end when the test says so."""
    with FakeNode(plane, name=f"fake-{next(_numbers)}") as node:
        yield node


@pytest.fixture
def real_node(plane: ControlPlane) -> Iterator[RealNode]:
    """containerd and kubelet with 8 GPUs, for this test alone: ready in two seconds, it takes no other's pods."""
    with RealNode(plane, name=f"real-{next(_numbers)}") as node:
        yield node


@pytest.fixture(scope="session")
def governed(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane with the chart installed and no process of ours: what the API server does alone."""
    with ControlPlane() as started:
        install_chart(started)
        yield started


@pytest.fixture(scope="session")
def lab(governed: ControlPlane) -> Lab:
    """A tenant's namespace without clearance on the governed plane. Tests share it and use fresh names."""
    namespace = "lab"
    tenant = governed.create_tenant(namespace, "user@lab")
    callers = (Caller(governed, name) for name in (tenant.user, "admin", "controller"))
    return Lab(governed, namespace, *callers)


@pytest.fixture
def team(governed: ControlPlane) -> Team:
    """A tenant in a fresh namespace of the governed plane, bound to nobody yet."""
    return Team.new(governed)


@pytest.fixture
def gpu_node(governed: ControlPlane) -> Iterator[FakeNode]:
    """A node with 8 GPUs on the governed plane, for this test alone."""
    with FakeNode(governed, name=f"gpu-{next(_numbers)}") as node:
        yield node


@pytest.fixture
def keeper(governed: ControlPlane, tmp_path: Path) -> Iterator[Keeper]:
    """Our controller on the governed plane, not started yet, with fresh books."""
    keeper = Keeper(governed, tmp_path)
    yield keeper
    keeper.close()


@pytest.fixture
def tier_two(keeper: Keeper, team: Team) -> Team:
    """A team whose customer has a budget."""
    keeper.books.enrol(team.namespace, "IN")
    keeper.books.bind(team.namespace, team.namespace)
    return team
