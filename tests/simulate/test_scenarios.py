"""Scenarios: what a file may say, and that playing one keeps what the product promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.simulate.engine import Timeline
from gatekeeper.simulate.scenario import load_scenario
from gatekeeper.simulate.stage import Stage

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = """\
title: small
starts: 2026-12-01
days: 12
site: {{country: US}}
policies: {{us-ai-diffusion: enforce}}
customers: {customers}
fleet: [{{product: {product}, count: 200000}}]
jobs:
  - name: big
    customer: bharat-models
    namespace: big
    devices: {devices}
    wants_days: 12
    profile: {profile}
"""
STEADY = "[{until_day: 12, tensor_activity_percent: 70}]"


def write(
    folder: Path, *, devices: object = 16_000, profile: str = STEADY, customers: str = "", product: str = "NVIDIA-GB300"
) -> Path:
    path = folder / "scenario.yaml"
    where = customers or str(EXAMPLES / "customers")
    path.write_text(SMALL.format(devices=devices, profile=profile, customers=where, product=product))
    return path


def play(path: Path, folder: Path) -> tuple[Stage, Timeline]:
    stage = Stage(load_scenario(path), folder / "scenario.db")
    stage.enrol()
    return stage, stage.play()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Timeline]]:
    """The small scenario, played once for all that look at it."""
    folder = tmp_path_factory.mktemp("small")
    stage, timeline = play(write(folder), folder)
    with stage:
        yield stage, timeline


@pytest.mark.slow
def test_a_run_ends_below_the_limit_with_a_warning_before_and_an_inquiry_after(small: tuple[Stage, Timeline]) -> None:
    stage, timeline = small
    used = [p.carried_in_tflop + p.settled.high_tflop + p.pending_tflop for p in timeline.points]
    assert max(used) <= stage.limit_tflop
    assert [told.decision.verdict for told in timeline.told][:2] == [Verdict.ALLOW, Verdict.WARN]
    assert timeline.told[-1].decision.verdict is Verdict.HOLD
    assert timeline.last_of(timeline.runs[0]).pending_tflop == 0


@pytest.mark.slow
def test_a_day_without_metrics_counts_at_the_worst_case(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    little = "[{until_day: 1, tensor_activity_percent: 1}, {until_day: 12, tensor_activity_percent: 1}]"
    gap = "[{until_day: 1, metrics: false}, {until_day: 12, tensor_activity_percent: 1}]"
    settled = []
    for name, profile in (("with", little), ("without", gap)):
        path = write(tmp_path / name, devices=1_000, profile=profile, product="NVIDIA-H100-80GB-HBM3")
        stage, timeline = play(path, tmp_path / name)
        with stage:
            settled.append(timeline.last_of(timeline.runs[0]).settled.high_tflop)
    worst_day_tflop = 1_000 * 2_287 * 86_400  # 2,286 TFLOP/s: H100 SXM, FP8 and vector units at the highest clock
    assert worst_day_tflop * 0.9 < settled[1] - settled[0] < worst_day_tflop


@pytest.mark.slow
def test_the_picture_is_an_svg_with_the_limit_and_the_hold(small: tuple[Stage, Timeline]) -> None:
    stage, timeline = small
    tree = ET.fromstring(stage.picture_of(timeline.runs[0]))
    words = " ".join(tree.itertext())
    assert tree.tag.endswith("svg")
    assert "limit: just under 1.00e26 FLOP" in words
    assert "on hold, day" in words


@pytest.mark.parametrize(
    ("devices", "profile", "says"),
    [
        ("0", STEADY, r"scenario\.yaml:\d+:\d+"),
        ("8", "[]", r"scenario\.yaml:\d+:\d+"),
        ("8", "[{until_day: 3, tensor_activity_percent: 140}]", r"scenario\.yaml:\d+:\d+"),
        ("8", "[{until_day: 3}, {until_day: 2}]", "must increase"),
        ("8", "[{until_day: 3, tensor_aktivity: 4}]", r"scenario\.yaml:\d+:\d+"),
    ],
)
def test_nonsense_in_a_scenario_is_named_with_its_place(tmp_path: Path, devices: str, profile: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        load_scenario(write(tmp_path, devices=devices, profile=profile))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    devices:", "    resource: amd.com/gpu\n    devices:", "no group of the fleet offers amd.com/gpu"),
        ("count: 200000}}", "count: 8}}, {{product: NVIDIA-A100, count: 8}}", "two groups offer nvidia.com/gpu"),
        ("jobs:\n", "jobs:\n" + "".join(SMALL.splitlines(keepends=True)[8:]), "'big' stands twice"),
    ],
)
def test_a_job_runs_on_one_group_under_one_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SMALL
    path = tmp_path / "scenario.yaml"
    path.write_text(SMALL.replace(old, new).format(devices=8, profile=STEADY, customers=".", product="NVIDIA-A100"))
    with pytest.raises(InvalidInput, match=says):
        load_scenario(path)


@pytest.mark.slow
def test_a_job_of_a_declared_run_asks_every_question_of_its_hold(tmp_path: Path) -> None:
    path = write(tmp_path)
    text = path.read_text().replace("{country: US}", "{country: US, chip_authorization: licence}")
    path.write_text(text.replace("    namespace: big\n", "    namespace: big\n    run: indic-llm\n"))
    stage, timeline = play(path, tmp_path)
    with stage:
        asked = {each.id for each in stage.stores.read(lambda reader: reader.inquiries())}
    assert timeline.runs == ["indic-llm"]
    assert {told.run_id for told in timeline.told} == {"indic-llm"}
    assert timeline.told[-1].decision.verdict is Verdict.HOLD
    start = "us-ai-diffusion.indic-llm"
    assert asked == {f"{start}.export-of-the-model", f"{start}.licence-conditions"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"run: a": "run: b"}, "namespace big is of another run, or of none, already"),
        ({"    run: a\n": ""}, "namespace big is of another run, or of none, already"),
        (
            {"namespace: big": "namespace: other", "customer: bharat-models": "customer: lab"},
            "of customer bharat-models",
        ),
    ],
)
def test_a_namespace_is_of_one_run_and_a_run_of_one_customer(
    tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    path = write(tmp_path)
    text = path.read_text().replace("    namespace: big\n", "    namespace: big\n    run: a\n")
    second = text[text.index("  - name: big") :].replace("name: big", "name: second", 1)
    for old, new in changes.items():
        assert old in second
        second = second.replace(old, new)
    path.write_text(text + second)
    with pytest.raises(InvalidInput, match=says):
        load_scenario(path)


def test_a_job_is_counted_as_the_chip_of_its_own_group(tmp_path: Path) -> None:
    path = write(tmp_path, devices=1_000, product="NVIDIA-A100-SXM4-80GB")
    two = path.read_text().replace("count: 200000}", "count: 8}, {product: NVIDIA-GB300, count: 8, resource: big/gpu}")
    settled = []
    for name, text in (("small", two), ("big", two.replace("    devices:", "    resource: big/gpu\n    devices:"))):
        (tmp_path / name).mkdir()
        path.write_text(text)
        stage, timeline = play(path, tmp_path / name)
        with stage:
            settled.append(timeline.last_of(timeline.runs[0]).settled.best_tflop)
    assert settled[1] > 5 * settled[0] > 0  # BF16, dense: 312 against 2,500 TFLOP/s


def test_a_start_with_a_zone_is_that_moment(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace("2026-12-01", "2026-12-01T02:00:00+02:00"))
    assert load_scenario(path).starts == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_job_of_an_unknown_customer_is_an_error(tmp_path: Path) -> None:
    nobody = tmp_path / "customers.yaml"
    nobody.write_text("format: 1\ncustomer: other\nparties: [{id: other, legal_name: Other, headquarters: PL}]\n")
    scenario = load_scenario(write(tmp_path, customers=str(nobody)))
    with Stage(scenario, tmp_path / "s.db") as stage, pytest.raises(InvalidInput, match="whom no file describes"):
        stage.enrol()


@pytest.mark.slow
def test_the_example_scenario_plays_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gatekeeper.cli import run

    scenario = EXAMPLES / "scenarios" / "two-jobs-metrics-lost.yaml"
    assert run(["simulate", str(scenario), "--out", str(tmp_path), "--output", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    [total] = answer["runs"]
    assert int(total["high_tflop"]) <= int(total["limit_tflop"])
    assert Path(total["picture"]).read_text().startswith("<svg")
