"""The packs that come with the package, and what a pack must not be."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Action, ChipAuthorization, LegalStatus, Mode, Pack, Site
from gatekeeper.domain.tier import Tier
from gatekeeper.policy_changes import cells, told
from gatekeeper.policy_files import bundled_dir, load_pack, load_packs, run_suite
from gatekeeper.policy_format import schema_text
from gatekeeper.policy_suites import CaseResult
from gatekeeper.yaml_files import read

PACKS = load_packs(bundled_dir())
TODAY = date(2026, 11, 22)
Edit = Callable[[str, str], Path]


@pytest.fixture
def diffusion() -> Pack:
    return next(pack for pack in PACKS if pack.id == "us-ai-diffusion")


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the bundled packs in which one text of us-ai-diffusion/pack.yaml is another."""
    shutil.copytree(bundled_dir(), tmp_path / "policies")

    def edit(old: str, new: str) -> Path:
        file = tmp_path / "policies" / "us-ai-diffusion" / "pack.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        return file.parent

    return edit


def cases() -> list[CaseResult]:
    return [each for pack in PACKS for each in run_suite(bundled_dir() / pack.id)]


@pytest.mark.parametrize("result", cases(), ids=lambda result: result.name)
def test_the_pack_answers_its_suite_and_samples(result: CaseResult) -> None:
    assert result.got == result.expected, result.where


def test_every_pack_has_samples_in_both_directions() -> None:
    for pack in PACKS:
        told = [each.expected for each in run_suite(bundled_dir() / pack.id) if "sentence" in each.expected]
        assert "allow" in {each["verdict"] for each in told}
        assert {each["verdict"] for each in told} & {"warn", "hold", "deny"}


def test_the_diffusion_pack_says_what_the_rule_says(diffusion: Pack) -> None:
    """90 FR 4544: 10^26 operations or more; in the CFR, not enforced, so it ships in mode warn."""
    assert diffusion.threshold is not None
    assert diffusion.threshold.amount_tflop == 10**14
    assert diffusion.threshold.reached_is_controlled
    assert diffusion.threshold.limit_tflop(TODAY) == 10**14 - 1
    assert (diffusion.legal_status, diffusion.default_mode) == (LegalStatus.IN_CFR_NOT_ENFORCED, Mode.WARN)


def test_the_tiers_of_the_diffusion_pack_count_as_its_sources_do(diffusion: Pack) -> None:
    table = diffusion.tiers
    today = {tier: {code for code in table.countries if table.tier_of(code, TODAY) is tier} for tier in Tier}
    assert len(today[Tier.ONE]) == 19  # the United States and 18 partners
    assert len(today[Tier.THREE]) == 24  # 22 of Country Group D:5, Macau, Hong Kong
    assert today[Tier.UNRESOLVED] == table.occupied  # parts of states that others hold
    in_january_2025 = {code for code in table.countries if table.tier_of(code, date(2025, 1, 15)) is Tier.THREE}
    assert in_january_2025 - today[Tier.THREE] == {"KH"}


def test_no_tier_1_customer_escapes_by_a_site_and_no_other_gets_through_without_a_budget(diffusion: Pack) -> None:
    for rule in diffusion.rules:
        if rule.action is Action.ALLOW:
            assert rule.tiers == {Tier.ONE}


def test_every_cell_of_the_table_is_decided_by_a_rule_of_its_pack() -> None:
    for pack in PACKS:
        found = list(cells(pack, day=TODAY))
        assert len(found) >= len(Tier) * len(ChipAuthorization) * 2
        for cell, tier, site in found:
            if tier is not Tier.UNRESOLVED:  # who is unresolved is refused before the table, or told of by a rule
                assert pack.rule_for(tier, site, TODAY) is not None, (pack.id, cell)


AT_HOME, ABROAD, EMBARGOED, UNKNOWN = "NL", "SG", "CN", ""
FORBIDS = (ChipAuthorization.AIA, ChipAuthorization.UVEU, ChipAuthorization.NVEU)


