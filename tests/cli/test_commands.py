"""What holds for every command: help with an example, JSON for every list, and text of others that does no harm."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gatekeeper import cli
from gatekeeper.cli.late import late_group
from gatekeeper.cli.printing import plain, say_csv
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType
from gatekeeper.policy_files import bundled_dir
from gatekeeper.stores import open_stores


def leaves(command: typer.core.TyperCommand | typer.core.TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    if isinstance(command, typer.core.TyperGroup):
        for name, inner in command.commands.items():
            assert isinstance(inner, typer.core.TyperCommand | typer.core.TyperGroup)
            yield from leaves(inner, *path, name)
    else:
        yield path


ROOT = typer.main.get_command(cli.app)
assert isinstance(ROOT, typer.core.TyperGroup)
COMMANDS = list(leaves(ROOT))
LISTS = [each for each in COMMANDS if each[-1] in ("list", "blocked", "accelerators")]


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "data")


def words_of(words: tuple[str, ...]) -> str:
    return " ".join(words)


@pytest.mark.parametrize("words", COMMANDS, ids=words_of)
def test_every_command_has_help_with_an_example_of_itself(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*words, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    example = re.search(r"Example: (gatekeeper .+)", shown)
    assert example is not None, shown
    assert shlex.split(example[1])[1 : len(words) + 1] == list(words)


def test_a_command_that_is_made_late_is_the_one_that_typer_makes() -> None:
    def told(command: Any) -> dict[str, Any]:
        below = getattr(command, "commands", {})
        said = {name: value for name, value in vars(command).items() if name not in ("callback", "commands", "params")}
        return {
            **said,
            "kind": type(command),
            "asks": [(each.name, each.opts) for each in command.params],
            "below": [(name, told(each)) for name, each in below.items()],
        }

    assert told(late_group(cli.app)) == told(typer.main.get_command(cli.app))


@pytest.mark.parametrize("words", LISTS, ids=words_of)
def test_every_list_can_be_had_as_json(words: tuple[str, ...], data: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(data, "train")
    assert cli.run([*words, "--output", "json", "--data", data]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)


def test_help_needs_none_of_the_heavy_libraries() -> None:
    # What makes `gatekeeper --help` slow is imports; their time differs from machine to machine, their names do not.
    code = "import sys, gatekeeper.cli; print(*{each.partition('.')[0] for each in sys.modules}, *sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"sqlalchemy", "alembic", "pydantic", "yaml", "kubernetes", "cryptography", "uvicorn", "httpx", "structlog"}
    assert {*heavy, "gatekeeper.registry", "gatekeeper.stores", "gatekeeper.wiring"} & set(loaded) == set()


def enrol(data: str, *more: str) -> int:
    """Apply one customer, as most people begin."""
    file = Path(data).parent / "lab.yaml"
    file.write_text("format: 1\ncustomer: lab\nparties: [{id: lab, legal_name: Lab}]\n")
    return cli.run(["customer", "apply", "-f", str(file), "--data", data, *more])


READING = [
    *("run list", "run show indic", "run report indic", "run approve indic --as ben", "run declare a --customer b"),
    *("run correct a --high +1e20 --reason x", "run approve-correction c1 --as ben", "blocked", "log key"),
    *(
        "log checkpoint",
        "customer list",
        "customer show lab",
        "customer explain lab",
        "customer suspend lab --reason x",
    ),
    *(
        "customer approve lab --as ben",
        "namespace list",
        "namespace bind a b",
        "namespace approve a --as ben",
        "check nowhere.yaml",
    ),
]


@pytest.mark.parametrize("line", READING)
def test_a_misspelt_data_folder_is_told_and_not_made(line: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--title", "T"] if line.startswith("run declare") else []
    assert cli.run([*line.split(), *more, "--data", data]) == cli.COULD_NOT
    assert f"There is no data in {data}." in capsys.readouterr().err
    assert not Path(data).exists()


def test_the_first_customer_begins_the_data_with_a_line_that_says_so(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enrol(data, "--dry-run") == 0
    assert "There is no data" in capsys.readouterr().err
    assert not Path(data).exists()
    assert enrol(data) == 0
    assert f"Note: A new database begins in {data}." in capsys.readouterr().err
    assert enrol(data) == 0
    assert "Note" not in capsys.readouterr().err


def test_asking_for_the_key_makes_none(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    enrol(data)
    assert cli.run(["log", "key", "--data", data]) == cli.COULD_NOT
    assert "never signed" in capsys.readouterr().err
    assert not (Path(data) / "log.key").exists()
    assert cli.run(["log", "checkpoint", "--data", data]) == 0
    assert "The log's key was made" in capsys.readouterr().err
    assert cli.run(["log", "key", "--data", data]) == 0


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused_and_never_replaced(
    name: str, data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGNAME", "cem")
    assert enrol(data, "--as", name) == cli.COULD_NOT
    assert "--as is empty" in capsys.readouterr().err
    monkeypatch.setenv("COMPUTE_GATEKEEPER_PERSON", name)
    assert enrol(data) == cli.COULD_NOT
    assert "COMPUTE_GATEKEEPER_PERSON is empty" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["customer approve lab", "run approve indic", "run approve-correction c1"])
def test_a_login_name_alone_approves_nothing(
    line: str, data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COMPUTE_GATEKEEPER_PERSON", raising=False)
    monkeypatch.setenv("LOGNAME", "cem")
    enrol(data, "--as", "ana")
    assert cli.run([*line.split(), "--yes", "--data", data]) == cli.COULD_NOT
    assert "An approval needs the name of who approves." in capsys.readouterr().err


def test_a_correction_without_an_amount_is_answered_with_the_command_to_write(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["run", "correct", "indic-2", "--reason", "node7 missed", "--data", data]) == cli.COULD_NOT
    said = capsys.readouterr().err
    assert "Say at least one of --low, --best and --high." in said
    assert "gatekeeper run correct indic-2 --high +1.2e22 --reason 'node7 missed'" in said


def test_a_customer_comes_through_standard_input(
    data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = b"format: 1\ncustomer: lab\nparties: [{id: lab, legal_name: Lab}]\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert cli.run(["customer", "apply", "-f", "-", "--data", data, "--as", "ana"]) == 0
    assert "customer lab enrolled" in capsys.readouterr().out


def test_workloads_come_through_standard_input(
    data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}}'
    enrol(data)
    for words in (["inspect", "-"], ["check", "-"]):
        monkeypatch.setattr(sys, "stdin", io.StringIO(pod))
        assert cli.run([*words, "--data", data]) == 0
        assert re.search(r"\bp\b", capsys.readouterr().out)


def test_data_of_customers_lies_in_a_folder_of_its_owner_only(data: str) -> None:
    assert enrol(data) == 0
    assert Path(data).stat().st_mode & 0o777 == 0o700


def test_the_login_name_acts_where_nobody_is_named(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("format: 1\ncustomer: lab\nparties: [{id: lab, legal_name: Lab}]\n")
    monkeypatch.delenv("COMPUTE_GATEKEEPER_PERSON", raising=False)
    monkeypatch.setenv("LOGNAME", "cem")
    cli.run(["customer", "apply", "-f", str(file), "--data", data])
    monkeypatch.setenv("COMPUTE_GATEKEEPER_PERSON", "cem")
    assert cli.run(["customer", "approve", "lab", "--yes", "--data", data]) == cli.COULD_NOT
    assert "cem prepared the record" in capsys.readouterr().err


HOSTILE = '=HYPERLINK("http://evil")\x1b[2J'


def refuse(data: str, name: str) -> None:
    """Put a refusal into the log whose names a tenant chose."""
    facts: dict[str, JsonValue] = {
        "customer": "lab",
        "workload": {"cluster": "east", "namespace": "=1+1", "kind": "Job", "name": name, "uid": ""},
        "decision": {"sentence": name, "tier": "2", "limit_tflop": "99999999999999", "used_tflop": "5"},
    }
    actor = Actor(ActorKind.SERVICE, "webhook")
    at = datetime(2026, 11, 22, tzinfo=UTC)
    Path(data).mkdir()
    with open_stores(f"sqlite:///{data}/gatekeeper.db") as stores:
        record = Record(str(uuid.uuid4()), at, RecordType.WORKLOAD_REFUSED, actor, facts)
        stores.transact(lambda tx: tx.append(record))


def test_no_cell_of_a_csv_is_a_formula(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(data, HOSTILE)
    assert cli.run(["blocked", "--output", "csv", "--data", data]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["namespace"] == "'=1+1"
    assert row["sentence"].startswith("'=HYPERLINK")
    assert row["used_tflop"] == "5"
    assert [each for each in row.values() if each.startswith(("=", "+", "-", "@", "\t"))] == []


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"])
def test_whatever_a_spreadsheet_runs_becomes_text(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    say_csv([{"a": cell}], ["a"])
    ((_,), (written,)) = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert written == plain(f"'{cell}")


def test_names_cannot_steer_a_terminal(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(data, HOSTILE + "[red]x[/red]\u202e")
    assert cli.run(["blocked", "--data", data]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\u001b[2J[red]x[/red]\\u202e" in shown


def test_plain_text_stays_as_it_is() -> None:
    assert plain("Zürich 中 Läb – ok") == "Zürich 中 Läb – ok"


def test_amounts_in_json_are_decimal_text(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(data, "train")
    cli.run(["blocked", "--output", "json", "--data", data])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["limit_tflop"], row["at"]) == ("99999999999999", "2026-11-22T00:00:00Z")


def test_no_answer_at_the_question_approves_nothing(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("format: 1\ncustomer: lab\nparties: [{id: lab, legal_name: Lab}]\n")
    cli.run(["customer", "apply", "-f", str(file), "--data", data, "--as", "ana"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert cli.run(["customer", "approve", "lab", "--data", data, "--as", "ben"]) == cli.COULD_NOT
    assert "Nothing was done" in capsys.readouterr().err


def test_a_folder_with_one_bad_file_changes_nothing(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("format: 1\ncustomer: lab\nparties: [{id: lab, legal_name: Lab}]\n")
    (tmp_path / "b.yaml").write_text("format: 1\ncustomer: shop\nparties: [{id: shop, legal_name: S}, {id: shop}]\n")
    assert cli.run(["customer", "apply", "-f", str(tmp_path), "--data", data, "--as", "ana"]) == cli.COULD_NOT
    assert not Path(data).exists()


def test_a_lifted_threshold_is_the_one_that_is_shown(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = tmp_path / "policies"
    shutil.copytree(bundled_dir(), packs)
    pack = packs / "us-ai-diffusion" / "pack.yaml"
    floor = '  # floors: [{amount: "2e26", from: 2027-01-01'
    text = pack.read_text()
    assert floor in text
    pack.write_text(text.replace(floor, '  floors: [{amount: "2e26", from: 2026-01-01', 1))
    monkeypatch.setenv("COMPUTE_GATEKEEPER_POLICIES_DIR", str(packs))
    assert cli.run(["policy", "list", "--data", data]) == 0
    assert "2.00e26 FLOP" in capsys.readouterr().out
    assert cli.run(["policy", "show", "us-ai-diffusion", "--data", data]) == 0
    assert "controlled at or above 2.00e26 FLOP" in capsys.readouterr().out
    assert cli.run(["policy", "show", "us-ai-diffusion", "--output", "json", "--data", data]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["threshold_tflop"], shown["limit_tflop"]) == (str(2 * 10**14), str(2 * 10**14 - 1))
