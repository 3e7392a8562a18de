"""A statement as people and programs get it: picture, terminal, report, figures."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cli.printing import say_csv, say_json
from gatekeeper.cli.run_picture import tell
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.usage import Usage
from gatekeeper.statements import Statement
from gatekeeper.statements.figures import figures_of
from gatekeeper.statements.report import COLUMNS, report_figures, report_markdown, report_rows
from gatekeeper.statements.svg import draw
from gatekeeper.statements.words import bounds, nearest, upper
from tests.statements.sample import NOW, RUN, TODAY, training

PICTURE = Path(__file__).parents[2] / "docs" / "run.svg"
HOSTILE = '</text><script>alert(1)</script>\x1b[2J | `x` <b>\u202e"'


def unlimited() -> Statement:
    serving = replace(RUN, purpose=Purpose.INFERENCE, namespaces=("serve",), carried_in_tflop=0, parameters=0, tokens=0)
    return training(run=serving, limit=None, corrections=())


def fresh() -> Statement:
    account = Account(RUN.id)
    return training(account=account, shared=(account,), days=(), corrections=())


def hostile() -> Statement:
    run = replace(RUN, title=HOSTILE, carried_in_source=HOSTILE)
    statement = training(run=run)
    return replace(statement, corrections=tuple(replace(each, reason=HOSTILE) for each in statement.corrections))


def nearly_there() -> Statement:
    account = Account(RUN.id, RUN.carried_in_tflop, Usage(0, 0, 97 * 10**12), 0)
    return training(account=account, shared=(account,))


def past() -> Statement:
    run = replace(RUN, carried_in_tflop=2 * 10**14)
    account = Account(RUN.id, run.carried_in_tflop)
    return training(run=run, account=account, shared=(account,), days=(), corrections=())


def slow() -> Statement:
    day = replace(training().days[-1], usage=Usage(0, 0, 10**9))
    account = Account(RUN.id, settled=day.usage)
    return training(account=account, shared=(account,), days=(day,), corrections=())


def tiny() -> Statement:
    statement = training()
    days = tuple(replace(each, usage=Usage(0, 0, each.usage.high_tflop // 10**6)) for each in statement.days)
    account = Account(RUN.id, settled=Usage(0, 0, sum(each.usage.high_tflop for each in days)))
    return replace(statement, days=days, account=account, shared=(account,), corrections=())


ALL: list[Callable[[], Statement]] = [training, unlimited, fresh, hostile, nearly_there, tiny, past, slow]


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("make", ALL)
def test_every_picture_is_svg_within_its_frame_and_without_scripts(make: Callable[[], Statement]) -> None:
    svg = draw(make())
    assert "<script" not in svg
    assert "\x1b" not in svg
    root = ET.fromstring(svg)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for element in root.iter():
        for name, most in (("x", width), ("x1", width), ("x2", width), ("cx", width), ("y", height), ("cy", height)):
            if name in element.attrib:
                assert 0 <= float(element.attrib[name]) <= most
    for path in re.findall(r' d="M([^"]+)"', svg):
        for x, y in re.findall(r"(\d[\d.]*) (\d[\d.]*)", path):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height


def test_the_picture_names_limit_crossing_and_share() -> None:
    shown = texts(draw(training()))
    assert "limit just under 1.00e26 FLOP, us-ai-diffusion (enforce)" in shown
    assert "2027-01-12" in shown
    assert any("47.0 % of the limit used or held; reaches its limit on 2027-01-12" in each for each in shown)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (past, "is past its limit"),
        (training, "reaches its limit on 2027-01-12 (51 days) at 1.11e24 FLOP a day, the most of late"),
        (slow, "does not reach its limit within ten years at 1.00e21 FLOP a day, the most of late"),
        (fresh, "used nothing in the last 28 days"),
    ],
)
def test_terminal_picture_and_report_say_the_same_of_where_it_leads(
    make: Callable[[], Statement], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(make())
    assert f"\nIt {says}.\n" in capsys.readouterr().out
    assert f"; {says}" in " ".join(texts(draw(make())))
    assert f"This run {says}." in report_markdown(make())


def test_a_run_past_its_limit_is_called_so_everywhere_and_leads_nowhere_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(past())
    shown = capsys.readouterr().out
    assert "200.0 %" in shown
    assert "left 0\n" in shown
    for text in (shown, draw(past()), report_markdown(past())):
        assert "reaches" not in text
        assert "used nothing" not in text
    assert figures_of(past())["past_limit"] is True
    assert figures_of(training())["past_limit"] is False


@pytest.mark.parametrize("make", ALL)
def test_the_legend_names_a_line_to_come_only_where_there_is_one(make: Callable[[], Statement]) -> None:
    svg = draw(make())
    assert svg.count('class="ahead"') in (0, 2)
    assert ("at this rate" in texts(svg)) == ('class="ahead"' in svg)


def test_what_is_left_is_the_limit_less_what_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    tell(fresh())
    shown = capsys.readouterr().out
    assert "Limit just under 1.00e26 FLOP by us-ai-diffusion" in shown
    account = Account(RUN.id)
    tell(training(account=account, shared=(account,), days=(), corrections=()))
    assert "left just under 1.00e26" in capsys.readouterr().out


def test_today_stands_at_this_hour_of_its_day() -> None:
    svg = draw(training())
    days = {
        f"{each.text}": float(each.attrib["x"])
        for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        if re.fullmatch(r"2026-\d\d-\d\d", each.text or "")
    }
    [today] = [
        float(each.attrib["x"]) - 6
        for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        if each.text == "today"
    ]
    (first, left), *_, (last, right) = sorted(days.items())
    a_day = (right - left) / (date.fromisoformat(last) - date.fromisoformat(first)).days
    midnight = left + (TODAY - date.fromisoformat(first)).days * a_day
    assert abs(today - (midnight + a_day * 9.5 / 24)) < 0.5


def test_where_the_ledger_is_ahead_days_are_told_from_its_last_usage(capsys: pytest.CaptureFixture[str]) -> None:
    statement = training(clock_is_behind=True)
    tell(statement)
    assert "as of the last usage, 2026-11-22, which is ahead of this machine's clock" in capsys.readouterr().out
    shown = texts(draw(statement))
    assert "last usage" in shown
    assert "today" not in shown
    assert "\n\nAs of the last usage, 2026-11-22," in report_markdown(statement)


@given(st.integers(0, 10**14 - 1))
def test_nothing_shown_of_a_run_below_its_limit_reads_as_the_limit(high: int) -> None:
    account = Account(RUN.id, settled=Usage(0, 0, high))
    statement = training(account=account, shared=(account,), days=(), corrections=())
    for shown in (upper(high), nearest(high), bounds(account.settled)[2]):
        assert float(shown) < 1e26 or high >= 10**14 - 1 - 10**8  # beyond that a float does not tell them apart
        assert shown != "1.00e26"
    assert "100.0 %" not in " ".join(texts(draw(statement))) or high == 10**14 - 1


def test_a_limit_far_above_is_told_in_words() -> None:
    assert any("times as high as this picture" in each for each in texts(draw(tiny())))


def test_no_two_days_on_the_axis_are_called_the_same() -> None:
    for make in ALL:
        days = [each for each in texts(draw(make())) if re.fullmatch(r"\d{4}-\d\d-\d\d", each)]
        assert len(set(days)) >= len(days) - 1  # the crossing may fall on a day of the axis


def test_the_picture_in_the_documentation_is_the_one_that_is_drawn() -> None:
    drawn = draw(training())
    if os.environ.get("UPDATE_SESSIONS"):
        PICTURE.write_text(drawn, "utf-8")
    assert PICTURE.read_text("utf-8") == drawn


@pytest.mark.parametrize("make", ALL)
def test_without_a_terminal_it_is_plain_text_in_a_hundred_columns(
    make: Callable[[], Statement], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(make())
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_the_bar_is_filled_to_scale_and_every_piece_shows(capsys: pytest.CaptureFixture[str]) -> None:
    tell(training())
    bar = next(line for line in capsys.readouterr().out.splitlines() if line.endswith(" 47.0 %"))
    cells = {sign: bar.count(sign) for sign in "▓█▒░"}
    assert sum(cells.values()) == len(bar) - len(" 47.0 %")
    assert min(cells.values()) >= 1
    assert abs(cells["█"] / sum(cells.values()) - 0.414) < 0.02


def test_a_run_near_its_limit_never_reads_as_full(capsys: pytest.CaptureFixture[str]) -> None:
    tell(nearly_there())
    shown = capsys.readouterr().out
    assert "99.5 %" in shown
    assert "░ left just under 5.00e23" in shown


def test_an_alarm_of_the_plan_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell(training(run=replace(RUN, tokens=10**12)))
    shown = capsys.readouterr().out
    assert "It trained more than was declared" in shown
    tell(training())
    assert "It trained more" not in capsys.readouterr().out


@pytest.mark.parametrize("make", ALL)
def test_figures_hold_amounts_as_decimal_text(
    make: Callable[[], Statement], capsys: pytest.CaptureFixture[str]
) -> None:
    say_json(report_figures(make()))
    figures = json.loads(capsys.readouterr().out)

    def walk(value: object, name: str = "") -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                walk(each, key)
        elif isinstance(value, list):
            for each in value:
                walk(each, name)
        elif name.endswith(("_tflop", "_tflop_per_day")):
            assert value is None or re.fullmatch(r"-?\d+", str(value))
            assert value is None or isinstance(value, str)
        assert not isinstance(value, float)

    walk(figures)


def test_figures_say_everything_that_is_shown() -> None:
    figures = figures_of(training())
    assert figures["crossing"] is not None
    assert figures["used_percent"] == "47.0"
    assert figures["eu"] is not None
    assert [each["state"] for each in figures["corrections"]] == ["in effect", "waits"]  # type: ignore[attr-defined]
    assert figures_of(unlimited())["eu"] is None


def test_rows_of_the_report_add_up_to_its_total(capsys: pytest.CaptureFixture[str]) -> None:
    say_csv(report_rows(training()), COLUMNS)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for column in ("low_tflop", "best_tflop", "high_tflop"):
        parts = {
            part: sum(int(row[column]) for row in rows if row["part"] == part) for part in {r["part"] for r in rows}
        }
        assert parts["day"] + parts["correction"] + parts.get("not by day", 0) == parts["total"]
        assert parts["device"] == parts["day"]


def test_no_text_of_others_is_a_formula_or_markup(capsys: pytest.CaptureFixture[str]) -> None:
    statement = hostile()
    say_csv(report_rows(replace(statement, run=replace(RUN, carried_in_source="=1+1"))), COLUMNS)
    assert "'=1+1" in capsys.readouterr().out
    report = report_markdown(statement)
    assert "<script>" not in report
    assert "\n".join(re.findall(r"^\| carried in.*$", report, re.MULTILINE)).count(" | ") == 3


def test_no_text_of_others_steers_the_terminal_that_a_report_is_read_in(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "A\x1b[2J\x1b]0;title\x07 \x9b31m \u202e \u2028 model"
    run = replace(RUN, title=odd, carried_in_source=odd)
    statement = training(run=run, corrections=tuple(replace(each, reason=odd) for each in training().corrections))
    say_csv(report_rows(statement), COLUMNS)
    for text in (report_markdown(statement), capsys.readouterr().out):
        assert all(each.isprintable() or each in "\r\n" for each in text)
        assert "u001b" in text


def test_the_report_says_what_was_read_and_what_was_not() -> None:
    report = report_markdown(training())
    assert "**1.9e25 FLOP** (between 1.4e25 FLOP and 4.4e25 FLOP)" in report
    assert "not in the Official Journal" in report
    assert f"As of {NOW:%Y-%m-%d %H:%M} UTC" in report
    assert f"| {TODAY} |" in report
    assert "None: it is classified as no training." in report_markdown(unlimited())