@pytest.mark.parametrize("country", [AT_HOME, ABROAD, EMBARGOED, UNKNOWN])
@pytest.mark.parametrize("chips", list(ChipAuthorization))
def test_the_table_of_the_diffusion_pack_is_that_of_the_rule(
    diffusion: Pack, chips: ChipAuthorization, country: str
) -> None:
    """Allowed at home; a budget that ends in a refusal where chips or place forbid it, else in an inquiry."""
    forbids, unknown = chips in FORBIDS, chips is ChipAuthorization.UNKNOWN
    done = {tier: diffusion.rule_for(tier, Site(country, chips), TODAY) for tier in (Tier.ONE, Tier.TWO, Tier.THREE)}
    found = {tier: told(rule) for tier, rule in done.items() if rule is not None}
    partner = "allow"
    if country == ABROAD:
        conditions = "budget, then hold" if chips is ChipAuthorization.LICENCE else "allow"
        partner = "budget, then deny" if forbids or unknown else conditions
    if country in (EMBARGOED, UNKNOWN):
        partner = "budget, then deny"
    assert found == {
        Tier.ONE: partner,
        Tier.TWO: "budget, then deny" if country != AT_HOME or forbids else "budget, then hold",
        Tier.THREE: "budget, then deny",
    }


def test_what_nobody_named_allows_only_where_every_name_that_it_could_have_does(diffusion: Pack) -> None:
    """And there it does: a Tier 1 customer at home notices nothing, whatever was promised for the chips."""
    places, unknown = (AT_HOME, ABROAD, EMBARGOED), ChipAuthorization.UNKNOWN
    named = [each for each in ChipAuthorization if each is not unknown]

    def is_free(tier: Tier, sites: Iterable[Site]) -> bool:
        rules = [diffusion.rule_for(tier, each, TODAY) for each in sites]
        return all(rule is not None and rule.action is Action.ALLOW for rule in rules)

    for tier in Tier:
        for country in places:
            assert is_free(tier, [Site(country, unknown)]) == is_free(tier, [Site(country, each) for each in named])
        for chips in ChipAuthorization:
            assert is_free(tier, [Site("", chips)]) == is_free(tier, [Site(each, chips) for each in places])


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_cell_of_a_shipped_pack_has_a_row_with_its_source_in_the_suite(pack: Pack) -> None:
    asked = [each for each in run_suite(bundled_dir() / pack.id) if each.name.startswith("Cell ")]
    places = {pack.tiers.tier_of(each, pack.effective_from) for each in ("", *pack.tiers.countries)}
    assert len(asked) >= 2 * len(ChipAuthorization) * len(places)
    assert all("source" in each.expected for each in asked if each.expected["rule"] != "none")


def test_a_cell_without_a_row_fails_the_suite(edited: Edit) -> None:
    folder = edited("effective_from", "effective_from")
    suite = folder / "suite.yaml"
    lines = suite.read_text().splitlines(keepends=True)
    suite.write_text("".join(each for each in lines if "rule: licence-abroad" not in each))
    failed = [each for each in run_suite(folder) if not each.passed]
    assert [each.name for each in failed] == ["Cell Tier 1, licence chips, data centre in Tier 2"]


def test_a_country_that_moves_out_of_its_tier_fails_the_suite_with_every_cell_that_nobody_asks(edited: Edit) -> None:
    folder = edited("IE, IT, JP", "IE, IN, IT, JP")
    results = run_suite(folder)
    missing = [each.name for each in results if each.got == {"row": "none"}]
    assert missing
    assert missing[0] == "Cell Tier 1, aia chips, data centre in Tier 2"
    assert len(missing) == len(set(missing))


