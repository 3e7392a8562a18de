"""`gatekeeper tier resolve`: an ownership graph in a file, answered without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import cli

EXAMPLES = Path(__file__).parents[2] / "examples" / "graphs"
Printed = pytest.CaptureFixture[str]


def ask(capsys: Printed, *words: str) -> tuple[int, str, str]:
    code = cli.run(["tier", "resolve", *words])
    out, err = capsys.readouterr()
    return code, out, err


def ask_json(capsys: Printed, graph: Path, *words: str) -> Any:
    code, out, err = ask(capsys, "--graph", str(graph), "--output", "json", *words)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_joint_venture_has_the_tier_of_its_stricter_half_from_the_day_of_the_sale(capsys: Printed) -> None:
    graph = EXAMPLES / "joint-venture.json"
    found = ask_json(capsys, graph, "--as-of", "2026-11-22")
    assert list(found) == ["venture", "alpha", "hold", "parent"]
    assert found["venture"]["tier"] == 3
    assert found["venture"]["reasons"][0] == {
        "code": "house.ownership",
        "path": ["venture", "hold", "parent"],
        "text": "Northern Venture Inc (US) is owned 50 % by Hold Ltd (SG), which is owned 100 % by Parent Co (CN), "
        "headquartered in Tier 3",
    }
    before = ask_json(capsys, graph, "--as-of", "2026-02-28")
    assert before["venture"]["tier"] == "unresolved"
    assert before["hold"]["reasons"][0]["code"] == "parent.unknown"


@pytest.mark.parametrize("pack", ["eu-gpai", "us-ny-raise"])
def test_a_pack_that_treats_all_tiers_alike_places_nobody_here_too(capsys: Printed, pack: str) -> None:
    graph = str(EXAMPLES / "joint-venture.json")
    words = f"{pack} places nobody: its rules are the same for every tier"
    assert ask(capsys, "--graph", graph, "--pack", pack) == (0, f"{words}\n", "")
    assert ask(capsys, "--graph", graph, "--pack", pack, "--party", "venture") == (0, f"{words}\n", "")
    code, out, err = ask(capsys, "--graph", graph, "--pack", pack, "--output", "json")
    assert (code, words in err) == (0, True)
    assert set(json.loads(out)) == {"venture", "alpha", "hold", "parent"}
    assert cli.run(["countries", "CN", "--pack", pack]) == 0
    assert words in capsys.readouterr().err


def test_a_circle_of_holdings_is_looked_through(capsys: Printed) -> None:
    found = ask_json(capsys, EXAMPLES / "circular-holding.json", "--as-of", "2026-11-22")
    assert {each: value["tier"] for each, value in found.items()} == {"A": 3, "B": 3, "X": 3, "A-branch": 3}
    assert found["A"]["reasons"][0]["code"] == "listed.look_through"


def test_one_party_is_shown_with_its_owners_step_by_step(capsys: Printed) -> None:
    graph = str(EXAMPLES / "joint-venture.json")
    code, out, _ = ask(capsys, "--graph", graph, "--as-of", "2026-11-22", "--party", "venture")
    assert code == 0
    assert out.splitlines()[:5] == [
        "venture: Tier 3 as of 2026-11-22",
        "",
        "Northern Venture Inc (US)",
        "└─ owned 50 % by Hold Ltd (SG)",
        "   └─ owned 100 % by Parent Co (CN)",
    ]


def test_all_parties_are_listed_with_what_decides(capsys: Printed) -> None:
    code, out, _ = ask(capsys, "--graph", str(EXAMPLES / "joint-venture.json"), "--as-of", "2026-11-22")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["venture", "3", "house.ownership"],
        ["alpha", "1", "hq.own"],
        ["hold", "3", "house.ownership"],
        ["parent", "3", "hq.own"],
    ]


def test_ids_are_free_text_and_stand_in_the_answer_as_they_were_given(capsys: Printed, tmp_path: Path) -> None:
    graph = tmp_path / "g.json"
    ids = ["Kunde GmbH & Co. KG", "NO/ORG #7 Å"]
    interests = [{"owner": ids[1], "asset": ids[0], "share": 51}, {"owner": "nobody knows", "asset": ids[1]}]
    parties = [{"id": each, "kind": "org", "hq": "DE"} for each in ids]
    graph.write_text(json.dumps({"parties": parties, "interests": interests}), encoding="utf-8")
    found = ask_json(capsys, graph)
    assert list(found) == ids
    assert found[ids[0]]["tier"] == "unresolved"
    reasons = {(each["code"], *each["path"][1:]) for each in found[ids[1]]["reasons"]}
    assert {("ownership.undisclosed",), ("house.ownership", "nobody knows")} <= reasons


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--graph", "none.json"], "none.json cannot be read"),
        (["--graph", str(EXAMPLES / "joint-venture.json"), "--party", "x"], "has no party 'x'"),
        (["--graph", str(EXAMPLES / "joint-venture.json"), "--pack", "x"], "no policy pack 'x'"),
        (["--graph", str(EXAMPLES / "joint-venture.json"), "--as-of", "today"], "--as-of: 'today' is no day"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(capsys: Printed, words: list[str], said: str) -> None:
    code, out, err = ask(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
