"""GLEIF's files: evidence of which only the stricter word takes effect, and only once."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.observation import Observed
from gatekeeper.domain.tier import Tier
from gatekeeper.imports.gleif import read_gleif
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.databases import new_stores
from tests.leis import with_check_digits
from tests.registry.office import NOON, PACKS, HandClock, log, org, record_of, tier

LAB, HOLDING, TOP, OTHER = (with_check_digits(f"{each:018d}") for each in range(4))
LEI2 = [
    "LEI",
    "Entity.LegalName",
    "Entity.HeadquartersAddress.Country",
    "Entity.LegalJurisdiction",
    "Entity.EntityStatus",
    "Registration.RegistrationStatus",
    "Registration.LastUpdateDate",
]
RR = [
    f"Relationship.{each}" for each in ("StartNode.NodeID", "EndNode.NodeID", "RelationshipType", "RelationshipStatus")
]
REPEX = ["LEI", "Exception.Category", "Exception.Reason.1"]
DIRECT, ULTIMATE = "IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture
def registry(stores: Stores) -> Registry:
    return Registry(stores, HandClock(), packs=PACKS, cluster="east")


def table(path: Path, *rows: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


def entry(lei: str, country: str, status: str = "ISSUED", name: str = "N") -> list[str]:
    return [lei, name, country, country, "ACTIVE", status, "2026-11-01T00:00:00Z"]


def word(country: str, lei: str = LAB, **changes: Any) -> dict[str, Observed]:
    base = Observed(lei, "Lab", country, country, "ACTIVE", "ISSUED", (), (), "2026-11-01", ("f" * 64,), NOON)
    return {lei: replace(base, **changes)}


def enrol(registry: Registry, country: str) -> None:
    registry.apply(record_of(replace(org("lab", country), lei=LAB)), by="ana")
    registry.approve("lab", by="ben")


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
    found = read_gleif({LAB}, lei2=lei2, rr=rr, repex=repex, at=NOON)
    assert {lei: each.headquarters for lei, each in found.items()} == {LAB: "US", HOLDING: "SG", TOP: "CN"}
    assert (found[LAB].parents, found[HOLDING].parents) == ((HOLDING,), (TOP,))
    assert found[TOP].exceptions == ("NON_PUBLIC",)
    assert len(found[LAB].files) == 3


def test_a_line_inside_of_a_cell_is_no_row(tmp_path: Path) -> None:
    forged = 'Street\n"' + '","'.join(entry(LAB, "US", name="Forged"))
    lei2 = table(tmp_path / "lei2", LEI2, entry(OTHER, "DE", name=forged), entry(LAB, "CN"))
    assert read_gleif({LAB}, lei2=lei2, at=NOON)[LAB].headquarters == "CN"


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    rows = (entry(with_check_digits(f"{each:018d}"), "DE", name="x" * 400) for each in range(10, 20_000))
    lei2 = table(tmp_path / "lei2", LEI2, *rows, entry(LAB, "CN"))
    tracemalloc.start()
    assert read_gleif({LAB}, lei2=lei2, at=NOON)[LAB].headquarters == "CN"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000 < lei2.stat().st_size


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "there is no column 'LEI'"),
        (b'"LEI","Entity.LegalName"\n', "there is no column 'Entity.HeadquartersAddress.Country'"),
        (",".join(LEI2).encode() + b'\n"x', "a quoted cell does not end"),
        (b"x" * 1_100_000, "a line is longer than 1 MiB"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "lei2"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        read_gleif({LAB}, lei2=path, at=NOON)


def test_a_stricter_country_takes_effect_at_once(registry: Registry, stores: Stores) -> None:
    enrol(registry, "US")
    (told,) = registry.observe(word("CN"), by="ana")
    assert (told.code, told.recorded, told.observed, told.taken) == ("headquarters", "US", "CN", True)
    assert tier(registry) is Tier.THREE
    facts = log(stores)[-1]["facts"]
    assert (log(stores)[-1]["type"], facts["conflicts_total"], facts["agree"]) == ("gleif.imported", 1, 0)
    assert facts["files"] == ["f" * 64]


def test_a_milder_country_is_only_told(registry: Registry) -> None:
    enrol(registry, "CN")
    (told,) = registry.observe(word("US"), by="ana")
    assert not told.taken
    assert tier(registry) is Tier.THREE


def test_what_two_people_set_back_stays_until_the_register_says_something_new(registry: Registry) -> None:
    enrol(registry, "US")
    registry.observe(word("CN"), by="ana")
    enrol(registry, "US")
    assert tier(registry) is Tier.ONE
    (told,) = registry.observe(word("CN"), by="ana")
    assert not told.taken
    assert tier(registry) is Tier.ONE
    assert registry.observe(word("IN"), by="ana")[0].taken


def test_what_waits_keeps_its_author_and_is_stale_once_the_register_is_stricter(registry: Registry) -> None:
    registry.apply(record_of(replace(org("lab", "US", "top"), lei=LAB), org("top", "CN")), by="ana")
    registry.approve("lab", by="ben")
    registry.apply(record_of(replace(org("lab", "US", reason="bought back"), lei=LAB)), by="ana")
    assert registry.observe(word("CN"), by="eve")[0].taken
    review = registry.review("lab")
    assert review.in_effect is not None
    assert review.proposed is not None
    assert (review.in_effect.parties[0].headquarters, review.in_effect.parties[0].parents) == ("CN", ("top",))
    assert (review.proposed.parties[0].headquarters, review.proposed.parties[0].parents) == ("US", ())
    assert (review.prepared_by, review.stale) == ("ana", ("lab",))
    with pytest.raises(NotPermitted, match="ana prepared the record"):
        registry.approve("lab", by="ana")
    with pytest.raises(Conflict, match="Party lab has changed since ana wrote what waits"):
        registry.approve("lab", by="ben")


def test_a_comparison_changes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, "US")
    size = len(log(stores))
    assert registry.known_leis() == {LAB}
    assert registry.compare(word("CN"))[0].code == "headquarters"
    assert (len(log(stores)), tier(registry)) == (size, Tier.ONE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parents": (TOP,)}, "parent"),
        ({"exceptions": ("NON_PUBLIC",)}, "hidden_parent"),
        ({"registration": "LAPSED"}, "status"),
        ({"status": "INACTIVE"}, "status"),
    ],
)
def test_every_other_disagreement_is_told(registry: Registry, changes: dict[str, Any], code: str) -> None:
    enrol(registry, "US")
    assert [each.code for each in registry.observe(word("US", **changes), by="ana")] == [code]


def test_a_declared_reason_for_no_parent_agrees(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe(word("US", exceptions=("NATURAL_PERSONS",)), by="ana") == []


def test_an_entry_that_is_not_there_is_told(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe({}, by="ana")[0].code == "absent"
