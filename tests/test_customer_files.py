"""Customers as people write them: strict, with file, line and column, and all or nothing."""

from __future__ import annotations

import time
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
    assert "norway.yaml:6:5: 'Norway' is no code of a country." in str(caught.value)


def test_every_error_of_a_party_is_told_at_once(tmp_path: Path) -> None:
    wrong = LAB.replace("NO", "QQ").replace("    no_parent_reason: listed\n", "    lei: X\n    jurisdiction: UK-ENG\n")
    wrong += "    interests: [{owner: a, share: 200}]\n    bogus: 1\n"
    told = refusal(tmp_path, wrong).splitlines()
    assert [each.partition("lab.yaml:")[2].split(":")[0] for each in told] == ["6", "9", "7", "8", "10"]
    late = LAB.replace("no_parent_reason: listed", "interests: [{owner: a, share: 2, share_min: 1}]\n    residence: NO")
    told = refusal(tmp_path, late).splitlines()
    assert "given exactly and by bounds" in told[0]
    assert "no residence" in told[1]


def test_one_customer_stands_in_one_file(tmp_path: Path) -> None:
    write(tmp_path, LAB)
    write(tmp_path, LAB, "again.yaml")
    with pytest.raises(InvalidInput, match=r"lab.yaml:2:1: customer lab stands in .*again.yaml:2:1 already"):
        load_customers([tmp_path])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAB + "    headquarters: SE\n", "lab.yaml:8:5: the key 'headquarters' stands twice."),
        (LAB + "    tier: 1\n", "lab.yaml:8:5: 'tier' is no key that belongs here; there are id, kind,"),
        (LAB.replace("headquarters", "headqarters"), "'headqarters' is no key that belongs here; do you mean head"),
        (LAB.replace("lab\n", "&a lab\n"), "lab.yaml:2:11: anchors and aliases are not accepted: write out what"),
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


def test_thousands_of_codes_that_are_none_are_refused_quickly(tmp_path: Path) -> None:
    codes = ", ".join(["Untied Kingdm"] * 20)  # to find what is meant takes milliseconds
    many = "".join(f"  - {{id: p{each}, legal_name: P, nationalities: [{codes}]}}\n" for each in range(190))
    began = time.process_time()
    said = refusal(tmp_path, LAB + many)
    assert time.process_time() - began < 8
    assert "'Untied Kingdm' is no code of a country; if you mean United Kingdom" in said
    assert "and 3780 more errors." in said


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


OWNED = """\
format: 1
customer: lab
parties:
  - id: lab
    legal_name: Lab Ltd
    headquarters: DE
    lei: 529900T8BM49AURSDO55
    jurisdiction: IE
    other_names: [Lab, "Laboratory Limited"]
    interests:
      - {owner: fund, share: 49.9999995, from: 2020-01-01, to: 2026-05-01, source: share register}
      - {owner: ana, share_min: 25, share_max: 50}
      - {owner: quiet}
  - {id: fund, legal_name: Fund, listed: [{list: us-sdn, from: 2024-02-01}], no_parent_reason: listed}
  - {id: ana, kind: person, legal_name: Ana, residence: DE, nationalities: [DE, PT]}
  - {id: quiet, legal_name: Quiet Office, branch_of: head}
  - {id: head, legal_name: Head Office}
profile:
  names: [Lab]
  address: {text: "1 Lab Street, Berlin", country: DE}
  headquarters_address_kind: office
  locations_of_use: [{text: Berlin, country: DE}]
  beneficial_owners: [Ana]
  payment: [{means: card, source: "ends 4242"}]
  email: [kyc@lab.example]
  telephone: ["+49 30 1234567"]
  access: [{ip: "2001:db8::1", at: 2026-11-01T10:00:00Z}]
  declared_training_plan: [{largest_run_flop: 3e25, purpose: a model, from: 2027-01-01, to: 2027-03-01, models: [m1]}]
  reseller_of: ""
  method: both
  ownership_complete_above_pct: 25
  attested_by: Ana, director
"""


