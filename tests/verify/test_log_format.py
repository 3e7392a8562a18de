"""docs/log-format.md tells the truth: its example verifies, with our verifier and with the one printed there."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.merkle import leaf_hash, node_hash
from gatekeeper.domain.record import RECORD_BYTES_MAX, RecordType
from gatekeeper.verify import verify_export

TEXT = (Path(__file__).parents[2] / "docs" / "log-format.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found, kind
    return found[1]


KEY = block("text key").strip()
EXPORT = block("text export").encode()


def test_the_example_verifies_and_adds_up_as_the_page_says() -> None:
    report = verify_export(BytesIO(EXPORT), KEY)
    assert report.problems == ()
    run = report.runs["llm-1"]
    assert (run.carried_in_tflop, run.settled_tflop, run.pending_tflop) == (4_000, 1_500, 0)
    assert (run.used_tflop, run.limit_tflop) == (5_500, 10_000)


def test_the_hashes_and_the_note_of_the_example_are_right() -> None:
    leaves = [leaf_hash(line) for line in EXPORT.splitlines()[1:]]
    node = node_hash(*leaves[:2])
    assert block("text hashes").split() == [each.hex() for each in (*leaves, node, node_hash(node, leaves[2]))]
    assert block("text note").replace("\n", "\\n").encode() in EXPORT


def test_the_printed_verifier_accepts_the_example_and_no_changed_one() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    names["verify"](EXPORT, KEY)
    for changed in (EXPORT.replace(b'"4000"', b'"3999"'), EXPORT[:-1], EXPORT.replace(b"\\n3\\n", b"\\n4\\n")):
        assert changed != EXPORT
        with pytest.raises(Exception):  # noqa: B017 - it is a sketch without errors of its own
            names["verify"](changed, KEY)


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert f"at most {RECORD_BYTES_MAX:,} bytes" in TEXT
    mentioned = set(re.findall(r"`((?:run|reservation)\.[a-z]+)`", TEXT))
    assert mentioned <= {each.value for each in RecordType}
