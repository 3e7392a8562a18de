"""The real promtool and the real Prometheus: format, alerts, and every query of the dashboard on a scraped process."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatekeeper.cluster.names import GATE
from gatekeeper.cluster.sight import Way
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import PodInterval
from gatekeeper.metrics import families
from gatekeeper.metrics.watching import WatchedCounters
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.telemetry.absent import NoCounters
from tests.metering import hold, make_reservation
from tests.metrics.queries import FILES, of_dashboard, of_rules
from tests.metrics.stage import LIMIT, NOW, PACKS, Seen, Stage, opened, pod, record
from tests.telemetry.prometheus_server import program, prometheus

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
# Blocks nobody, and wants the provider to know of what trains past its threshold.
ADVISORY = ActivePack(load_pack(bundled_dir() / "eu-gpai"), Mode.OBSERVE)


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [program("promtool"), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=HERE)


def test_the_alerts_fire_where_they_should_and_nowhere_else() -> None:
    assert promtool("check", "rules", str(FILES / "rules.yaml")).returncode == 0
    done = promtool("test", "rules", "rules_test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    tried = (HERE / "rules_test.yaml").read_text()
    assert [name for name, _ in of_rules() if f"alertname: {name}\n" not in tried] == []


def busy(stage: Stage) -> None:
    """Something of everything."""
    stage.enrol("lab", days=20)
    stage.book("undeclared.lab", best=LIMIT // 4, high=LIMIT // 2, pending=7)
    hold(stage.stores, make_reservation("running"))
    hold(stage.stores, make_reservation("gone"))
    running = pod("running", gates=(), started_s=300, deadline_s=3_600)
    stage.sight = Seen(pods=[pod("waiting", age_s=90), pod("other", gates=("kueue", GATE)), running]).sight()
    stage.page()
    happen(stage)


def happen(stage: Stage) -> None:
    """What the edges have to tell."""
    events = stage.exporter.events
    for outcome in ("allow", "deny", "undecided"):
        events.reviewed(outcome, 0.004)
    events.decided("allow", 0.02)
    events.passed(0.1, well=True)
    events.passed(0.1, well=False)
    events.step_failed("release")
    events.pod_released(pod("let go"), Way.LEASE)
    reasons = {"decision": {"reasons": [{"pack": "us-ai-diffusion", "code": "budget.exhausted"}]}}
    events.appended(record(RecordType.WORKLOAD_REFUSED, reasons))
    settled = {"overrun_tflop": "5", "note": "no counters of 1 of 8 devices"}
    events.appended(record(RecordType.RESERVATION_SETTLED, settled))
    list(WatchedCounters(NoCounters(), events).observe([PodInterval("ns", "pod", NOW, NOW)]))


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes a busy process every second; counters go on while it looks."""
    folder = tmp_path_factory.mktemp("scraped")
    with ExitStack() as stack:
        stage = Stage(stack.enter_context(opened(folder)), packs=(*PACKS, ADVISORY), telemetry=True)
        busy(stage)
        port = stage.exporter.start("127.0.0.1", 0)
        stack.callback(stage.exporter.stop)
        url = stack.enter_context(prometheus(folder, targets={"compute-gatekeeper": [f"127.0.0.1:{port}"]}))
        until(lambda: bool(query(url, "up == 1 and on () compute_gatekeeper_up_to_date == 1")), "the first scrape")
        happen(stage)  # once more, so that Prometheus sees counters grow
        counted = "increase(compute_gatekeeper_overruns_total[2m]) > 0"
        until(lambda: bool(query(url, counted)), "a counter that has grown")
        yield url


def query(url: str, text: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": text}, trust_env=False)
    assert answer.status_code == httpx.codes.OK, f"{text}: {answer.text}"
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)  # a poll with a deadline: Prometheus scrapes when it pleases and tells nobody


def test_the_page_is_as_prometheus_wants_it(tmp_path: Path) -> None:
    with opened(tmp_path) as stores:
        stage = Stage(stores)
        busy(stage)
        done = promtool("check", "metrics", text=stage.exporter.page().decode())
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_stores_every_metric_that_the_page_promises(scraped: str) -> None:
    held = {each["metric"]["__name__"] for each in query(scraped, '{__name__=~"compute_gatekeeper_.*"}')}
    missing = {
        each.full_name for each in families.ALL if each.full_name not in held and f"{each.full_name}_count" not in held
    }
    assert missing == set()


@pytest.mark.parametrize(("panel", "text"), list(of_dashboard()), ids=[name for name, _ in of_dashboard()])
def test_a_panel_of_the_dashboard_shows_something(scraped: str, panel: str, text: str) -> None:
    assert query(scraped, text), f"{panel}: {text}"


@pytest.mark.parametrize(("alert", "text"), list(of_rules()), ids=[name for name, _ in of_rules()])
def test_an_alert_can_be_asked_of_a_real_process(scraped: str, alert: str, text: str) -> None:
    fires = bool(query(scraped, text))
    expected = {
        "ComputeGatekeeperOverrun", "ComputeGatekeeperReservationWithoutPod", "ComputeGatekeeperApprovalsExpire",
        "ComputeGatekeeperUndecided", "ComputeGatekeeperTelemetryMissing", "ComputeGatekeeperRunPastNotice",
    }  # fmt: skip
    assert fires is (alert in expected)
