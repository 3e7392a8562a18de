"""`python -m gatekeeper.verify`, as a regulator types it."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierTable
from gatekeeper.registry.facts import state_facts
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.verify.__main__ import main
from tests.verify.books import KEY, Books, a_days_work, export_of

LEAVES = a_days_work().leaves


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(LEAVES))
    return path


def test_a_good_export_exits_0_and_prints_each_run(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(export), "--key", str(KEY)]) == 0
    printed = capsys.readouterr().out
    assert f"Verified: {export} holds the first {len(LEAVES)} records of log.example/gatekeeper, root " in printed
    assert "run llm-1: carried in 4000 + settled 1310 + pending 100 = 5410 TFLOP, limit 10000" in printed
    assert "overrun: reservation pod-c of run llm-1 used 60 TFLOP more than was held for it" in printed


def test_a_changed_export_exits_1_and_says_where(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export.write_bytes(export.read_bytes().replace(b'"amount_tflop":"2000"', b'"amount_tflop":"2001"'))
    assert main([str(export), "--key", str(KEY)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"NOT VERIFIED: {export}, ")
    assert "  line 4, byte " in printed


def test_an_older_export_is_compared(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = tmp_path / "older.jsonl"
    older.write_bytes(export_of(LEAVES[:3]))
    assert main([str(export), "--key", str(KEY), "--since", str(older)]) == 0
    assert main([str(older), "--key", str(KEY), "--since", str(export)]) == 1
    assert "records were removed" in capsys.readouterr().out


def test_a_run_for_which_nothing_was_reserved_yet_has_no_limit_to_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = Books()
    books.approve("llm-1")
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(books.leaves))
    assert main([str(path), "--key", str(KEY)]) == 0
    printed = capsys.readouterr().out
    assert "TFLOP, nothing reserved yet\n" in printed
    assert "limit 0" not in printed


def test_a_run_past_its_limit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = Books()
    books.approve("llm-1")
    books.hold("pod-a", "llm-1", seconds=10_000)
    books.settle("pod-a", seconds=10_000, high=10_500, final=True)
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(books.leaves))
    assert main([str(path), "--key", str(KEY)]) == 0
    assert "past its limit by 500 TFLOP" in capsys.readouterr().out


def test_tiers_that_nobody_can_resolve_again_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parties = {"lab": Party("lab", PartyKind.ORG, "Lab Inc", "US", (), "listed company")}
    table = TierTable({}, Tier.TWO, frozenset({"US"}))
    findings = {"house": resolve(parties, "lab", table, date(2026, 11, 22))}
    state = state_facts(KycRecord("acme", "lab", tuple(parties.values())), findings, {"house": "ab" * 32})
    books = Books()
    books.add(RecordType.CUSTOMER_APPROVED, {"customer": "acme", "in_effect": state})
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(books.leaves))
    assert main([str(path), "--key", str(KEY)]) == 0
    assert "tiers by pack house: not resolved again" in capsys.readouterr().out
    assert main([str(path), "--key", str(KEY), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unresolved_packs"] == ["house"]


def test_the_report_as_json_has_amounts_as_text(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(export), "--key", str(KEY), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["verified"], report["size"], report["problems"]) == (True, len(LEAVES), [])
    assert report["runs"][0]["settled_tflop"] == "1310"
    assert report["overruns"] == [{"run": "llm-1", "reservation": "pod-c", "overrun_tflop": "60"}]


@pytest.mark.parametrize("arguments", [[], ["export.jsonl"], ["--key", "x"], ["a", "b", "--key", "x"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_what_could_not_be_tried_exits_2(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(export), "--key", "no key"]) == 2
    assert main([str(tmp_path / "nowhere"), "--key", str(KEY)]) == 2
    assert capsys.readouterr().err.count("Could not verify: ") == 2


def test_an_export_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = Books()
    books.add(RecordType.RUN_APPROVED, {"run": "\x1b[2J\u202e\x9b1m", "carried_in_tflop": "0"})
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(books.leaves))
    assert main([str(path), "--key", str(KEY)]) == 0
    printed = capsys.readouterr().out
    assert "run \\u001b[2J\\u202e\\u009b1m:" in printed
    assert all(each.isprintable() for each in printed.replace("\n", ""))


def test_many_problems_are_counted_and_the_first_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of([b"nonsense"] * 30))
    assert main([str(path), "--key", str(KEY)]) == 1
    assert capsys.readouterr().out.endswith("  and 10 more\n")


def test_it_runs_with_the_standard_library_and_cryptography_alone(export: Path) -> None:
    """In a process of its own: which modules from outside the standard library did a verification load?"""
    code = (
        "import sys; from gatekeeper.verify.__main__ import main; "
        f"code = main([{str(export)!r}, '--key', {str(KEY)!r}]); "
        "print(sorted({each.partition('.')[0] for each in sys.modules} - sys.stdlib_module_names), file=sys.stderr); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {each for each in json.loads(done.stderr.replace("'", '"')) if not each.startswith(("_", "__"))}
    assert loaded <= {"gatekeeper", "cryptography", "cffi"}


def test_the_module_is_a_command(export: Path) -> None:
    command = [sys.executable, "-m", "gatekeeper.verify", str(export), "--key", str(KEY)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
