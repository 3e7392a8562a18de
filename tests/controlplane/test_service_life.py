"""The service as a process of its own: it starts, decides, is killed at any moment, comes back, and ends in order."""

import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.ledger import ReservationState
from gatekeeper.settings import load_settings
from gatekeeper.verify import TierCheck, verify_export
from tests.controlplane.chart import NAMESPACE, install_chart
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import PACK
from tests.controlplane.pods import fresh_name, gpu_pod, pod
from tests.controlplane.served import Served
from tests.controlplane.work import Team, gated, gpu_job, phase, released, running, uid
from tests.metrics.stage import of

KILLS = 20
RELEASES = 50


@pytest.fixture(scope="module")
def installed(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, Served]]:
    """A plane of this file's own, whose chart asks a service that each test starts itself."""
    with ControlPlane() as plane:
        served = Served(tmp_path_factory.mktemp("served"))
        install_chart(plane, *served.chart_settings())
        served.prepare(plane)
        yield plane, served
        served.close()


@pytest.fixture
def served(installed: tuple[ControlPlane, Served]) -> Iterator[Served]:
    """The service, not running; its books keep what earlier tests wrote."""
    yield installed[1]
    installed[1].daemon.kill()


@pytest.fixture
def customer(installed: tuple[ControlPlane, Served]) -> Team:
    """A team with a budget, in a fresh namespace."""
    plane, served = installed
    team = Team.new(plane)
    served.books.enrol(team.namespace, "IN")
    served.books.bind(team.namespace, team.namespace)
    return team


@pytest.fixture
def big_node(installed: tuple[ControlPlane, Served]) -> Iterator[FakeNode]:
    """A node with room for everything, which starts by itself what is bound to it."""
    with FakeNode(installed[0], name=fresh_name("big"), gpus=100, automatic=True) as node:
        yield node


def _told_by_its_metrics(served: Served) -> None:
    """That it decided, released, recorded and signed."""
    wait_until(lambda: served.metrics()["log_unsigned_records"] == {(): 0}, "the log to be signed")
    page = served.metrics()
    assert page["up_to_date"] == {(): 1}
    assert page["controller_last_pass_age_seconds"][()] < 60
    assert page["informer_synced"] == {of(collection=each): 1 for each in ("nodes", "namespaces", "pods")}
    assert page["review_duration_seconds_count"][of(verdict="allow")] >= 1
    assert page["release_duration_seconds_count"][of(verdict="allow")] >= 1
    assert page["gate_wait_seconds_count"][of(way="lease")] >= 1
    assert page["log_appended_total"][of(type="reservation.pending")] >= 1
    assert page["reservations_open"][of(state="pending")] >= 1
    assert min(page["run_headroom_ratio"].values()) < 1


# Start and end


def test_the_service_signs_its_log_and_ends_in_order_when_told(served: Served, customer: Team) -> None:
    served.start()
    made = customer.make(gpu_pod())
    customer.wait_for(made["metadata"]["name"], "to be released", released)
    _told_by_its_metrics(served)
    assert served.stop() == 0
    assert not served.ready()
    events = [line["event"] for line in served.log_lines()]
    assert events[-1] == "ended"
    assert len(events) == len(served.daemon.log.read_text().splitlines())  # nothing but JSON
    assert "0123456789abcdef" not in served.daemon.log.read_text()  # the token of the path
    modes = {each["pack"]: each["mode"] for each in served.books.records("policy.loaded")}
    assert [pack for pack, mode in modes.items() if mode == "enforce"] == [PACK]
    signed = served.books.stores.read(lambda reader: reader.checkpoint())
    size = served.books.stores.read(lambda reader: reader.log_size())
    assert signed is not None
    assert signed.splitlines()[1] == str(size)


def test_a_tenant_reads_why_its_job_will_not_start(served: Served, installed: tuple[ControlPlane, Served]) -> None:
    served.start()
    stranger = Team.new(installed[0])
    answer = stranger.tenant.create(stranger.path("jobs"), gpu_job(2))
    assert answer.status == 403
    assert "bound to no customer" in answer.message
    (refused,) = served.books.records("workload.refused", namespace=stranger.namespace)
    assert refused["decision"]["verdict"] == "deny"


def test_a_ledger_from_an_old_backup_is_refused(served: Served, customer: Team, tmp_path: Path) -> None:
    served.start()
    assert served.stop() == 0
    data = served.folder / "data"
    backup = tmp_path / "backup"
    served.books.stores.close()
    shutil.copytree(data, backup)
    served.reopen()
    served.start()
    made = customer.make(gpu_pod())
    customer.wait_for(made["metadata"]["name"], "to be released", released)
    assert served.stop() == 0
    served.books.stores.close()
    present = tmp_path / "present"
    shutil.copytree(data, present)
    for file in data.glob("gatekeeper.db*"):
        file.unlink()
    for file in backup.glob("gatekeeper.db*"):
        shutil.copy(file, data)
    served.daemon.start()
    assert wait_until(lambda: served.daemon.pid is None, "the service to give up", deadline_s=60)
    assert served.log_lines()[-1]["event"] == "cannot_serve"
    shutil.rmtree(data)
    shutil.copytree(present, data)
    served.reopen()


