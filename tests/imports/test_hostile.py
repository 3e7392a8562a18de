"""Files that somebody made to do harm, or by mistake: a clear error each, and nothing of it is used."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.imports.bods import read_bods
from gatekeeper.imports.faults import FAULTS_MAX
from gatekeeper.imports.ftm import read_ftm
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import LINE_BYTES_MAX
from gatekeeper.imports.tables import read_csv, read_jsonl
from tests.imports.world import read

PARTIES = "id,legal_name,headquarters,customer\n"


def csv_of(tmp_path: Path, text: str | bytes) -> Graph:
    path = tmp_path / "p.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(read_csv, path)


def refusal(graph: Graph) -> str:
    with pytest.raises(InvalidInput) as caught:
        graph.records()
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "p.csv: the file is empty."),
        ("id,legal_name,tier\n", "p.csv:1:tier: no such column"),
        ("id,id,legal_name\n", "p.csv:1:id: the column stands twice."),
        (PARTIES + "lab,Lab\n", "p.csv:2: the row has 2 cells, and the header 4."),
        (PARTIES + "lab,Lab,Germany,\n", "p.csv:2:headquarters: 'Germany' is no code; that of Germany is DE. Leave"),
        (PARTIES + "lab,Lab,XXX,\n", "p.csv:2:headquarters: 'XXX' is no code of a country."),
        (PARTIES + "lab,Lab,UK,\n", "p.csv:2:headquarters: 'UK' is no ISO code; GB is."),
        (PARTIES + "lab,Lab,SU,\n", "p.csv:2:headquarters: 'SU' (USSR"),
        ("id,legal_name,headqarters\n", "p.csv:1:headqarters: no such column; do you mean headquarters?"),
        (PARTIES + "LAB,Lab,DE,\n", "p.csv:2:id: 'LAB' cannot be the id of a party."),
        (PARTIES + "lab,Lab,DE,\nlab,Lab,DE,\n", "p.csv:3: party lab is told at"),
        (
            PARTIES + "lab,\u202eLab,DE,\n",
            "p.csv:2: A name of party lab holds control or direction characters. Take out U+202E",
        ),
        (PARTIES + "lab,Lab\0,DE,\n", "p.csv:2: the line holds a NUL."),
        (PARTIES.encode() + b"lab,L\xffb,DE,\n", "p.csv:2: the line is not UTF-8 (byte 5). Save the file as UTF-8."),
        (PARTIES + 'lab,"Lab,DE,\n', "p.csv:2: no CSV in the row that begins here: unexpected end of data."),
        (PARTIES + 'a,A,DE,\nlab,Lab,DE,"l', "p.csv:3: no CSV in the row that begins here: unexpected end of data."),
        (PARTIES + 'a,"A\nB",DE,\nlab,Lab,D', "p.csv:4: the row has 3 cells, and the header 4."),
        (PARTIES + 'lab,"Lab"x,DE,\n', "p.csv:2: no CSV in the row that begins here: ',' expected after"),
        ('id,"legal_name\n', "p.csv:1: no CSV in the row that begins here"),
        (
            PARTIES + f'lab,"{"x" * 200_000}",DE,\n',
            "p.csv:2: no CSV in the row that begins here: field larger than field",
        ),
        ((PARTIES + "lab,Lab,DE,\n").encode("utf-16"), "p.csv:1: the file is UTF-16 or UTF-32. Save it as UTF-8."),
        ((PARTIES + "lab,Lab,DE,\n").encode("utf-32"), "p.csv:1: the file is UTF-16 or UTF-32."),
        (
            (PARTIES + "lab,Lab,DE,\n").encode("utf-16-le"),
            "the line holds a NUL. If the file is UTF-16, save it as UTF-8.",
        ),
        (
            PARTIES.replace("\n", "\r") + "lab,Lab,DE,\r",
            "p.csv:1: no CSV in the row that begins here: new-line character",
        ),
        (PARTIES + "x" * (LINE_BYTES_MAX + 1), "p.csv:2: the line is longer than 1 MiB."),
        ("asset,owner,share\nlab,fund,60\n", "p.csv:2: there is no party 'lab' that could be owned."),
        ("customer,party\nlab,nobody\n", "p.csv:2: there is no party 'nobody' in the files."),
    ],
)
def test_a_wrong_table_is_told_with_its_row_and_column(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refusal(csv_of(tmp_path, text))


@pytest.mark.parametrize(
    ("interest", "says"),
    [
        ("lab,fund,60,,2026-01-01,2025-01-01", "ends on 2025-01-01, before it begins. It begins on 2026-01-01"),
        ("lab,fund,101,,,", "'101' is no share between 0 and 100 percent"),
        ("lab,fund,1e999999999,,,", "is no share"),
        ("lab,fund,=1+1,,,", "'=1+1' is no share"),
        ("lab,fund,60,50,,", "given exactly and by bounds"),
        ("lab,lab,60,,,", "cannot own itself"),
        ("lab,,60,,,", ":owner: Field required"),
        ("lab,fund,60,,2026-13-01,", ":from: "),
    ],
)
def test_a_wrong_interest_is_told(tmp_path: Path, interest: str, says: str) -> None:
    parties = tmp_path / "parties.csv"
    parties.write_text(PARTIES + "lab,Lab,DE,lab\nfund,Fund,DE,\n")
    path = tmp_path / "interests.csv"
    path.write_text(f"asset,owner,share,share_min,from,to\n{interest}\n")
    assert says in refusal(read(read_csv, parties, path))


def test_all_that_is_wrong_in_a_table_is_told_at_once(tmp_path: Path) -> None:
    text = "id,legal_name,headquarters,lei,nationalities,owner,share,customer\n"
    text += "Lab,Lab,QQ,X,,fund,200,lab\nshop,Shop,DE,,,,,\na,A,UK,,,,,a\n,,,,,,,none\n"
    told = refusal(csv_of(tmp_path, text))
    assert [line.partition(": ")[0].partition("p.csv")[2] for line in told.splitlines()] == [
        ":2:share",
        ":2:id",
        ":2:headquarters",
        ":2:lei",
        ":4:headquarters",
        ":5",
    ]


@pytest.mark.parametrize(
    ("reader", "line"),
    [
        (read_jsonl, {"id": "lab", "legal_name": "Lab", "headquarters": "UK", "customer": "lab"}),
        (read_jsonl, {"id": "lab", "legal_name": "Lab", "jurisdiction": "UK-ENG", "customer": "lab"}),
        (read_ftm, {"id": "lab", "schema": "Company", "properties": {"name": ["Lab"], "mainCountry": ["uk"]}}),
        (
            read_bods,
            {
                "recordId": "lab",
                "recordType": "entity",
                "recordDetails": {"name": "Lab", "addresses": [{"type": "business", "country": {"code": "UK"}}]},
            },
        ),
    ],
)
def test_no_format_takes_a_code_that_files_of_ours_refuse(tmp_path: Path, reader: Any, line: dict[str, Any]) -> None:
    (tmp_path / "told.json").write_text(json.dumps(line) + "\n")
    assert "'UK' is no ISO code; GB is. Leave it out" in refusal(read(reader, tmp_path / "told.json"))


def test_shares_above_the_whole_are_refused(tmp_path: Path) -> None:
    text = "id,legal_name,owner,share,customer\nlab,Lab,a,60,lab\n"
    (tmp_path / "more.csv").write_text("asset,owner,share\nlab,b,41\n")
    (tmp_path / "p.csv").write_text(text)
    graph = read(read_csv, tmp_path / "p.csv", tmp_path / "more.csv")
    assert "The shares of party lab sum to 101 percent" in refusal(graph)


def test_all_errors_are_told_up_to_a_hundred(tmp_path: Path) -> None:
    told = refusal(csv_of(tmp_path, PARTIES + "".join(f"P{each},Lab,DE,\n" for each in range(250)))).splitlines()
    assert len(told) == FAULTS_MAX + 1
    assert told[-1] == "and 150 more errors."


def test_a_hundred_thousand_wrong_rows_are_counted_and_a_hundred_told(tmp_path: Path) -> None:
    rows = "".join(f"p{each},Lab,Germany,\n" for each in range(100_000))
    told = refusal(csv_of(tmp_path, PARTIES + rows)).splitlines()
    assert (len(told), told[-1]) == (FAULTS_MAX + 1, "and 99,900 more errors.")


def test_what_is_worth_a_look_is_counted_too(tmp_path: Path) -> None:
    graph = csv_of(tmp_path, PARTIES + "".join(f"p{each},=A,DE,\n" for each in range(250)))
    assert graph.faults.warned()[-1] == "and 150 more to look at"


def test_cells_with_line_breaks_keep_the_lines_of_the_rows_after_them(tmp_path: Path) -> None:
    text = "id,legal_name,other_names,headquarters\r\n" + 'a,A,"One\r\nTwo",DE\r\nb,B,,Nowhere\r\n'
    assert "p.csv:4:headquarters: 'Nowhere' is no code of a country" in refusal(csv_of(tmp_path, text))
    graph = csv_of(tmp_path, text.replace("Nowhere", "FR"))
    assert graph.parties()["a"].other_names == ("One", "Two")


def test_spreadsheets_of_all_countries_are_read(tmp_path: Path) -> None:
    text = '\ufeffid;legal_name;headquarters;customer\r\nlab;"Lab; ""GmbH"" & Co";DE;lab\r\n'
    assert csv_of(tmp_path, text).records()[0].parties[0].legal_name == 'Lab; "GmbH" & Co'


def test_a_formula_is_read_as_text_and_told(tmp_path: Path) -> None:
    graph = csv_of(tmp_path, PARTIES + "lab,=HYPERLINK(1),DE,lab\n")
    assert graph.records()[0].parties[0].legal_name == "=HYPERLINK(1)"
    assert "begins like a formula" in graph.faults.warnings[0]


def test_a_group_of_ten_thousand_is_refused_with_what_to_do(tmp_path: Path) -> None:
    rows = "".join(f"p{each},P,DE,p{each + 1},\n" for each in range(1, 10_000))
    text = "id,legal_name,headquarters,parents,customer\nlab,Lab,DE,p1,lab\n" + rows
    assert "customer lab has 10,000 owners; 200 is the most, so give those that matter" in refusal(
        csv_of(tmp_path, text)
    )


def test_owners_in_a_circle_are_read(tmp_path: Path) -> None:
    text = "id,legal_name,parents,customer\na,A,b,a\nb,B,a,\n"
    assert len(csv_of(tmp_path, text).records()[0].parties) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "a", "id": "b", "legal_name": "A"}', "all.jsonl:1: the key 'id' stands twice."),
        ("[1]", "all.jsonl:1: the line is no object."),
        ("{", "all.jsonl:1: no JSON"),
        ('{"legal_name": NaN}', "NaN is no number"),
        ('{"id": "a", "legal_name": "A", "tier": 1}', "all.jsonl:1:tier: no such field"),
        ('{"id": "a", "legal_name": true}', "all.jsonl:1:legal_name: Input should be a valid string."),
        ("[" * 100_000, "all.jsonl:1: nested too deeply."),
        ('{"nothing": {}}', "all.jsonl:1:nothing: no such field"),
    ],
)
def test_a_wrong_line_is_told(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text(line)
    assert says in refusal(read(read_jsonl, path))


def statement(record: str, kind: str, details: object, **more: str) -> dict[str, object]:
    return {"recordId": record, "recordType": kind, "recordDetails": details, "recordStatus": "new", **more}


def bods(tmp_path: Path, *statements: object) -> Graph:
    path = tmp_path / "s.json"
    path.write_text(json.dumps(statements))
    return read(read_bods, path, customer="xx-1")


def owned(interest: dict[str, object], party: object = "YY-2") -> dict[str, object]:
    return statement("rel", "relationship", {"subject": "XX-1", "interestedParty": party, "interests": [interest]})


LAB = statement("XX-1", "entity", {"entityType": {"type": "registeredEntity"}, "name": "Lab"})
FUND = statement("YY-2", "entity", {"entityType": {"type": "registeredEntity"}, "name": "Fund"})


def test_a_closed_statement_is_gone_and_an_updated_one_holds(tmp_path: Path) -> None:
    first = owned({"type": "shareholding", "share": {"exact": 60}})
    graph = bods(tmp_path, LAB, FUND, first, {**first, "recordStatus": "closed"})
    assert graph.parties()["xx-1"].interests == ()
    graph = bods(tmp_path, LAB, FUND, first, {**owned({"type": "shareholding", "share": {"exact": 40}})})
    assert graph.parties()["xx-1"].interests[0].most == 40_000_000


def test_an_indirect_share_counts_up_to_its_upper_bound_only(tmp_path: Path) -> None:
    share = {"exclusiveMinimum": 25, "maximum": 50}
    for how, least in (("direct", 25_000_000), ("indirect", 0)):
        graph = bods(tmp_path, LAB, FUND, owned({"type": "shareholding", "directOrIndirect": how, "share": share}))
        (interest,) = graph.parties()["xx-1"].interests
        assert (interest.least, interest.most) == (least, 50_000_000)


def test_whoever_is_unspecified_stays_unknown(tmp_path: Path) -> None:
    graph = bods(tmp_path, LAB, owned({"type": "shareholding"}, {"reason": "noBeneficialOwners"}))
    assert (graph.parties()["xx-1"].interests, graph.parties()["xx-1"].no_parent_reason) == ((), "")


def test_control_without_a_share_makes_a_parent_and_an_office_does_not(tmp_path: Path) -> None:
    assert bods(tmp_path, LAB, FUND, owned({"type": "appointmentOfBoard"})).parties()["xx-1"].parents == ("yy-2",)
    assert bods(tmp_path, LAB, FUND, owned({"type": "boardMember"})).parties()["xx-1"].parents == ()


def test_shares_and_votes_of_one_holder_are_one_interest(tmp_path: Path) -> None:
    both = [{"type": "shareholding", "share": {"exact": 60}}, {"type": "votingRights", "share": {"exact": 70}}]
    relation = statement("rel", "relationship", {"subject": "XX-1", "interestedParty": "YY-2", "interests": both})
    assert bods(tmp_path, LAB, FUND, relation).parties()["xx-1"].interests[0].most == 70_000_000


def test_one_id_in_two_spellings_is_an_error(tmp_path: Path) -> None:
    assert "is too much like 'XX-1'" in refusal(bods(tmp_path, LAB, {**LAB, "recordId": "xx-1"}))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("text", "s.json: statement 1: a statement is an object."),
        ({"recordType": "entity"}, "statement 1: recordId is missing."),
        ({**LAB, "recordStatus": "old"}, "recordStatus is new, updated or closed."),
        ({**LAB, "recordType": "planet"}, "recordType is entity, person or relationship."),
        ({**LAB, "recordDetails": []}, "recordDetails should be an object."),
        (owned({"type": "shareholding", "share": {"exact": "half"}}), "'half' is no share"),
    ],
)
def test_a_wrong_statement_is_told(tmp_path: Path, wrong: object, says: str) -> None:
    assert says in refusal(bods(tmp_path, wrong))


def ftm(tmp_path: Path, *entities: object) -> Graph:
    path = tmp_path / "e.json"
    path.write_text("\n".join(map(json.dumps, entities)))
    return read(read_ftm, path)


def entity(id_: str, schema: str, **properties: object) -> dict[str, object]:
    return {"id": id_, "schema": schema, "properties": properties}


COMPANY = entity("A", "Company", name=["A"], mainCountry=["de"], country=["cn"])


@pytest.mark.parametrize(
    ("percentage", "bounds"),
    [
        (["60"], (60_000_000, 60_000_000)),
        (["33.3333333 %"], (33_333_333, 33_333_334)),
        (["25-50"], (25_000_000, 50_000_000)),
        (["many"], (0, None)),
        ([], (0, None)),
    ],
)
def test_a_percentage_is_exact_or_its_bounds_or_unknown(
    tmp_path: Path, percentage: list[str], bounds: tuple[int, int | None]
) -> None:
    owned_by = entity("o", "Ownership", owner=["B"], asset=["A"], percentage=percentage, startDate=["2019"])
    (interest,) = ftm(tmp_path, COMPANY, owned_by).parties()["a"].interests
    assert (interest.least, interest.most, interest.begins) == (*bounds, date(2019, 1, 1))


@pytest.mark.parametrize(
    ("begin", "end", "read"),
    [
        ("2019-03", "2020-02", (date(2019, 3, 1), date(2020, 3, 1))),
        ("2019", "2020", (date(2019, 1, 1), date(2021, 1, 1))),
        ("2019-03-04", "2020-02-28", (date(2019, 3, 4), date(2020, 2, 29))),
        ("spring", "soon", (None, None)),
    ],
)
def test_a_month_or_a_year_is_read_to_the_strict_side_and_noted(
    tmp_path: Path, begin: str, end: str, read: tuple[date | None, date | None]
) -> None:
    owned_by = entity("o", "Ownership", owner=["B"], asset=["A"], startDate=[begin], endDate=[end])
    graph = ftm(tmp_path, COMPANY, owned_by)
    (interest,) = graph.parties()["a"].interests
    assert (interest.begins, interest.ends) == read
    assert len(graph.faults.warnings) == (0 if len(begin) == 10 else 2)


def test_a_month_that_is_none_is_an_error(tmp_path: Path) -> None:
    graph = ftm(tmp_path, COMPANY, entity("o", "Ownership", owner=["B"], asset=["A"], startDate=["2019-13"]))
    with pytest.raises(InvalidInput, match="2019-13"):
        graph.parties()


def test_a_share_and_an_owner_are_told_at_their_columns(tmp_path: Path) -> None:
    rows = "asset,owner,share\nlab,lab,50\nlab,b,120\nlab,c,10\nlab,c,20\n"
    told = refusal(csv_of(tmp_path, f"{rows}"))
    assert "p.csv:2:owner: party lab cannot own itself" in told
    assert "p.csv:3:share" in told
    assert re.search(r"p\.csv:5: c owns a share of lab from that day on at \S+p\.csv:4 already", told)


def test_a_customer_in_capitals_is_sent_to_the_id_that_we_made_of_it(tmp_path: Path) -> None:
    graph = ftm(tmp_path, entity("ACME", "Company", name=["Acme"]))
    graph.customer("--customer ACME", "ACME", "ACME")
    with pytest.raises(InvalidInput, match="no party 'ACME' in the files; if you mean acme, say it in lower case"):
        graph.records()


def test_directors_and_managers_of_funds_are_no_owners(tmp_path: Path) -> None:
    director = entity("d", "Directorship", director=["B"], organization=["A"])
    manager = entity("m", "Ownership", owner=["B"], asset=["A"], ownershipType=["fund management"])
    graph = ftm(tmp_path, COMPANY, director, manager)
    assert graph.parties()["a"].interests == ()
    assert "management of a fund is no ownership" in graph.faults.warnings[0]


def test_the_main_country_is_the_headquarters_and_no_other_is(tmp_path: Path) -> None:
    graph = ftm(tmp_path, COMPANY, entity("B", "Company", name=["B"], country=["cn"], jurisdiction=["vg"]))
    assert [each.headquarters for each in graph.parties().values()] == ["DE", ""]
