"""A customer is bought by a parent in Tier 3: one `customer apply`, and its work stops and does not start again."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.policy_files import bundled_dir
from gatekeeper.verify import verify_totals_and_tiers
from tests.controlplane.chart import install_chart
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import PACK
from tests.controlplane.pods import fresh_name
from tests.controlplane.served import Served
from tests.controlplane.test_controller_stop import cleared, is_suspended
from tests.controlplane.work import Team, gpu_job, running

# Of the issue: from the command's return to the pods' deletion.
STOPPED_WITHIN_S = 10

LAB = """\
format: 1
customer: {customer}
parties:
  - id: {customer}
    legal_name: Redwood Models Inc
    headquarters: US
    {owners}
"""
INDEPENDENT = "no_parent_reason: owned by its founders, three natural persons resident in the US"
BOUGHT = """interests:
      - {owner: holding, share: 60, from: 2026-11-01, source: purchase agreement}
    no_parent_reason: no one consolidates it
  - id: holding
    legal_name: Harbour Holding Ltd
    headquarters: SG
    parents: [group]
  - id: group
    legal_name: Eastern Cloud Group Co Ltd
    headquarters: CN
    no_parent_reason: listed in Shenzhen, no controlling owner
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packs that come with us, and a provider's own house rule that lends Tier 3 nothing at all."""
    folder = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(bundled_dir(), folder)
    house = folder / "house" / "pack.yaml"
    text = house.read_text()
    for before, after in (("[KP]", "[CN, KP]"), ("budget\n    beyond: hold\n    inquiry: which-model", "allow")):
        assert before in text
        text = text.replace(before, after)
    house.write_text(text)
    return folder


@pytest.fixture
def served(binaries: Path, policies: Path, tmp_path: Path) -> Iterator[tuple[ControlPlane, Served]]:
    """A plane of its own, whose chart asks a running service that enforces both packs and looks seldom by itself."""
    with ControlPlane() as plane:
        modes = {PACK: {"mode": "enforce"}, "house": {"mode": "enforce"}}
        home = {"country": "US", "chip_authorization": "us_domestic"}
        seldom = {"resync_s": 60, "settle_every_s": 60, "clearance_s": 3600}
        service = Served(tmp_path, policies_dir=str(policies), policies=modes, site=home, controller=seldom)
        install_chart(plane, *service.chart_settings())
        service.prepare(plane)
        try:
            yield plane, service
        finally:
            service.close()


def test_a_customer_bought_by_a_tier_3_parent_loses_clearance_pods_and_its_next_job(
    served: tuple[ControlPlane, Served], tmp_path: Path
) -> None:
    plane, service = served
    team = Team.new(plane)
    apply(service, tmp_path, team.namespace, INDEPENDENT)
    done(service, "customer", "approve", team.namespace, "--yes", person="ben")
    done(service, "namespace", "bind", team.namespace, team.namespace)
    done(service, "namespace", "approve", team.namespace, "--yes", person="ben")
    service.start()
    wait_until(lambda: cleared(team), "the clearance to be given", deadline_s=60)
    with FakeNode(plane, name=fresh_name("node"), automatic=True) as node:
        job = team.make(gpu_job(2))["metadata"]["name"]
        pods = team.wait_for_pods(2, "running", running)
        said = apply(service, tmp_path, team.namespace, BOUGHT)
        bought_at = time.monotonic()
        assert "Tier 3 by house" in said
        wait_until(lambda: all(is_ending(team, each) for each in pods), "the pods to be stopped", deadline_s=60)
        took_s = time.monotonic() - bought_at
        assert took_s < STOPPED_WITHIN_S
        assert is_suspended(team, job)
        assert not cleared(team)
        answer = team.tenant.create(team.path("jobs"), gpu_job(1))
        assert answer.status == 403
        path = "(US) is owned 60 % by Harbour Holding Ltd (SG), which is owned by Eastern Cloud Group Co Ltd (CN)"
        assert path in answer.message
        wait_until(lambda: service.books.records("tier.changed"), "the move to be on record", deadline_s=30)
        (moved,) = [each for each in service.books.records("tier.changed") if each["pack"] == "house"]
        assert (moved["before"], moved["after"], moved["reason"]["path"][-1]) == ("2", "3", "group")
        wait_until(lambda: not any(node.name in str(each) for each in team.pods().values()), "the pods to be gone")
    assert service.stop() == 0
    export, key = tmp_path / "log.jsonl", done(service, "log", "key").strip()
    done(service, "log", "export", "--out", str(export))
    report = verify_totals_and_tiers(str(export), key)
    assert report.verified, report


def is_ending(team: Team, name: str) -> bool:
    pod = team.pod(name)
    return pod is None or "deletionTimestamp" in pod["metadata"]


def done(service: Served, *arguments: str, person: str = "ana") -> str:
    """A command that must go well; what it printed."""
    finished = service.run(*arguments, person=person)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def apply(service: Served, folder: Path, customer: str, owners: str) -> str:
    """What one person says of who owns a customer; as the command line tells it."""
    file = folder / "customer.yaml"
    file.write_text(LAB.format(customer=customer, owners=owners))
    return done(service, "customer", "apply", "-f", str(file))