def test_ownership_and_profile_are_read_exactly_and_written_back_the_same(tmp_path: Path) -> None:
    ((_, record),) = load_customers([write(tmp_path, OWNED)])
    lab = next(each for each in record.parties if each.id == "lab")
    ana, fund, quiet = lab.interests
    assert (ana.least, ana.most, quiet.least, quiet.most) == (25_000_000, 50_000_000, 0, None)
    # A float would have made both of them 50 percent, or neither.
    assert (fund.least, fund.most) == (49_999_999, 50_000_000)
    assert record.profile is not None
    assert record.profile.training_plans[0].largest_run_tflop == 3 * 10**13
    again = load_customers([write(tmp_path, dump(record))])[0][1]
    assert again == record
    assert again.profile == record.profile


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("lei: 529900T8BM49AURSDO55", "lei: 529900T8BM49AURSDO56", "lab.yaml:7:5: 529900T8BM49AURSDO56 is no LEI"),
        ("share: 49.9999995", "share: 1e400", "lab.yaml:11:23: '1e400' is no share between 0 and 100 percent."),
        ("share: 49.9999995", "share: -1", "lab.yaml:11:23: '-1' is no share"),
        ("share: 49.9999995", "share: nan", "'nan' is no share"),
        ("share: 49.9999995", "share: 80", "The shares of party lab sum to 105 percent from 2020-01-01 on."),
        ("share_min: 25, ", "share: 25, ", "The share of ana is given exactly and by bounds."),
        (
            "to: 2026-05-01",
            "to: 2019-05-01",
            "lab.yaml:11:9: The interest of fund ends on 2019-05-01, before it begins",
        ),
        ("from: 2020-01-01", "from: 2020-1-1", "write a day like 2026-11-22"),
        ("owner: quiet", "owner: lab", "Party lab cannot own itself."),
        ("branch_of: head", "branch_of: head, parents: [fund]", "has neither owners nor parents of its own"),
        ("nationalities: [DE, PT]", "nationalities: [German]", "if you mean Germany, say DE."),
        ("id: fund, legal_name", "id: fund, residence: DE, legal_name", "Party fund is no person"),
        ("kyc@lab.example", "not an address", "lab.yaml:18:1: 'not an address' is no e-mail address."),
        ("2001:db8::1", "300.1.1.1", "'300.1.1.1' is no IP address."),
        ("10:00:00Z", "10:00:00", "needs a moment in UTC"),
        ("3e25", "a lot", "'a lot' is not an amount of FLOP."),
        ("kind: office", "kind: po_box", "are only a po box, so nobody knows where it is run from."),
        ("kind: office", "kind: tent", "Input should be 'office', 'residence', 'po_box' or 'registered_agent'."),
        ("attested_by: Ana, director", "attested_by: null", "needs both the share and who attests it"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert OWNED.count(before) == 1
    assert says in refusal(tmp_path, OWNED.replace(before, after))


SHARED = """\
format: 1
parties:
  - {id: group, legal_name: Group, headquarters: DE, no_parent_reason: listed}
"""


def test_parties_without_a_customer_are_shared_by_the_others(tmp_path: Path) -> None:
    write(tmp_path, SHARED, "group.yaml")
    for name in ("lab", "shop"):
        text = LAB.replace("lab", name).replace("no_parent_reason: listed", "parents: [group]")
        write(tmp_path, text, f"{name}.yaml")
    records = [record for _, record in load_customers([tmp_path])]
    assert [[each.id for each in record.parties] for record in records] == [["group", "lab"], ["group", "shop"]]


def test_a_shared_party_that_is_told_in_two_ways_is_refused(tmp_path: Path) -> None:
    own = LAB.replace("no_parent_reason: listed", "parents: [group]")
    own += "  - {id: group, legal_name: Group, headquarters: CN}\n"
    assert "lab.yaml:12:5: party group is told otherwise" in refusal(tmp_path, SHARED + "---\n" + own)


def test_parties_alone_are_no_customer(tmp_path: Path) -> None:
    assert "No document names a customer" in refusal(tmp_path, SHARED)