def test_the_settings_that_the_chart_writes_are_read_by_the_process(
    installed: tuple[ControlPlane, Served], tmp_path: Path
) -> None:
    found = installed[0].kubectl("get", "configmap", "compute-gatekeeper", f"--namespace={NAMESPACE}", "--output=json")
    config = tmp_path / "config.yaml"
    config.write_text(json.loads(found.stdout)["data"]["config.yaml"])
    settings = load_settings({}, config=config)
    # What the deployment mounts beside the file, and where its volume is.
    assert settings.webhook.certificate_dir == tmp_path / "tls"
    assert settings.webhook.path_token_file == tmp_path / "webhook-token"
    assert settings.database == "sqlite:////var/lib/compute-gatekeeper/gatekeeper.db"
    assert settings.webhook.port == 8443


# Away


def test_while_we_are_away_ordinary_pods_start_and_gated_ones_wait_and_none_is_lost(
    served: Served, customer: Team, big_node: FakeNode
) -> None:
    plain = customer.make(pod())
    asking = [customer.make(gpu_pod()) for _ in range(3)]
    job = customer.make(gpu_job(2))
    customer.wait_for(plain["metadata"]["name"], "to run", running)
    customer.wait_for_pods(5, "at their gate", gated)
    served.start()
    customer.wait_for_pods(6, "running", running)
    held = {each.id for each in served.books.open_reservations(customer.namespace)}
    assert held == {uid(each) for each in customer.pods().values()} - {uid(plain)}
    assert held >= {uid(each) for each in asking}
    assert customer.tenant.delete(customer.path("jobs", job["metadata"]["name"])).ok


def test_the_service_goes_on_over_a_restart_of_the_api_server(
    served: Served, customer: Team, big_node: FakeNode
) -> None:
    served.start()
    customer.plane.restart()
    made = customer.make(gpu_pod())
    customer.wait_for(made["metadata"]["name"], "to run", running)
    assert served.ready()


# Killed


def test_killed_at_any_moment_it_loses_doubles_and_outlives_no_reservation(
    served: Served, customer: Team, big_node: FakeNode
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")
    made = 0
    for kill in range(KILLS):
        until = (kill + 1) * RELEASES // KILLS
        made += make_pods(customer, until - made, chance)
        live_until_killed(served, chance)
        if kill % 4 == 3:
            end_one(customer, big_node)
    served.start()
    customer.wait_for_pods(0, "at their gate", gated)
    compare(served, customer)
    for name, each in customer.pods().items():
        if not is_over(each):
            customer.wait_for(name, "to run", running)
            big_node.finish_pod(customer.namespace, name)
    wait_until(lambda: not served.books.open_reservations(customer.namespace), "all to be settled", deadline_s=60)
    account = served.books.account(customer.namespace)
    assert account.pending_tflop == 0
    assert account.settled.high_tflop > 0
    verify(served)


def live_until_killed(served: Served, chance: random.Random) -> None:
    """Start it, and kill it at any moment, or a moment after its first record: then it is in the middle of a pass."""
    begun = records(served)
    served.start(wait=False)
    wait_s = chance.uniform(0, 3)
    if chance.random() < 0.7:
        wait_until(lambda: records(served) > begun, "a record", deadline_s=60, interval_s=0.002)
        wait_s = chance.uniform(0, 0.15)
    moment = time.monotonic() + wait_s
    wait_until(lambda: time.monotonic() >= moment, "a random moment", interval_s=0.001)
    served.daemon.kill()


def records(served: Served) -> int:
    return served.books.stores.read(lambda reader: reader.log_size())


def make_pods(team: Team, count: int, chance: random.Random) -> int:
    """Some pods of the tenant, as one Job or one by one; returns how many."""
    if count > 1 and chance.random() < 0.5:
        team.make(gpu_job(count))
    else:
        for _ in range(count):
            team.make(gpu_pod())
    return count


def end_one(team: Team, node: FakeNode) -> None:
    """Let one running pod end while we are away."""
    found = [name for name, each in team.pods().items() if running(each)]
    if found:
        node.finish_pod(team.namespace, found[0])


def is_over(each: dict[str, Any]) -> bool:
    return phase(each) in ("Succeeded", "Failed")


def compare(served: Served, team: Team) -> None:
    """Ledger, log and cluster agree: one reservation for each pod, held as long as the pod has not ended."""
    pods = team.pods()
    assert len(pods) == RELEASES
    assert {uid(each) for each in pods.values()} == {
        each["metadata"]["annotations"]["compute-gatekeeper.io/reservation"] for each in pods.values()
    }
    living = {uid(each) for each in pods.values() if not is_over(each)}
    wait_until(
        lambda: {each.id for each in served.books.open_reservations(team.namespace)} == living,
        "exactly the living pods to hold reservations", deadline_s=60,
    )  # fmt: skip
    pending = [each["reservation"] for each in served.books.records("reservation.pending", namespace=team.namespace)]
    assert sorted(pending) == sorted(uid(each) for each in pods.values())
    held = served.books.open_reservations(team.namespace)
    assert served.books.account(team.namespace).pending_tflop == sum(each.pending_tflop for each in held)
    ended = {uid(each) for each in pods.values()} - living
    for each in ended:
        reservation = served.books.reservation(each)
        assert reservation is not None
        assert reservation.state is ReservationState.SETTLED


def verify(served: Served) -> None:
    """The exported log is what its key signed, and every total follows from it."""
    export = served.folder / "killed.export"
    done = served.run("log", "export", "--out", str(export))
    assert done.returncode == 0, done.stderr
    key = served.run("log", "key").stdout.strip()
    report = verify_export(str(export), key, checks=[TierCheck()])
    assert report.verified, report
