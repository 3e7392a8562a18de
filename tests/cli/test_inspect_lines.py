"""`gatekeeper inspect --output jsonl`: a line for each workload, errors beside them, and time that stays small."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

KEYS = [
    *("file", "index", "item", "apiVersion", "kind", "namespace", "name", "gated", "host_access", "devices"),
    *("claims", "unknown", "reason"),
]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, resources: {limits: {LIMITS}}}]}\n"


def inspect(*paths: Path) -> tuple[int, list[dict[str, Any]], str]:
    command = [str(Path(sys.executable).with_name("gatekeeper")), "inspect", *map(str, paths), "--output", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.slow
def test_each_workload_is_one_line_and_anything_else_none(tmp_path: Path) -> None:
    text = f"---\n---\n{POD.replace('LIMITS', 'nvidia.com/gpu: 2')}---\napiVersion: v1\nkind: ConfigMap\n"
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    code, lines, errors = inspect(tmp_path)
    assert (code, errors) == (0, "")
    assert [list(line) for line in lines] == [KEYS]
    assert (lines[0]["index"], lines[0]["item"], lines[0]["namespace"]) == (1, None, "default")
    assert lines[0]["devices"] == {"nvidia.com/gpu": {"min": 2, "max": 2}}


@pytest.mark.slow
def test_an_unreadable_file_is_one_error_with_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\nkind: Pod\n", "utf-8")
    (tmp_path / "b.yaml").write_text(POD.replace("LIMITS", "nvidia.com/gpu: -1"), "utf-8")
    (tmp_path / "c.yaml").write_text(POD.replace("LIMITS", "nvidia.com/gpu: 1"), "utf-8")
    code, lines, errors = inspect(tmp_path)
    assert code == 2
    assert [Path(line["file"]).name for line in lines] == ["c.yaml"]
    assert f"{tmp_path}/a.yaml:2: the key 'kind' appears twice" in errors
    assert f"{tmp_path}/b.yaml:1: -1 devices" in errors


FIFTY_MB = 50 * 1024**2
HOSTILE = {
    "one text": ("metadata: {name: '", "x", "'}\n"),
    "one list": ("spec: {containers: [", "{name: a}, ", "]}\n"),
    "members of no kind": ("items: [", "{}, ", "]\n"),
    "nothing but comments": ("metadata: {name: p}\n", "# a comment\n", ""),
    "never closed": ("spec: ", "[", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", HOSTILE)
def test_a_manifest_of_fifty_megabytes_is_soon_refused(tmp_path: Path, shape: str) -> None:
    head, filling, end = HOSTILE[shape]
    with (tmp_path / "large.yaml").open("w", encoding="utf-8") as file:
        file.write("apiVersion: v1\nkind: Pod\n" + head + filling * (FIFTY_MB // len(filling)) + end)
    begin = time.monotonic()
    code, lines, errors = inspect(tmp_path)
    assert (code, lines) == (2, [])
    assert re.search("larger than 8 MiB|more than 500,000 values|deeper than 100|says no kind", errors)
    assert time.monotonic() - begin < 10
