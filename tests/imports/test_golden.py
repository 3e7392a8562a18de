"""GLEIF's files as they are read: large ones in little memory, as CSV or zip, whole or as what has changed."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.imports.gleif import GoldenCopy, read_gleif
from tests.imports.golden_copies import DIRECT, HOLDING, LAB, LEI2, OTHER, REPEX, RR, TOP, ULTIMATE, entry, table, word
from tests.leis import with_check_digits
from tests.registry.office import NOON


def test_parents_are_found_up_the_chain_and_funds_are_not_followed(tmp_path: Path) -> None:
    lei2 = table(tmp_path / "lei2", LEI2, entry(TOP, "CN"), entry(LAB, "US"), entry(HOLDING, "SG"), entry(OTHER, "CN"))
    rr = table(
        tmp_path / "rr",
        RR,
        [HOLDING, TOP, ULTIMATE, "ACTIVE"],
        [LAB, HOLDING, DIRECT, "ACTIVE"],
        [LAB, OTHER, "IS_FUND-MANAGED_BY", "ACTIVE"],
        [LAB, OTHER, DIRECT, "INACTIVE"],
    )
    repex = table(tmp_path / "repex", REPEX, [TOP, "ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT", "NON_PUBLIC"])
    found = read_gleif({LAB}, GoldenCopy(lei2, rr, repex), at=NOON)
    assert {lei: each.headquarters for lei, each in found.items()} == {LAB: "US", HOLDING: "SG", TOP: "CN"}
    assert (found[LAB].parents, found[HOLDING].parents) == ((HOLDING,), (TOP,))
    assert found[TOP].exceptions == ("NON_PUBLIC",)
    assert len(found[LAB].files) == 3


def test_a_line_inside_of_a_cell_is_no_row(tmp_path: Path) -> None:
    forged = 'Street\n"' + '","'.join(entry(LAB, "US", name="Forged"))
    lei2 = table(tmp_path / "lei2", LEI2, entry(OTHER, "DE", name=forged), entry(LAB, "CN"))
    assert read_gleif({LAB}, GoldenCopy(lei2), at=NOON)[LAB].headquarters == "CN"


def test_a_sign_that_ends_lines_elsewhere_ends_no_row(tmp_path: Path) -> None:
    path = tmp_path / "lei2"
    path.write_text("\n".join([",".join(LEI2), ",".join(entry(LAB, "CN", name="A\u2028B\x85C"))]), encoding="utf-8")
    assert read_gleif({LAB}, GoldenCopy(path), at=NOON)[LAB].headquarters == "CN"


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    rows = (entry(with_check_digits(f"{each:018d}"), "DE", name="x" * 400) for each in range(10, 20_000))
    lei2 = table(tmp_path / "lei2", LEI2, *rows, entry(LAB, "CN"))
    tracemalloc.start()
    assert read_gleif({LAB}, GoldenCopy(lei2), at=NOON)[LAB].headquarters == "CN"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000 < lei2.stat().st_size


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "lei2:1: the column LEI is missing"),
        (b'"LEI","Entity.LegalName"\n', "the column Entity.HeadquartersAddress.Country is missing"),
        (b'"LEI","LEI"\n', "lei2:1: the column LEI stands twice"),
        (",".join(LEI2).encode() + b'\n"x', "lei2:2: a quoted cell does not end"),
        (b"x" * 1_100_000, "lei2:1: the line is longer than 1 MiB"),
        (b"x" * 200_000, "lei2:1: no CSV in the row that begins here: field larger"),
        (",".join(LEI2).encode() + f"\n{LAB},{'x' * 200_000}".encode(), "lei2:2: no CSV in the row"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "lei2"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        read_gleif({LAB}, GoldenCopy(path), at=NOON)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([LAB, "NOTALEI", ULTIMATE, "ACTIVE"], r"rr:2: the parent 'NOTALEI' of .* is no LEI"),
        ([LAB, "NOTALEI", "IS_OWNED_SOMEHOW", "ACTIVE"], "rr:2: the parent 'NOTALEI'"),
        ([f"{LAB}X", TOP, ULTIMATE, "ACTIVE"], "rr:2: .* begins like the LEI of one of ours and is none"),
    ],
)
def test_a_relationship_of_ours_that_cannot_be_read_is_an_error(tmp_path: Path, row: list[str], says: str) -> None:
    lei2, rr = table(tmp_path / "lei2", LEI2, entry(LAB, "US")), table(tmp_path / "rr", RR, row)
    with pytest.raises(InvalidInput, match=says):
        read_gleif({LAB}, GoldenCopy(lei2, rr), at=NOON)
    assert read_gleif({OTHER}, GoldenCopy(lei2, rr), at=NOON) == {}


def test_a_relationship_of_a_type_that_nobody_knows_counts_as_a_parent(tmp_path: Path) -> None:
    lei2 = table(tmp_path / "lei2", LEI2, entry(LAB, "US"), entry(TOP, "CN"))
    rr = table(tmp_path / "rr", RR, [LAB, TOP, "IS_OWNED_SOMEHOW", "ACTIVE"], [LAB, "X", ULTIMATE, "INACTIVE"])
    found = read_gleif({LAB}, GoldenCopy(lei2, rr), at=NOON)[LAB]
    assert (found.parents, found.ultimates) == ((TOP,), ())


def test_an_entry_of_ours_that_cannot_be_read_is_an_error_and_all_are_told_at_once(tmp_path: Path) -> None:
    lei2 = table(tmp_path / "lei2", LEI2, entry(LAB, "UK"), entry(OTHER, "XX"))
    rr = table(tmp_path / "rr", RR, [LAB, "NOTALEI", ULTIMATE, "ACTIVE"])
    with pytest.raises(InvalidInput) as caught:
        read_gleif({LAB}, GoldenCopy(lei2, rr), at=NOON)
    told = caught.value.message.splitlines()
    assert len(told) == 2
    assert f"lei2:2: the headquarters of {LAB} cannot be read: 'UK' is no country" in told[1]
    table(tmp_path / "lei2", LEI2, entry(f"{LAB}1", "US"))
    with pytest.raises(InvalidInput, match=r"lei2:2: .* begins like the LEI of one of ours and is none"):
        read_gleif({LAB}, GoldenCopy(lei2), at=NOON)


def test_junk_that_is_named_zip_is_told_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "lei2.csv.zip").write_bytes(b"junk")
    with pytest.raises(InvalidInput, match="is no zip file"):
        read_gleif({LAB}, GoldenCopy(tmp_path / "lei2.csv.zip"), at=NOON)


def test_a_delta_keeps_what_it_does_not_speak_of(tmp_path: Path) -> None:
    before = word("US", parents=(HOLDING, TOP), ultimates=(TOP,), exceptions=("NON_PUBLIC",))
    lei2 = table(tmp_path / "lei2", LEI2, entry(OTHER, "DE"))
    gone = [*RR, "DeletedAt"]
    rows = [[LAB, TOP, ULTIMATE, "ACTIVE", "2026-11-20T00:00:00Z"], [LAB, OTHER, ULTIMATE, "ACTIVE", ""]]
    files = GoldenCopy(lei2, table(tmp_path / "rr", gone, *rows), is_delta=True)
    found = read_gleif({LAB}, files, at=NOON, before=before)[LAB]
    assert (found.parents, found.ultimates, found.exceptions) == (tuple(sorted((HOLDING, OTHER))), (OTHER,), ())
    assert found.headquarters == "US"


def test_a_delta_takes_an_exception_back(tmp_path: Path) -> None:
    repex = table(tmp_path / "repex", [*REPEX, "DeletedAt"], [LAB, "X", "NO_LEI", "2026-11-20T00:00:00Z"])
    files = GoldenCopy(table(tmp_path / "lei2", LEI2), repex=repex, is_delta=True)
    found = read_gleif({LAB}, files, at=NOON, before=word("US", exceptions=("NATURAL_PERSONS", "NO_LEI")))
    assert found[LAB].exceptions == ("NATURAL_PERSONS",)


@pytest.mark.parametrize(("region", "read"), [("UA-43", "UA-43"), ("UA-30", "UA"), ("", "UA")])
def test_a_headquarters_in_a_part_that_others_hold_is_there_and_not_in_its_state(
    tmp_path: Path, region: str, read: str
) -> None:
    lei2 = table(tmp_path / "lei2", [*LEI2, "Entity.HeadquartersAddress.Region"], [*entry(LAB, "UA"), region])
    assert read_gleif({LAB}, GoldenCopy(lei2), at=NOON)[LAB].headquarters == read


def test_a_successor_is_read_with_the_entry_that_names_it(tmp_path: Path) -> None:
    columns = [*LEI2, "Entity.SuccessorEntity.1.SuccessorLEI"]
    rows = [[*entry(TOP, "CN"), ""], [*entry(LAB, "US", "MERGED"), TOP], [*entry(OTHER, "US"), ""]]
    found = read_gleif({LAB}, GoldenCopy(table(tmp_path / "lei2", columns, *rows)), at=NOON)
    assert (set(found), found[LAB].successors, found[TOP].headquarters) == ({LAB, TOP}, (TOP,), "CN")


def test_the_zip_of_gleif_is_read_as_it_is(tmp_path: Path) -> None:
    text = table(tmp_path / "lei2", LEI2, entry(LAB, "CN")).read_bytes()
    read: list[int] = []
    files = GoldenCopy(packed(tmp_path / "lei2.csv.zip", "lei2.csv", text=text))
    assert read_gleif({LAB}, files, at=NOON, tell=read.append)[LAB].headquarters == "CN"
    assert sum(read) > 0


@pytest.mark.parametrize(
    ("names", "text", "info", "says"),
    [
        ((), b"", {}, "should hold one CSV file and holds 0"),
        (("a.csv", "b.csv"), b"", {}, "should hold one CSV file and holds 2"),
        (("a.txt",), b"", {}, "should hold one CSV file"),
        (("a.csv",), b"0" * (65 * 1024**2), {}, "hold 68,157,440: too much"),
        (("a.csv",), b"x", {"compression": zipfile.ZIP_LZMA}, "packed in a way that is not read"),
    ],
)
def test_another_zip_is_refused(
    tmp_path: Path, names: Sequence[str], text: bytes, info: dict[str, Any], says: str
) -> None:
    path = packed(tmp_path / "lei2.csv.zip", *names, text=text, **info)
    with pytest.raises(InvalidInput, match=says):
        read_gleif({LAB}, GoldenCopy(path), at=NOON)


def test_a_zip_that_was_cut_off_or_changed_is_refused(tmp_path: Path) -> None:
    text = table(tmp_path / "lei2", LEI2, *(entry(OTHER, "DE", name=str(each)) for each in range(1_000))).read_bytes()
    whole = packed(tmp_path / "lei2.csv.zip", "lei2.csv", text=text).read_bytes()
    for wrong in (whole[: len(whole) // 2], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        (tmp_path / "wrong.zip").write_bytes(wrong)
        with pytest.raises(InvalidInput, match=r"wrong.zip: cannot be read: .+"):
            read_gleif({LAB}, GoldenCopy(tmp_path / "wrong.zip"), at=NOON)


def test_a_file_that_ends_in_the_middle_of_a_row_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "lei2", LEI2, entry(LAB, "CN"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InvalidInput, match=r"lei2:2: "):
        read_gleif({LAB}, GoldenCopy(path), at=NOON)


def packed(path: Path, *names: str, text: bytes = b"", **info: Any) -> Path:
    with zipfile.ZipFile(path, "w", **{"compression": zipfile.ZIP_DEFLATED, **info}) as file:
        for name in names:
            file.writestr(name, text)
    return path
