"""In what one pack is another than one before, in words, and whose run that reaches before anybody loads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gatekeeper import cli
from gatekeeper.domain.allowances import Allowances, FineTuning, PublishedBase, SyntheticData
from gatekeeper.domain.difference import Way
from gatekeeper.domain.lineage import BaseModel, Lineage
from gatekeeper.domain.ownership import ON_BY_HALF, Ownership, ShareRule
from gatekeeper.domain.policy import ActivePack, InquiryKind, LeaseTerms, Mode, Pack
from gatekeeper.domain.site import ChipAuthorization
from gatekeeper.domain.threshold import Floor, Threshold
from gatekeeper.policy_changes import changes_of_customers, differences_of_packs
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.snapshots import Snapshot
from tests.databases import new_stores
from tests.policies.test_loading import HOME
from tests.test_gate import House

TODAY = date(2026, 11, 22)
PACK = load_pack(bundled_dir() / "us-ai-diffusion")
THRESHOLD = PACK.threshold or Threshold(1, reached_is_controlled=True, source="test")
MILDER, STRICTER, OTHER = Way.MILDER, Way.STRICTER, Way.OTHER


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        yield House(stores)


def told(before: Pack, after: Pack) -> list[tuple[Way, str]]:
    old, new = ((ActivePack(each, Mode.ENFORCE),) for each in (before, after))
    found = differences_of_packs(old, new, TODAY)
    return [(each.difference.way, each.difference.text) for each in found]


PUBLISHED, TUNING, DATA = (
    PACK.allowances.published_base or PublishedBase(1, 1, "test"),
    PACK.allowances.fine_tuning or FineTuning(1, frozenset(), "test"),
    PACK.allowances.synthetic_data or SyntheticData(1, "test"),
)
AIA = frozenset({ChipAuthorization.AIA})


def allowing(
    published_base: PublishedBase | None = PUBLISHED,
    fine_tuning: FineTuning | None = TUNING,
    synthetic_data: SyntheticData | None = DATA,
) -> Pack:
    return replace(PACK, allowances=Allowances(published_base, fine_tuning, synthetic_data))


def with_floor(floor: Floor) -> Pack:
    return replace(PACK, threshold=replace(THRESHOLD, floors=(floor,)))


# What the later pack has -> its words, and those of the way back.
WAYS: list[tuple[Pack, str, str]] = [
    (
        allowing(published_base=replace(PUBLISHED, extra_tflop=9 * 10**14)),
        "what may be trained beyond published weights is 9.00e26 FLOP, and was 2.50e25 FLOP",
        "what may be trained beyond published weights is 2.50e25 FLOP, and was 9.00e26 FLOP",
    ),
    (
        allowing(published_base=replace(PUBLISHED, extra_tflop=PUBLISHED.extra_tflop + 1)),
        "is 2.5000000000001e25 FLOP, and was 2.5000000000000e25 FLOP",
        "is 2.5000000000000e25 FLOP, and was 2.5000000000001e25 FLOP",
    ),
    (
        allowing(published_base=replace(PUBLISHED, percent_of_threshold=90)),
        "of the threshold, 90 percent, and was 25 percent",
        "of the threshold, 25 percent, and was 90 percent",
    ),
    (
        allowing(fine_tuning=replace(TUNING, percent_of_base=100)),
        "fine-tuning is allowed up to 100 percent, and was 25 percent",
        "fine-tuning is allowed up to 25 percent, and was 100 percent",
    ),
    (
        allowing(fine_tuning=replace(TUNING, authorizations=TUNING.authorizations | AIA)),
        "fine-tuning is allowed with chips under aia, and was not",
        "fine-tuning is allowed with chips under aia no more",
    ),
    (
        allowing(fine_tuning=replace(TUNING, rules=None)),
        "fine-tuning is an exception from anything, and was not",
        "fine-tuning is an exception from everything no more, but only veu-abroad, veu-conditions",
    ),
    (
        allowing(synthetic_data=None),
        "it does not count the operations of models that made a run's data any more",
        "it counts the operations of models that made a run's data",
    ),
    (
        allowing(synthetic_data=replace(DATA, above_percent=99)),
        "above a share of 99 percent, and was 10 percent",
        "above a share of 10 percent, and was 99 percent",
    ),
    (
        allowing(synthetic_data=replace(DATA, counts_training=False)),
        "it does not count any more what trained a model that made data",
        "it counts what trained a model that made data",
    ),
    (
        with_floor(Floor(2 * 10**14, date(2027, 1, 1), "test")),
        "its limit from 2027-01-01 on is just under 2.00e26 FLOP, and was just under 1.00e26 FLOP",
        "its limit from 2027-01-01 on is just under 1.00e26 FLOP, and was just under 2.00e26 FLOP",
    ),
    (
        replace(PACK, threshold=replace(THRESHOLD, reached_is_controlled=False)),
        "its limit is 1.00e26 FLOP, and was just under 1.00e26 FLOP",
        "its limit is just under 1.00e26 FLOP, and was 1.00e26 FLOP",
    ),
    (
        replace(PACK, tiers=replace(PACK.tiers, ownership=None)),
        "it has no rules on ownership any more",
        "it has rules on ownership now",
    ),
    (
        replace(PACK, tiers=replace(PACK.tiers, ownership=Ownership(house=ShareRule(spans=())))),
        "its house rule counts owners of nothing, and counted those of 50 percent",
        "its house rule counts owners of 50 percent, and counted those of nothing",
    ),
    (
        replace(PACK, tiers=replace(PACK.tiers, ownership=replace(ON_BY_HALF, lists=frozenset({"sdn"})))),
        "it does not count any other list any more",
        "it counts any list, and did not",
    ),
    (
        replace(
            PACK,
            rules=tuple(
                replace(each, inquiries=("export-of-the-model",)) if len(each.inquiries) > 1 else each
                for each in PACK.rules
            ),
        ),
        "it does not ask licence-conditions any more of tier 2",
        "it asks licence-conditions as well of tier 2",
    ),
    (
        replace(PACK, effective_to=date(2027, 1, 1)),
        "it is not in effect any more on 2027-01-01",
        "it is in effect on 2027-01-01, and was not",
    ),
    (
        replace(PACK, warn_percent=99),
        "it warns from 99 percent of the limit on",
        "of the limit on, and did from 99 on",
    ),
]


@pytest.mark.parametrize(("other", "there", "back"), WAYS, ids=[each[1] for each in WAYS])
def test_every_dial_of_a_limit_is_told_as_milder_and_its_way_back_as_stricter(
    other: Pack, there: str, back: str
) -> None:
    ways = told(PACK, other), told(other, PACK)
    assert any(there in text for way, text in ways[0] if way is MILDER), ways[0]
    assert any(back in text for way, text in ways[1] if way is STRICTER), ways[1]


def test_allowances_that_come_and_go_are_told() -> None:
    bare = replace(PACK, allowances=Allowances())
    assert [way for way, _ in told(PACK, bare)] == [STRICTER, STRICTER, MILDER]
    assert [way for way, _ in told(bare, PACK)] == [MILDER, MILDER, STRICTER]


def test_what_is_neither_milder_nor_stricter_for_sure_is_told_all_the_same() -> None:
    others = (
        replace(PACK, inquiries=(replace(PACK.inquiries[0], asks="x"), *PACK.inquiries[1:])),
        replace(PACK, inquiries=(*PACK.inquiries[:2], replace(PACK.inquiries[2], kind=InquiryKind.ATTESTATION))),
        replace(PACK, lease=LeaseTerms(60, 61, 1)),
        replace(PACK, rules=tuple(replace(each, code=f"{each.code}-2") for each in PACK.rules)),
    )
    for other in others:
        found = told(PACK, other)
        assert found
        assert {way for way, _ in found} == {OTHER}


def test_the_same_pack_and_one_that_is_off_differ_in_nothing() -> None:
    other = replace(PACK, allowances=Allowances(), remedy="ask", title="Another", sha256="b")
    assert told(PACK, replace(PACK, remedy="ask", title="Another", sha256="b")) == []
    old, new = ((ActivePack(each, Mode.OFF),) for each in (PACK, other))
    assert list(differences_of_packs(old, new, TODAY)) == []
    gone = list(differences_of_packs((ActivePack(PACK, Mode.WARN),), (), TODAY))
    assert [(each.pack, each.difference.way) for each in gone] == [(PACK.id, MILDER)]


def test_a_run_whose_limit_alone_moves_is_told_by_its_name(house: House) -> None:
    house.enrol("vistula", "PL")
    house.enrol("prairie", "US")
    base = BaseModel("Open", "its maker", 3 * 10**12, "its report", published=True)
    for run, lineage in (("llm", Lineage(base, 3 * 10**12)), ("plain", None), ("asked", Lineage(base, 3 * 10**12))):
        carried = lineage.carried_in_tflop if lineage else 0
        house.registry.declare_run(
            run,
            "vistula",
            title="A model",
            by="ana",
            lineage=lineage,
            carried_in_tflop=carried,
            carried_in_source="its report" if carried else "",
        )
        if run != "asked":
            house.registry.approve_run(run, by="ben")
    everybody = house.stores.read(Snapshot.load)
    lifted = allowing(published_base=replace(PUBLISHED, extra_tflop=9 * 10**14))
    before, after = ((ActivePack(each, Mode.ENFORCE),) for each in (PACK, lifted))
    (change,) = changes_of_customers(before, after, everybody, HOME, house.clock.now())
    assert change.who == "run llm of vistula"
    assert change.before is not None
    assert change.after is not None
    assert (change.before.limit_tflop, change.after.limit_tflop) == (10**14 - 1, 9 * 10**14 + 3 * 10**12)


@pytest.fixture
def lifted_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packs of which one allows more beyond published weights; there is no registry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    folder = tmp_path / "policies"
    shutil.copytree(bundled_dir(), folder)
    pack = folder / PACK.id / "pack.yaml"
    pack.write_text(pack.read_text("utf-8").replace('extra: "2.5e25"', 'extra: "9e26"', 1), "utf-8")
    return folder


def test_diff_fails_on_an_allowance_though_no_cell_of_the_tables_moves(
    lifted_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["policy", "diff", str(bundled_dir()), str(lifted_folder)]) == 1
    out = capsys.readouterr().out
    assert "us-ai-diffusion is milder: what may be trained beyond published weights is 9.00e26 FLOP" in out
    assert "No cell of the tables is judged otherwise." in out


def test_a_folder_against_one_pack_compares_that_pack_alone(
    lifted_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = str(lifted_folder / PACK.id), str(bundled_dir())
    for folders in ([other, one], [one, other]):
        assert cli.run(["policy", "diff", *folders, "--output", "json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert {each["pack"] for each in found["packs"]} == {PACK.id}
        assert found["judged"] == []


def test_two_packs_of_different_names_are_not_compared(lifted_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["policy", "diff", str(bundled_dir() / "house"), str(lifted_folder / PACK.id)]) == 2
    assert "no pack in common" in capsys.readouterr().err
