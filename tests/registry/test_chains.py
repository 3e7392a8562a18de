"""What others add to an owner that customers share keeps nobody from looking at a customer, or from tightening."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest

from gatekeeper.customer_files import shape_of
from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import RECORD_BYTES_MAX, Record, decode
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry, chains
from gatekeeper.registry.kyc_record import PARTIES_MAX
from gatekeeper.registry.plan import Outcome
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.tiers import TierCheck
from tests.registry.office import PACK, PACKS, enrol, log, org, record_of, tier

OWN = [f"y{each}" for each in range(12)]


def owned(added: Iterable[str], customer: str = "x") -> tuple[Party, ...]:
    """A customer whose holding has these owners."""
    ids = list(added)
    return (org(customer, "US", "hold"), org("hold", "US", *ids), *(org(each, "US") for each in ids))


def records_in(stores: Stores) -> list[Record]:
    return [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def checked(records: list[Record]) -> TierCheck:
    check = TierCheck({PACKS[0].pack.sha256: PACKS[0].pack.tiers})
    for each in records:
        check.see(each)
    return check


@pytest.fixture
def crowded(registry: Registry) -> Registry:
    """One editor has added as many owners as a record holds to a holding that customer y has too."""
    enrol(registry, *owned([], "x"), customer="x")
    enrol(registry, org("y", "US", "hold", *OWN), org("hold", "US"), *(org(each, "US") for each in OWN), customer="y")
    for batch in range(4):
        ids = [f"m{batch}-{each}-long" for each in range(190)]
        told = registry.apply(record_of(*owned(ids, "x"), customer="x"), by="mallory")
        assert told.outcome in (Outcome.AT_ONCE, Outcome.PARTLY)
    return registry


@pytest.mark.slow
def test_a_customer_with_more_owners_than_one_record_holds_is_shown_suspended_and_made_stricter(
    crowded: Registry, stores: Stores
) -> None:
    review = crowded.review("y")
    assert len(review.looked_at.parties) == 14 + 4 * 190
    assert {each.customer.id for each in crowded.reviews()} == {"x", "y"}
    assert crowded.explain("y")[PACK].tier is tier(crowded, "x")
    wanted = org("y", "CN", "hold", *OWN)
    assert crowded.apply(
        record_of(wanted, org("hold", "US"), *(org(each, "US") for each in OWN), customer="y"), by="ana"
    )
    assert tier(crowded, "y") is Tier.THREE
    assert crowded.suspend("y", by="ben", reason="x").standing is Standing.SUSPENDED
    assert crowded.approve("x", by="ben").standing is Standing.APPROVED
    assert max(map(len, stores.read(lambda reader: list(reader.leaves())))) <= RECORD_BYTES_MAX


def test_the_verifier_resolves_a_truncated_state_again_from_what_the_log_wrote(
    crowded: Registry, stores: Stores
) -> None:
    crowded.apply(
        record_of(org("y", "CN", "hold"), customer="y"),
        by="ana",
    )
    records = records_in(stores)
    short = [each for each in records if "parties_total" in str(each.facts)]
    assert short
    assert not checked(records).unresolved_packs
    listed = {each["id"] for each in log(stores)[-1]["facts"]["applied"]["parties"]}
    absent = next(each for each in (f"m{batch}-7-long" for batch in range(4)) if each not in listed)
    dropped = next(each for each in records if each.facts.get("written") and f"'{absent}'" in str(each.facts))
    with pytest.raises(Wrong, match="by the log it has"):
        checked([each for each in records if each is not dropped])


def test_of_a_long_chain_the_first_parties_are_shown_and_those_that_a_proposal_tells(crowded: Registry) -> None:
    record = crowded.review("y").looked_at
    far = record.parties[-1].id
    shape = shape_of(record, first={far}, at_most=PARTIES_MAX)
    shown = [each["id"] for each in shape["parties"]]
    assert (len(shown), shown[0]) == (PARTIES_MAX, "y")
    assert far in shown
    assert len(shape_of(record)["parties"]) == len(record.parties)


def test_a_record_holds_no_more_than_a_person_reads(registry: Registry, stores: Stores) -> None:
    with pytest.raises(InvalidInput, match="201 parties"):
        registry.apply(record_of(*owned([f"p{each}" for each in range(199)], "x"), customer="x"), by="ana")
    with pytest.raises(InvalidInput, match="201 parties"):
        registry.draft(record_of(*owned([f"p{each}" for each in range(199)], "x"), customer="x"), by="ana")
    assert log(stores) == []


def test_nobody_lengthens_a_chain_beyond_what_can_be_looked_at_and_everybody_may_tighten_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(registry, *owned([], "x"), customer="x")
    enrol(registry, *owned([], "y"), customer="y")
    monkeypatch.setattr(chains, "CHAIN_MAX", 20)
    with pytest.raises(InvalidInput, match="and 20 is the most"):
        registry.apply(record_of(*owned([f"p{each}" for each in range(19)], "x"), customer="x"), by="mallory")
    registry.apply(record_of(*owned([f"p{each}" for each in range(18)], "x"), customer="x"), by="mallory")
    monkeypatch.setattr(chains, "CHAIN_MAX", 5)
    registry.apply(record_of(org("y", "CN", "hold"), org("hold", "US"), customer="y"), by="ana")
    assert tier(registry, "y") is Tier.THREE
    with pytest.raises(InvalidInput, match="and 5 is the most"):
        registry.apply(record_of(*owned(["one-more"], "y"), customer="y"), by="mallory")


def test_a_long_path_is_recorded_by_both_ends_and_compared_again(registry: Registry, stores: Stores) -> None:
    line = [f"p{each:02d}" for each in range(40)]
    parties = [org(each, "US", above) for each, above in pairwise(line)] + [org(line[-1], "CN")]
    enrol(registry, *parties)
    reason = log(stores)[-1]["facts"]["in_effect"]["tiers"][PACK]["reasons"][0]
    assert (len(reason["path"]), reason["path_total"]) == (16, 40)
    assert not checked(records_in(stores)).unresolved_packs


@pytest.mark.slow
def test_nobody_makes_a_party_so_large_that_nothing_of_it_can_be_written_any_more(registry: Registry) -> None:
    enrol(registry, *owned([], "x"), customer="x")
    enrol(registry, *owned([], "y"), customer="y")
    batches = [[f"m{batch}-{each:02d}-{'x' * 50}" for each in range(90)] for batch in range(6)]
    for ids in batches[:5]:
        registry.apply(record_of(*owned(ids, "x"), customer="x"), by="mallory")
    with pytest.raises(InvalidInput, match="is the most that a record has room for"):
        registry.apply(record_of(*owned(batches[5], "x"), customer="x"), by="mallory")
    registry.apply(record_of(org("y", "US", "hold"), org("hold", "CN"), customer="y"), by="ana")
    assert tier(registry, "y") is Tier.THREE
