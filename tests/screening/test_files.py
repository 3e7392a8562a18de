"""Lists as files: what is read of each publisher's form, and where an error is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.list_files import read_list

CSL_HEADER = "_id,source,entity_number,type,programs,name,addresses,start_date,end_date,alt_names,nationalities"
CSL_ROW = (
    '9a,Entity List (EL),77,Entity,,"Korvet Dynamics, Zavod","Road 1, Tomsk, RU; Road 2, Minsk, BY",2024-05-01,,'
    "Korvet Works; KDZ,"
)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_consolidated_screening_list_is_read_from_csv(tmp_path: Path) -> None:
    (entry,) = read_list(written(tmp_path, "csl.csv", f"\ufeff{CSL_HEADER}\r\n{CSL_ROW}\r\n"), "csl").entries
    assert entry.names == ("Korvet Dynamics, Zavod", "Korvet Works", "KDZ")
    assert (entry.source, entry.number, entry.countries) == ("Entity List (EL)", "77", ("BY", "RU"))
    assert (entry.begins, entry.ends, entry.kind) == (date(2024, 5, 1), None, "entity")


def test_a_consolidated_screening_list_is_read_from_json_piece_by_piece(tmp_path: Path) -> None:
    one = {"source": "SDN", "entity_number": 5, "name": "Zarya Plant", "alt_names": ["Заря"], "programs": ["P1"]}
    filler = {"source": "SDN", "name": "x" * 900, "addresses": [{"country": "IR"}], "alt_names": None}
    many = [one, *({**filler, "entity_number": number} for number in range(3_000))]
    found = read_list(written(tmp_path, "csl.json", json.dumps({"total": 3001, "results": many})), "csl").entries
    assert len(found) == 3_001
    assert (found[0].names, found[0].programs, found[1].countries) == (("Zarya Plant", "Заря"), ("P1",), ("IR",))


def test_ofacs_files_are_read_with_the_other_names_beside_them(tmp_path: Path) -> None:
    sdn = '12,"OVSYANNIKOV, Sergey",individual,"SDGT] [IRGC",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a'
    alt = '12,1,"aka","OVSIANNIKOV, S.",-0- \r\n12,2,fka,-0- ,-0- \r\n'
    read = read_list(written(tmp_path, "sdn.csv", sdn), "sdn", alt=written(tmp_path, "alt.csv", alt))
    (entry,) = read.entries
    assert entry.names == ("OVSYANNIKOV, Sergey", "OVSIANNIKOV, S.")
    assert (entry.number, entry.programs, entry.kind) == ("12", ("IRGC", "SDGT"), "individual")


def test_ofacs_json_has_the_fields_of_its_xml(tmp_path: Path) -> None:
    fields = {
        "uid": 12,
        "firstName": "Sergey",
        "lastName": "OVSYANNIKOV",
        "sdnType": "Individual",
        "programList": {"program": ["SDGT"]},
        "akaList": {"aka": [{"lastName": "OVSIANNIKOV", "firstName": "S."}]},
    }
    text = json.dumps({"sdnList": {"publshInformation": {}, "sdnEntry": [fields]}})
    (entry,) = read_list(written(tmp_path, "sdn.json", text), "sdn").entries
    assert (entry.names, entry.number) == (("Sergey OVSYANNIKOV", "S. OVSIANNIKOV"), "12")


def test_a_list_that_cannot_be_called_so_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_list(written(tmp_path, "csl.csv", f"{CSL_HEADER}\n{CSL_ROW}\n{CSL_ROW}\n"), "Bad List")
    assert caught.value.message == "'Bad List' cannot be the id of a list."


def test_all_errors_are_told_by_row_and_column_and_nothing_is_read(tmp_path: Path) -> None:
    rows = [CSL_HEADER, CSL_ROW, CSL_ROW.replace("2024-05-01", "1 May"), "a,b", CSL_ROW.replace("Entity List (EL)", "")]
    with pytest.raises(InvalidInput) as told:
        read_list(written(tmp_path, "csl.csv", "\n".join(rows)), "csl")
    assert str(told.value).split("\n") == [
        "csl.csv:3: start_date: '1 May' is no day like 2026-11-22.",
        "csl.csv:4: has 2 columns, the header has 11.",
        "csl.csv:5: source: is empty.",
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "", "no entry"),
        ("a.csv", f"{CSL_HEADER}\n", "no entry"),
        ("a.csv", "what,is,this,file\n", "ent_num: 'what' is no number"),
        ("a.csv", '1,"open', "unexpected end of data"),
        ("a.csv", f'1,"{"x" * 300_000}",entity,P\n', "field larger than field limit"),
        ("a.json", '{"other": []}', "without a list of entries"),
        ("a.json", '{"results": [{"source": "SDN"', "no whole JSON"),
        ("a.json", '{"results": ["text"]}', "entry 1: is no object"),
        ("a.json", '{"results": [{"source": "SDN", "name": ""}]}', "entry 1: name: is empty"),
        ("a.json", '{"results": [{"source": "SDN", "name": "A", "addresses": 5}]}', "does not belong there"),
        ("a.json", '{"results": [{"source": "SDN", "name": "Zarya", "name": "Nobody"}]}', "'name' stands twice"),
        ("a.json", '{"results": ' + "[" * 100_000, "no whole JSON"),
        ("a.json", '{"results": [' + "9" * 5_000 + "]}", "no whole JSON"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_list(written(tmp_path, name, text), "csl")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"1,\x81\xff,entity,P\n", "neither UTF-8 nor Windows-1252"),
        ("1,A,entity,P\n".encode("utf-16"), "is UTF-16"),
        (b"1,A\0,entity,P\n", "zero byte"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes, told: str) -> None:
    (tmp_path / "a.csv").write_bytes(raw)
    with pytest.raises(InvalidInput, match=told):
        read_list(tmp_path / "a.csv", "sdn")


def test_letters_of_windows_are_read_and_told(tmp_path: Path) -> None:
    (tmp_path / "sdn.csv").write_bytes('7,"PEÑA – “EL NIÑO”, José",individual,"SDNTK",-0- \r\n'.encode("cp1252"))
    read = read_list(tmp_path / "sdn.csv", "sdn")
    assert read.entries[0].names == ("PEÑA – “EL NIÑO”, José",)
    assert read.remarks == ("sdn.csv is not UTF-8 and was read as Windows-1252.",)


def test_the_hash_of_a_list_is_that_of_its_file(tmp_path: Path) -> None:
    import hashlib

    path = written(tmp_path, "csl.csv", f"{CSL_HEADER}\n{CSL_ROW}\n")
    assert read_list(path, "csl").sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
