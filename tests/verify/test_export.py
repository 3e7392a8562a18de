"""An export verifies as it was written, and not after any change."""

import json
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.checkpoint import VerifierKey
from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.export import ExportHeader
from gatekeeper.domain.record import JsonValue, Record, RecordType, canonical_json
from gatekeeper.verify import Report, Wrong, verify_export
from tests.verify.books import KEY, ORIGIN, Books, a_days_work, export_of, note_over

LEAVES = a_days_work().leaves
EXPORT = export_of(LEAVES)
HEADER = EXPORT.split(b"\n", 1)[0]


def verify(export: bytes, *, since: bytes | None = None, key: VerifierKey | str = KEY) -> Report:
    return verify_export(BytesIO(export), key, since=None if since is None else BytesIO(since))


def first_problem(export: bytes, *, since: bytes | None = None) -> str:
    report = verify(export, since=since)
    assert not report.verified
    return str(report.problems[0])


def lines_of(leaves: list[bytes]) -> bytes:
    return b"".join(leaf + b"\n" for leaf in leaves)


def test_an_export_as_written_is_verified() -> None:
    report = verify(EXPORT, key=str(KEY))
    assert (report.verified, report.problems, report.size, report.origin) == (True, (), len(LEAVES), ORIGIN)


def test_a_file_is_verified_as_its_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_bytes(EXPORT)
    assert verify_export(path, KEY).root == verify(EXPORT).root
    assert verify_export(str(path), KEY).verified


def test_an_empty_log_is_verified() -> None:
    assert verify(export_of([])).verified


@settings(max_examples=400)
@given(st.data())
def test_one_changed_bit_anywhere_is_found(data: st.DataObject) -> None:
    changed = bytearray(EXPORT)
    bit = data.draw(st.integers(0, len(EXPORT) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify(bytes(changed)).verified


def test_one_changed_bit_anywhere_in_the_header_is_found() -> None:
    """Every bit, as the header is where two spellings of one value could hide a change."""
    for bit in range((len(HEADER) + 1) * 8):
        changed = bytearray(EXPORT)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify(bytes(changed)).verified, bit


@settings(max_examples=50)
@given(st.integers(0, len(EXPORT) - 1))
def test_a_file_cut_anywhere_is_found(length: int) -> None:
    assert not verify(EXPORT[:length]).verified


@settings(max_examples=50)
@given(st.integers(0, len(EXPORT)), st.binary(min_size=1, max_size=3))
def test_bytes_put_in_anywhere_are_found(offset: int, inserted: bytes) -> None:
    assert not verify(EXPORT[:offset] + inserted + EXPORT[offset:]).verified


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_a_removed_line_is_found(index: int) -> None:
    assert "ends after" in str(verify(HEADER + b"\n" + lines_of(LEAVES[:index] + LEAVES[index + 1 :])).problems[-1])


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_a_line_that_stands_twice_is_found(index: int) -> None:
    assert "More follows" in str(verify(HEADER + b"\n" + lines_of(LEAVES[: index + 1] + LEAVES[index:])).problems[-1])


@pytest.mark.parametrize("index", range(len(LEAVES) - 1))
def test_two_lines_in_another_order_are_found(index: int) -> None:
    swapped = [*LEAVES[:index], LEAVES[index + 1], LEAVES[index], *LEAVES[index + 2 :]]
    assert "root over all lines differs" in str(verify(HEADER + b"\n" + lines_of(swapped)).problems[-1])


def test_a_figure_changed_in_a_way_that_still_adds_up_is_found_by_the_root() -> None:
    changed = [leaf.replace(b"acme-train", b"acme-tests") for leaf in LEAVES]
    report = verify(HEADER + b"\n" + lines_of(changed))
    assert [str(each) for each in report.problems] == [
        "The records are not those that were signed: the root over all lines differs from the checkpoint's."
    ]


def test_the_problem_names_line_and_byte() -> None:
    broken = [*LEAVES[:3], LEAVES[3].replace(b'"v":1', b'"v":2'), *LEAVES[4:]]
    offset = len(HEADER) + 1 + len(lines_of(LEAVES[:3]))
    found = first_problem(HEADER + b"\n" + lines_of(broken))
    assert found == f"line 5, byte {offset}: Record version 2 is unknown; this reader knows 1."


def test_another_key_does_not_verify() -> None:
    other = VerifierKey(ORIGIN, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    report = verify(EXPORT, key=other)
    assert not report.verified
    assert "not by log.example/gatekeeper" in str(report.problems[0])


def test_an_export_signed_by_a_key_that_it_brings_along_does_not_verify() -> None:
    note = note_over(LEAVES, private=Ed25519PrivateKey.generate())
    assert "is signed by" in first_problem(ExportHeader(ORIGIN, len(LEAVES), note).line() + lines_of(LEAVES))


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"name\+id\+base64"):
        verify(EXPORT, key="key")


def test_a_file_that_is_not_there_could_not_be_verified(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        verify_export(tmp_path / "nowhere", KEY)
    with pytest.raises(Unavailable, match="cannot be read"):
        verify_export(tmp_path, KEY)


@pytest.mark.parametrize("size", [0, len(LEAVES) - 1, len(LEAVES) + 1])
def test_a_header_that_lies_about_the_size_is_found(size: int) -> None:
    lying = ExportHeader(ORIGIN, size, note_over(LEAVES)).line() + lines_of(LEAVES)
    assert "its signed checkpoint says" in first_problem(lying)


def test_a_header_that_lies_about_the_origin_is_found() -> None:
    lying = ExportHeader("log.example/other", len(LEAVES), note_over(LEAVES)).line() + lines_of(LEAVES)
    assert "its signed checkpoint says" in first_problem(lying)


FIELDS: dict[str, JsonValue] = {
    "format": "compute-gatekeeper-export/1",
    "origin": ORIGIN,
    "size": 0,
    "checkpoint": note_over([]),
}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"\n", "not JSON", id="empty line"),
        pytest.param(b"[]\n", "not an export", id="list"),
        pytest.param(canonical_json({**FIELDS, "format": "x/2"}) + b"\n", "not an export", id="another format"),
        pytest.param(canonical_json({**FIELDS, "vkey": str(KEY)}) + b"\n", "exactly the fields", id="brings a key"),
        pytest.param(canonical_json({**FIELDS, "size": "0"}) + b"\n", "whole number", id="size is a text"),
        pytest.param(canonical_json({**FIELDS, "size": False}) + b"\n", "whole number", id="size is false"),
        pytest.param(canonical_json({**FIELDS, "size": -1}) + b"\n", "whole number", id="negative size"),
        pytest.param(canonical_json({**FIELDS, "checkpoint": 1}) + b"\n", "are texts", id="checkpoint is a number"),
        pytest.param(json.dumps(FIELDS).encode() + b"\n", "canonical", id="blanks"),
        pytest.param(canonical_json(FIELDS), "no newline", id="no newline"),
        pytest.param(b"x" * 200_000, "longer than allowed", id="endless line"),
    ],
)
def test_an_odd_header_is_refused(header: bytes, said: str) -> None:
    assert said in first_problem(header)