def test_several_cells_without_a_row_are_named_strictest_last(edited: Edit) -> None:
    folder = edited("effective_from", "effective_from")
    suite = folder / "suite.yaml"
    lines = suite.read_text().splitlines(keepends=True)
    suite.write_text("".join(each for each in lines if "rule: tier-3" not in each))
    missing = [each.name for each in run_suite(folder) if each.got == {"row": "none"}]
    assert len(missing) == len(ChipAuthorization) * 4
    assert missing[0] == "Cell Tier 3, aia chips, data centre in Tier 1"
    assert missing[3] == "Cell Tier 3, aia chips, data centre in Tier 3"


def test_a_row_that_names_no_citation_is_refused_with_its_place(edited: Edit) -> None:
    folder = edited("effective_from", "effective_from")
    suite = folder / "suite.yaml"
    suite.write_text(suite.read_text().replace("source: lpp,", "source: nobody,", 1))
    with pytest.raises(InvalidInput, match=r"suite.yaml:\d+:\d+: 'nobody' is the id of no citation"):
        run_suite(folder)


def test_no_shipped_pack_says_anything_outside_of_its_days() -> None:
    for pack in PACKS:
        assert not pack.holds_on(pack.effective_from - timedelta(days=1))
    later = next(pack for pack in PACKS if pack.id == "us-ny-raise")
    assert not later.holds_on(date(2026, 12, 31))
    assert later.holds_on(date(2027, 1, 1))


def test_an_installation_that_chose_nothing_refuses_nobody() -> None:
    assert {pack.id: pack.default_mode for pack in PACKS} == {
        "eu-gpai": Mode.OBSERVE,
        "house": Mode.OFF,
        "us-ai-diffusion": Mode.WARN,
        "us-bis-2025-05-13": Mode.WARN,
        "us-ca-sb53": Mode.OBSERVE,
        "us-ny-raise": Mode.OBSERVE,
    }


@pytest.mark.parametrize("code", ["AN", "CS", "DD", "SU", "TP", "YU", "ZR", "EU", "UK", "EL", "XX", "ZZ", "us", ""])
def test_a_historic_reserved_or_invented_code_is_no_country(code: str, diffusion: Pack) -> None:
    assert diffusion.tiers.tier_of(code, TODAY) is Tier.UNRESOLVED


def test_the_countries_are_the_249_of_iso_3166_kosovo_and_seven_occupied_parts(diffusion: Pack) -> None:
    assert len(diffusion.tiers.countries - diffusion.tiers.occupied) == 250
    assert len(diffusion.tiers.occupied) == 7
    assert {"XK", "HK", "MO", "NO", "TW"} < diffusion.tiers.countries


def test_the_hash_of_a_pack_can_be_recomputed_with_sha256sum(diffusion: Pack) -> None:
    folder = bundled_dir()
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in (folder / diffusion.id / "pack.yaml", folder / "countries.yaml")
    ]
    assert diffusion.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_hash_follows_every_byte_of_pack_and_countries(edited: Edit, diffusion: Pack) -> None:
    folder = edited("# yaml-language", "#  yaml-language")
    with_comment = load_pack(folder).sha256
    countries = folder.parent / "countries.yaml"
    countries.write_text(countries.read_text().replace("name: Kosovo", "name: Kosova"))
    assert len({diffusion.sha256, with_comment, load_pack(folder).sha256}) == 3


def test_the_schema_for_editors_is_current() -> None:
    """After a change of the format write it anew; policies/README.md says how."""
    assert (bundled_dir() / "pack.schema.json").read_text() == schema_text()


