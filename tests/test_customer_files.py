"""Customers as people write them: strict, with file, line and column, and all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.customer_files import dump, load_customers
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.registry import KycRecord

EXAMPLES = Path(__file__).parent.parent / "examples" / "customers"
LAB = """\
format: 1
customer: lab
parties:
  - id: lab
    legal_name: Lab Ltd
    headquarters: NO
    no_parent_reason: listed
"""


def write(folder: Path, text: str, name: str = "lab.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    """The error of a file, with its folder left out."""
    with pytest.raises(InvalidInput) as caught:
        load_customers([write(folder, text)])
    return str(caught.value).replace(f"{folder}/", "")


def test_norway_is_a_country_and_not_false(tmp_path: Path) -> None:
    ((place, record),) = load_customers([write(tmp_path, LAB)])
    assert record.parties == (Party("lab", PartyKind.ORG, "Lab Ltd", "NO", (), "listed"),)
    assert place.endswith("lab.yaml:2:1")


def test_a_file_may_hold_several_customers(tmp_path: Path) -> None:
    both = LAB + "---\n" + LAB.replace("lab", "shop")
    assert [record.customer_id for _, record in load_customers([write(tmp_path, both)])] == ["lab", "shop"]


def test_a_folder_is_read_to_its_depth(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path, LAB)
    write(tmp_path / "deep", LAB.replace("lab", "shop"), "shop.yml")
    write(tmp_path, "not for us", "notes.txt")
    assert {record.customer_id for _, record in load_customers([tmp_path])} == {"lab", "shop"}


def test_a_folder_without_files_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no YAML file"):
        load_customers([tmp_path])


def test_every_error_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, LAB.replace("format: 1\n", ""))
    write(tmp_path, LAB.replace("NO", "Norway"), "norway.yaml")
    with pytest.raises(InvalidInput) as caught:
        load_customers([tmp_path])
    assert "lab.yaml:1:1: 'format' is missing." in str(caught.value)
    assert "norway.yaml:4:5: Party lab: 'Norway' is not a country code such as DE or UA-43." in str(caught.value)


def test_one_customer_stands_in_one_file(tmp_path: Path) -> None:
    write(tmp_path, LAB)
    write(tmp_path, LAB, "again.yaml")
    with pytest.raises(InvalidInput, match=r"lab.yaml:2:1: customer lab stands in .*again.yaml:2:1 already"):
        load_customers([tmp_path])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAB + "    headquarters: SE\n", "lab.yaml:8:5: the key 'headquarters' stands twice."),
        (LAB + "    tier: 1\n", "lab.yaml:8:5: 'tier' is no key that belongs here."),
        (LAB.replace("lab\n", "&a lab\n"), "lab.yaml:2:11: anchors and aliases are not accepted."),
        (LAB.replace("format: 1", "format: 2"), "lab.yaml:1:1: 'format': Input should be '1'."),
        (LAB.replace("customer: lab", "customer: Lab!"), "lab.yaml:3:1: 'Lab!' cannot be the id of a customer"),
        (LAB.replace("Lab Ltd", '"Lab \\u202eLtd"'), "lab.yaml:4:5: A name of party lab holds control"),
        (LAB + "    parents: [lab]\n", "lab.yaml:4:5: Party lab cannot be its own parent."),
        (LAB + "    parents: [group]\n", "lab.yaml:4:5: Party lab has parents and a reason for having none."),
        (LAB + "  - id: other\n    legal_name: O\n", "lab.yaml:3:1: Customer lab: party other is no owner of lab."),
        (LAB.replace("id: lab", "id: labb"), "lab.yaml:3:1: Customer lab: its own party lab is not among its parties."),
        ("", "lab.yaml:1:1: the file is empty."),
        ("- a\n- b\n", "lab.yaml:1:1: "),
        ("customer: [\n", "lab.yaml:2:1: "),
        (LAB + "#" * 1024 * 1024, "lab.yaml:1:1: the file is larger than 1 MiB."),
        ("a: " + "[" * 40 + "]" * 40, "nested deeper than 32 levels"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path, text)


def test_a_chain_of_ten_thousand_owners_is_refused_quickly(tmp_path: Path) -> None:
    many = "".join(f"  - {{id: p{each}, legal_name: P}}\n" for each in range(10_000))
    assert "'parties': Tuple should have at most 200 items" in refusal(tmp_path, LAB + many)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.yaml: cannot be read: No such file or directory"):
        load_customers([tmp_path / "nowhere.yaml"])


def test_what_is_written_out_is_read_back_the_same(tmp_path: Path) -> None:
    parties = (
        Party("lab", PartyKind.ORG, 'Läb: "Ltd" #1, NO', "NO", ("group",)),
        Party("group", PartyKind.STATE, "no"),
    )
    record = KycRecord("lab", "lab", parties)
    assert load_customers([write(tmp_path, dump(record))])[0][1] == record


def test_the_examples_can_be_read() -> None:
    assert len(load_customers([EXAMPLES])) == len(list(EXAMPLES.iterdir()))