def test_a_line_without_end_is_not_read_into_memory() -> None:
    asked: list[int] = []

    class Endless:
        def __iter__(self) -> Iterator[bytes]:
            yield HEADER + b"\n"
            while True:
                asked.append(1)
                yield b"x" * 70_000

    report = verify_export(Endless(), KEY)
    assert "longer than allowed" in str(report.problems[0])
    assert len(asked) == 1


def test_an_endless_line_of_a_file_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_bytes(HEADER + b"\n" + b"x" * 1_000_000)
    assert "line 2" in str(verify_export(path, KEY).problems[0])
    assert "longer than allowed" in str(verify_export(path, KEY).problems[0])


def test_problems_are_counted_but_not_all_kept() -> None:
    leaves = [b"nonsense"] * 150
    report = verify(export_of(leaves))
    assert (len(report.problems), report.problems_found) == (100, 150)


@pytest.mark.parametrize("size", [0, 1, 7, len(LEAVES)])
def test_an_export_continues_each_older_one(size: int) -> None:
    assert verify(EXPORT, since=export_of(LEAVES[:size])).verified


def test_an_export_that_rewrote_history_is_found_and_the_line_named() -> None:
    older = [*LEAVES[:4], LEAVES[4].replace(b"acme", b"acne"), *LEAVES[5:8]]
    report = verify(EXPORT, since=export_of(older))
    assert [each.line for each in report.problems] == [6, 9]
    assert "differs from the same line of the older export" in str(report.problems[0])
    assert "not those of the older export's checkpoint" in str(report.problems[1])


def test_an_export_that_is_shorter_than_an_older_one_is_found() -> None:
    assert "records were removed" in first_problem(export_of(LEAVES[:5]), since=EXPORT)


def test_an_older_export_of_another_key_says_nothing() -> None:
    note = note_over(LEAVES[:3], private=Ed25519PrivateKey.generate())
    older = ExportHeader(ORIGIN, 3, note).line() + lines_of(LEAVES[:3])
    assert "older export is refused" in first_problem(EXPORT, since=older)


def test_an_older_export_that_was_cut_is_named_as_the_damaged_one() -> None:
    older = export_of(LEAVES[:5])
    assert "older export is damaged at line 6" in first_problem(EXPORT, since=older[:-1])


class RefusesRefusals:
    """A further check, as another part of the product could bring it."""

    def see(self, record: Record) -> None:
        if record.type is RecordType.WORKLOAD_REFUSED:
            raise Wrong("Nobody is refused on a Sunday.")


def test_a_further_check_sees_each_record_and_its_sentence_gets_the_line() -> None:
    report = verify_export(BytesIO(EXPORT), KEY, checks=[RefusesRefusals()])
    assert [(each.line, each.message) for each in report.problems] == [
        (len(LEAVES) + 1, "Nobody is refused on a Sunday.")
    ]


def test_without_recomputation_only_bytes_and_signature_are_checked() -> None:
    books = Books()
    books.add(RecordType.RESERVATION_VOIDED, {"reservation": "never-was"})
    export = export_of(books.leaves)
    assert not verify_export(BytesIO(export), KEY).verified
    assert verify_export(BytesIO(export), KEY, recompute=False).verified


@pytest.mark.slow
def test_a_hundred_thousand_records_are_verified_in_the_memory_of_a_few(tmp_path: Path) -> None:
    refusal = LEAVES[-1]
    number = json.loads(refusal)["id"].encode()
    leaves = [refusal.replace(number, number[:24] + b"%012x" % index) for index in range(100_000)]
    path = tmp_path / "export.jsonl"
    path.write_bytes(export_of(leaves))
    tracemalloc.start()
    try:
        report = verify_export(path, KEY)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (report.verified, report.size) == (True, 100_000)
    assert peak_bytes < 2_000_000