def test_the_schema_knows_every_key_that_the_bundled_packs_use() -> None:
    schema = json.loads(schema_text())
    for pack in PACKS:
        assert set(read(bundled_dir() / pack.id / "pack.yaml").data) <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["TierRowPart"]["properties"]["tier"]["enum"] == ["1", "2", "3", 1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: us-ai-diffusion", "id: other", "the pack says that it is 'other', its folder is 'us-ai-diffusion'"),
        ("format: 2", "format: 3", "'format': Input should be '2'"),
        ("format: 2", "format: 1", "format 1 is no longer read"),
        ("effective_from: 2025-01-13", "effective_from: 2025-13-01", "'effective_from'"),
        ("above_percent: 10", "above_percent: 101", "'above_percent': Input should be less than or equal to 100"),
        ("op: reached", "op: above", "'op': Input should be 'reached' or 'exceeded'"),
        (
            "beyond: hold\n    inquiry: export-of-the-model\n    text: the",
            "inquiry: export-of-the-model\n    text: the",
            "names an inquiry and never holds",
        ),
        (
            "inquiry: export-of-the-model\n    text: the weights",
            "inquiry: nobody\n    text: the weights",
            "'nobody' is the id of no inquiry",
        ),
        ("action: allow", "action: allow\n    beyond: hold", "only a budget has something beyond it"),
        ("default_mode: warn", "default_mode: loud", "'default_mode': Input should be 'off', 'observe', 'warn' or"),
        ("version: 2026-11-22", "version: 2026-11-31", "'version'"),
        ("otherwise: 2", "otherwise: 1", "'otherwise': Input should be '2' or '3'"),
        ("countries: [MO]", "countries: [UK]", "'UK' is no ISO code"),
        ("countries: [MO]", "countries: [mo]", "String should match pattern"),
        ("countries: [MO]", "countries: [MO, MO]", "country 'MO' stands twice"),
        ("countries: [MO]", "countries: []", "'countries': Tuple should have at least 1 item"),
        ("to: 2025-11-07", "to: 2022-01-01", "Tier row for KH: ends before it begins"),
        ('amount: "1e26"', 'amount: "0"', "A threshold needs an amount above 0"),
        ('amount: "1e26"', 'amount: "-1e26"', "'-1e26' is not an amount of FLOP; say it as 1e26"),
        ('amount: "1e26"', 'amount: "1e40"', "is not an amount of TFLOP between 0 and 10^18"),
        ('amount: "1e26"', 'amount: "1.5"', "is not a whole number of TFLOP"),
        ("source: eccn-4e091\n", "source: nobody\n", "'nobody' is the id of no citation"),
        ("source: red-flag-28", "source: red-flag-29", "'red-flag-29' is the id of no citation"),
        ("- id: status", "- id: rule", "citation 'rule' stands twice"),
        ("code: tier-3", "code: place-unknown", "rule 'place-unknown' stands twice"),
        ("action: allow", "action: alow", "'action': Input should be 'allow', 'budget', 'notify', 'hold' or 'deny'"),
        ("tiers: [3]", "tiers: [4]", "Input should be '1', '2', '3' or 'unresolved'"),
        ("tiers: [3]", "tiers: [3]\n    nations: [US]", "'nations' is no key that belongs here"),
        ("[uveu, nveu]", "[uveu, mine]", "chip_authorizations"),
        ("shortest: 1h", "shortest: 29d", "0 < shortest <= longest <= 180 days"),
        ("shortest: 1h", "shortest: 0h", "'shortest': String should match pattern"),
        ("longest: 28d", "longest: 181d", "0 < shortest <= longest <= 180 days"),
        ("share_percent: 2", "share_percent: 0", "'share_percent': Input should be greater than or equal to 1"),
        ("warn_percent: 80", "warn_percent: 100", "'warn_percent': Input should be less than or equal to 99"),
        ("Supplement No. 3)\n", "Supplement No. 3).\n", "must not end with a dot"),
    ],
)
def test_a_wrong_pack_is_refused_with_its_place(edited: Edit, old: str, new: str, words: str) -> None:
    folder = edited(old, new)
    with pytest.raises(InvalidInput) as caught:
        load_pack(folder)
    message = str(caught.value)
    assert words in message
    file, line, column, _ = message.split(":", 3)
    assert file == str(folder / "pack.yaml")
    changed = next(
        index
        for index, text in enumerate((folder / "pack.yaml").read_text().splitlines(), 1)
        if new.split("\n", 1)[0] in text
    )
    assert abs(int(line) - changed) <= 5  # the key, or the mapping around it
    assert int(column) >= 1


