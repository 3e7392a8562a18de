"""Countries: which codes there are, what people write instead, and what a pack makes of them over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gatekeeper.country_files import known_countries, load_countries
from gatekeeper.customer_files import load_customers
from gatekeeper.domain.country import Country, CountryKind, CountryTable
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier
from gatekeeper.policy_files import bundled_dir, load_pack

TABLE = known_countries()
TIERS = load_pack(bundled_dir() / "us-ai-diffusion").tiers
TODAY = date(2026, 11, 22)
# As iso3166.tab of the IANA time zone database lists them (2023-04-05).
ISO = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AQ",
        "AR",
        "AS",
        "AT",
        "AU",
        "AW",
        "AX",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BL",
        "BM",
        "BN",
        "BO",
        "BQ",
        "BR",
        "BS",
        "BT",
        "BV",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CC",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CK",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CX",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "EH",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FK",
        "FM",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GF",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GP",
        "GQ",
        "GR",
        "GS",
        "GT",
        "GU",
        "GW",
        "GY",
        "HK",
        "HM",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IO",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KI",
        "KM",
        "KN",
        "KP",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MF",
        "MG",
        "MH",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MP",
        "MQ",
        "MR",
        "MS",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NF",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NR",
        "NU",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PM",
        "PN",
        "PR",
        "PS",
        "PT",
        "PW",
        "PY",
        "QA",
        "RE",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SH",
        "SI",
        "SJ",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SX",
        "SY",
        "SZ",
        "TC",
        "TD",
        "TF",
        "TG",
        "TH",
        "TJ",
        "TK",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TV",
        "TW",
        "TZ",
        "UA",
        "UG",
        "UM",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VI",
        "VN",
        "VU",
        "WF",
        "WS",
        "YE",
        "YT",
        "ZA",
        "ZM",
        "ZW",
    ]
)


def test_every_code_of_iso_3166_1_is_there_with_three_letters_of_its_own() -> None:
    assert len(ISO) == 249
    found = {each.code: each.alpha3 for each in TABLE.countries.values() if each.alpha3 and each.code != "XK"}
    assert found.keys() == ISO
    assert len(set(found.values())) == 249


@pytest.mark.parametrize("code", ["XK", "HK", "MO", "UA-43", "UA-09", "UA-14", "GE-AB", "GE-SO", "CY-TRNC"])
def test_rows_beyond_iso_that_matter_are_there(code: str) -> None:
    assert TABLE.countries[code].name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("P.R. China", "CN"),
        ("china", "CN"),
        ("Hong Kong SAR", "HK"),
        ("Macao", "MO"),
        ("Korea, South", "KR"),
        ("UA-CRI", "UA-43"),
        ("CHE", "CH"),
        ("Côte d’Ivoire", "CI"),
        ("cote d'ivoire", "CI"),
        ("Taiwan", "TW"),
        ("中国", "CN"),
        ("Россия", "RU"),
    ],
)
def test_free_text_is_a_country_where_an_alias_matches_whole(text: str, code: str) -> None:
    found = TABLE.find(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("text", ["Bahran", "South Corea", "Chin", "Hong Kong Ltd", "", "United", "x" * 5_000])
def test_what_is_merely_similar_is_no_country(text: str) -> None:
    assert TABLE.find(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("UK", "'UK' is no ISO code; GB is."),
        ("EL", "'EL' is no ISO code; GR is."),
        ("AN", "'AN' (Netherlands Antilles) was withdrawn in 2010; say BQ, CW or SX."),
        ("SU", "withdrawn in 1992"),
        ("TP", "say TL."),
        ("Bahran", "if you mean Bahrain, say BH."),
        ("P.R. China", "that of China is CN."),
        ("US-CA", "say US."),
        ("XX", "'XX' is no code of a country."),
    ],
)
def test_a_wrong_code_is_refused_with_what_may_be_meant(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        TABLE.checked(text)
    assert told in refused.value.message


@pytest.mark.parametrize("code", [*TABLE.historic, *TABLE.mistaken, "XX", ""])
def test_a_code_that_is_not_in_use_is_unresolved_on_every_day(code: str) -> None:
    for day in (date(1970, 1, 1), TODAY, date(2100, 1, 1)):
        assert TIERS.tier_of(code, day) is Tier.UNRESOLVED


@pytest.mark.parametrize(
    ("code", "day", "tier"),
    [
        ("KH", date(2025, 11, 6), Tier.THREE),
        ("KH", date(2025, 11, 7), Tier.TWO),
        ("CY", TODAY, Tier.TWO),
        ("CN", TODAY, Tier.THREE),
        ("HK", TODAY, Tier.THREE),
        ("MO", TODAY, Tier.THREE),
        ("XK", TODAY, Tier.TWO),
        ("AE", TODAY, Tier.TWO),
        ("TW", TODAY, Tier.ONE),
        ("CN", date(2024, 6, 1), Tier.THREE),
        ("CN", date(2024, 1, 1), Tier.UNRESOLVED),
        ("US", date(2025, 1, 13), Tier.ONE),
        ("US", date(2025, 1, 12), Tier.UNRESOLVED),
        ("MO", date(2025, 1, 12), Tier.THREE),
        ("CY", date(2024, 5, 29), Tier.THREE),
        ("CY", date(2024, 5, 30), Tier.UNRESOLVED),
        ("KH", date(2022, 1, 1), Tier.THREE),
    ],
)
def test_tiers_follow_the_lists_over_time(code: str, day: date, tier: Tier) -> None:
    assert TIERS.tier_of(code, day) is tier


def test_no_dependency_of_a_partner_is_a_partner() -> None:
    partners = {code for code in TIERS.rows if TIERS.tier_of(code, TODAY) is Tier.ONE}
    assert len(partners) == 19
    dependent = {code for code, state in TABLE.parents.items() if state in partners}
    assert {"BM", "KY", "VG", "GG", "JE", "IM", "GL", "FO", "NC", "PR"} <= dependent
    assert {TIERS.tier_of(code, TODAY) for code in dependent} == {Tier.TWO}
    assert all(TIERS.partner_of(code, TODAY) for code in dependent)


@pytest.mark.parametrize(
    ("code", "reason"), [("BM", "hq.dependency"), ("UA-43", "hq.occupied"), ("SU", "hq.unknown_country")]
)
def test_reviewers_see_why_a_place_is_not_simply_its_state(code: str, reason: str) -> None:
    party = Party("lab", PartyKind.ORG, "Lab", code, (), "listed company")
    assert resolve({"lab": party}, "lab", TIERS, TODAY).deciding.code == reason


def test_a_part_without_a_row_is_never_milder_than_its_state() -> None:
    rows = {"CN": TIERS.rows["CN"]}
    assert replace(TIERS, rows=rows).tier_of("HK", TODAY) is Tier.THREE


def test_an_occupied_part_has_the_tier_that_a_pack_gives_it_and_else_none() -> None:
    assert TIERS.tier_of("UA-43", TODAY) is Tier.UNRESOLVED
    row = replace(TIERS.rows["CN"][0], country="UA-43")
    assert replace(TIERS, rows={"UA-43": (row,)}).tier_of("UA-43", TODAY) is Tier.THREE


def test_a_file_with_the_wrong_code_is_refused_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("format: 1\ncustomer: lab\nparties:\n  - id: lab\n    legal_name: Lab\n    headquarters: UK\n")
    with pytest.raises(InvalidInput, match=r"lab.yaml:6:5: 'UK' is no ISO code; GB is\."):
        load_customers([path])


def test_the_older_form_of_the_file_is_read_still(tmp_path: Path) -> None:
    (tmp_path / "countries.yaml").write_text(
        "format: 1\nas_of: 2026-11-22\nsource: a test\ncountries: {DE: Germany, FR: France}\n"
    )
    assert load_countries(tmp_path).codes == {"DE", "FR"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("  GL: {name: Greenland, alpha3: GRL, kind: dependency}", "needs a parent"),
        ("  GL: {name: Greenland, alpha3: GRL, parent: DK}", "has no parent"),
        ("  GL: {name: Greenland, alpha3: GRL, kind: dependency, parent: XX}", "no other country"),
        ("  GL: {name: Greenland, alpha3: DEU, kind: dependency, parent: DE}", "DEU stands for DE already"),
        ("  GL: {name: germany, alpha3: GRL, kind: dependency, parent: DE}", "means both"),
        ("  GL: {name: Greenland, alpha3: GRL, source: nowhere}", "id of no source"),
        ("  DE-X: {name: Part, alpha3: GRL, kind: region, parent: DE}", "a part of one has none"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_at_its_place(tmp_path: Path, line: str, told: str) -> None:
    head = "format: 2\nas_of: 2026-11-22\nsource: a test\ncountries:\n  DE: {name: Germany, alpha3: DEU}\n"
    (tmp_path / "countries.yaml").write_text(f"{head}{line}\n")
    with pytest.raises(InvalidInput, match=rf"countries.yaml:\d+:\d+: .*{told}"):
        load_countries(tmp_path)


def test_a_code_in_use_cannot_be_historic_too() -> None:
    germany = Country("DE", "Germany", CountryKind.COUNTRY, "DEU")
    france = Country("FR", "France", CountryKind.COUNTRY, "FRA")
    with pytest.raises(InvalidInput, match="in use"):
        CountryTable({"DE": germany, "FR": france}, mistaken={"DE": "FR"})