def test_a_lifted_floor_lifts_the_limit(edited: Edit) -> None:
    threshold = load_pack(edited("  # floors: [{", "  floors: [{")).threshold
    assert threshold is not None
    assert threshold.limit_tflop(date(2026, 12, 31)) == 10**14 - 1
    assert threshold.limit_tflop(date(2027, 1, 1)) == 2 * 10**14 - 1


def test_floors_that_fall_are_refused_with_their_place(edited: Edit) -> None:
    line = 'source: eccn-4e091}, {amount: "1e26", from: 2028-01-01, source: eccn-4e091}]'
    folder = edited(
        '  # floors: [{amount: "2e26", from: 2027-01-01, source: eccn-4e091}]',
        '  floors: [{amount: "2e26", from: 2027-01-01, ' + line,
    )
    with pytest.raises(InvalidInput, match=r"pack\.yaml:\d+:\d+: A floor never falls"):
        load_pack(folder)


def test_a_threshold_that_must_be_exceeded_may_be_reached(edited: Edit) -> None:
    threshold = load_pack(edited("op: reached", "op: exceeded")).threshold
    assert threshold is not None
    assert threshold.limit_tflop(TODAY) == 10**14


@pytest.mark.parametrize(("span", "seconds"), [("20s", 20), ("30m", 1800), ("1h", 3600), ("1d", 86_400)])
def test_a_shortest_lease_is_told_in_seconds_minutes_hours_or_days(edited: Edit, span: str, seconds: int) -> None:
    assert load_pack(edited("shortest: 1h", f"shortest: {span}")).lease.shortest_s == seconds


def test_a_pack_elsewhere_uses_the_countries_of_the_package(edited: Edit, diffusion: Pack) -> None:
    folder = edited("# yaml-language", "# yaml-language")
    (folder.parent / "countries.yaml").unlink()
    assert load_pack(folder).sha256 == diffusion.sha256


def test_a_folder_without_packs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no policy pack"):
        load_packs(tmp_path)


def test_a_pack_that_changed_its_mind_fails_its_suite(edited: Edit) -> None:
    failed = [each for each in run_suite(edited("countries: [KH]", "countries: [KH, IN]")) if not each.passed]
    assert failed == []  # India in the row that ended with Cambodia's: nothing changes today
    stricter = run_suite(edited('amount: "1e26"', 'amount: "1e25"'))
    names = {each.name for each in stricter if not each.passed}
    assert "Below 80 percent nobody is warned" in names
    assert "A lab headquartered in the United States needs no budget" not in names


def test_a_suite_says_which_case_it_cannot_read(edited: Edit) -> None:
    folder = edited("format: 2", "format: 2")
    suite = folder / "suite.yaml"
    text = suite.read_text()
    for old, new, words in (
        ("verdict: allow", "verdict: perhaps", "'verdict': Input should be 'allow'"),
        ("case: Kosovo has a code of its own", "case: Macau is Tier 3 by name", "stands twice"),
        ("headquarters: XK", "headquarters: Kosovo", "'headquarters': String should match pattern"),
        ('used: "8e25"', 'used: "8e5"', "is not a whole number of TFLOP"),
        ("devices: 8}", "devices: -8}", "'devices': Input should be greater than or equal to 0"),
    ):
        assert old in text
        suite.write_text(text.replace(old, new, 1))
        with pytest.raises(InvalidInput, match=r"suite\.yaml:\d+:\d+: ") as caught:
            run_suite(folder)
        assert words in str(caught.value)


def test_a_case_with_a_crowd_of_owners_is_refused(edited: Edit) -> None:
    folder = edited("format: 2", "format: 2")
    owners = ", ".join(["{headquarters: US}"] * 60)
    (folder / "suite.yaml").write_text(
        "format: 2\ncases:\n"
        f"  - case: x\n    on: 2026-11-22\n    customer: {{headquarters: US, owned_by: [{owners}]}}\n"
        "    expect: {verdict: allow, code: x}\n"
    )
    with pytest.raises(InvalidInput, match="at most 50 parties"):
        run_suite(folder)
