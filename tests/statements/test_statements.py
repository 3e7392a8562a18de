"""The account of a run as it is read from the store: its limit, who shares it, and that every part adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import cast

import pytest

from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.policy import Action, ActivePack, ChipAuthorization, Mode, Site
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.usage import DailyUsage, Usage, total
from gatekeeper.ports import Stores, Transaction
from gatekeeper.registry import Registry
from gatekeeper.statements import Statement, by_device, high_by_day, statement_of, statements
from gatekeeper.statements.figures import figures_of
from gatekeeper.statements.report import report_markdown
from tests.databases import new_stores
from tests.domain.questions import limit_of_pack
from tests.registry.office import NOON, PACKS, HandClock, declare, enrol, org

SITE = Site("US", ChipAuthorization.US_DOMESTIC)
LIMIT_TFLOP = limit_of_pack(PACKS[0].pack)
TODAY = NOON.date()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture
def registry(stores: Stores) -> Registry:
    return Registry(stores, HandClock(), packs=PACKS, cluster="east")


def used(stores: Stores, run_id: str, *amounts: int, device: str = "H100-SXM") -> None:
    """Usage of the last days, the last amount being today's, and the account that it adds up to."""
    days = [
        DailyUsage(run_id, TODAY - timedelta(days=ago), device, 8 * 86_400, Usage(amount // 4, amount // 2, amount))
        for ago, amount in enumerate(reversed(amounts))
    ]

    def work(tx: Transaction) -> None:
        account = tx.account(run_id)
        tx.add_daily_usage(days)
        tx.put_account(replace(account, settled=account.settled + total(each.usage for each in days)))

    stores.transact(work)


def read(stores: Stores, run_id: str, packs: tuple[ActivePack, ...] = PACKS) -> Statement:
    return stores.read(lambda reader: statement_of(reader, run_id, packs=packs, site=SITE, now=NOON))


def approved(registry: Registry, run_id: str = "llm", customer: str = "lab", **changes: object) -> None:
    declare(registry, run_id, customer, **changes)
    registry.approve_run(run_id, by="ben")


def test_a_run_stands_under_the_limit_of_the_pack_that_enforces(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    approved(registry, carried_in_tflop=10**12, carried_in_source="card")
    used(stores, "llm", 10**12, 3 * 10**12)
    found = read(stores, "llm")
    assert found.limit is not None
    assert (found.limit.tflop, found.limit.mode) == (LIMIT_TFLOP, Mode.ENFORCE)
    assert (found.used_tflop, found.left_tflop) == (5 * 10**12, LIMIT_TFLOP - 5 * 10**12)
    assert found.used_per_mille == 50
    assert found.projection is not None
    assert found.projection.rate_tflop_per_day == 3 * 10**12
    assert found.projection.crossing == TODAY + timedelta(days=32)  # 95e12 at 3e12 a day
    assert [each.used_tflop for each in found.others] == [0]


def test_undeclared_training_counts_beside_a_declared_run_and_that_beside_undeclared_training(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, org("lab", "IN"))
    approved(registry)
    approved(registry, "small")
    used(stores, "llm", 10**12, 3 * 10**12)
    used(stores, "undeclared.lab", 10**12)
    declared, undeclared = read(stores, "llm"), read(stores, "undeclared.lab")
    assert (declared.used_tflop, declared.beside) == (5 * 10**12, ("undeclared.lab",))
    assert (undeclared.used_tflop, undeclared.beside) == (5 * 10**12, ("llm",))
    assert "undeclared training counts beside it" in report_markdown(declared)
    assert "the declared run of the group that used most counts beside it" in report_markdown(undeclared)
    [shared] = cast("list[dict[str, object]]", figures_of(declared)["shared_with"])
    assert (shared["run"], shared["beside"], shared["used_tflop"]) == ("undeclared.lab", True, str(10**12))


def test_what_is_held_counts_as_used_and_not_as_gone(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    approved(registry)
    used(stores, "llm", 10**12)
    before = read(stores, "llm").projection
    stores.transact(lambda tx: tx.put_account(replace(tx.account("llm"), pending_tflop=90 * 10**12)))
    held = read(stores, "llm")
    assert held.used_per_mille == 910
    assert held.projection == before


def test_undeclared_training_shares_its_limit_with_the_group(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN", "group"), org("group", "IN"))
    enrol(registry, org("sister", "IN", "group"), org("group", "IN"), customer="sister")
    used(stores, "undeclared.lab", 10)
    used(stores, "undeclared.sister", 7)
    found = read(stores, "undeclared.lab")
    assert [each.run_id for each in found.others] == ["undeclared.sister"]
    assert (found.settled_tflop, found.account.settled.high_tflop) == (17, 10)
    assert found.projection is not None
    assert found.projection.rate_tflop_per_day == 17
    assert high_by_day(found.own_days) == {TODAY: 10}


def test_what_was_classified_is_under_no_limit_until_that_is_withdrawn(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    approved(registry, "chat", purpose=Purpose.INFERENCE, namespaces=("serve",))
    used(stores, "chat", 10**15)
    found = read(stores, "chat")
    assert (found.limit, found.projection, found.left_tflop, found.used_per_mille) == (None, None, None, None)
    assert read(stores, "undeclared.lab").others == ()
    registry.reclassify_run("chat", by="ana", reason="training found")
    for run_id in ("chat", "undeclared.lab"):
        after = read(stores, run_id)
        assert after.settled_tflop == 10**15
        assert after.left_tflop == 0
        assert after.projection is not None
        assert after.projection.crossing == TODAY


@pytest.mark.parametrize(
    ("modes", "mode"),
    [([Mode.ENFORCE], Mode.ENFORCE), ([Mode.WARN], Mode.WARN), ([Mode.OBSERVE], Mode.OBSERVE), ([Mode.OFF], None)],
)
def test_the_limit_is_that_of_the_strictest_mode(
    registry: Registry, stores: Stores, modes: list[Mode], mode: Mode | None
) -> None:
    enrol(registry, org("lab", "IN"))
    limit = read(stores, "undeclared.lab", tuple(ActivePack(PACKS[0].pack, each) for each in modes)).limit
    assert (limit.mode if limit else None) is mode


def test_a_higher_limit_that_is_enforced_goes_before_a_lower_one_that_only_warns(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, org("lab", "IN"))
    pack = PACKS[0].pack
    lower = replace(pack, id="lower", threshold=Threshold(10**12, reached_is_controlled=True, source="test"))
    packs = (ActivePack(lower, Mode.WARN), ActivePack(pack, Mode.ENFORCE))
    found = read(stores, "undeclared.lab", packs).limit
    assert found is not None
    assert found.pack == pack.id
    both = (ActivePack(lower, Mode.ENFORCE), ActivePack(pack, Mode.ENFORCE))
    strictest = read(stores, "undeclared.lab", both).limit
    assert strictest is not None
    assert strictest.pack == "lower"


def test_who_may_train_without_a_budget_has_no_limit_to_show(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("home", "US"), customer="home")
    used(stores, "undeclared.home", 10)
    found = read(stores, "undeclared.home")
    assert (found.limit, found.projection) == (None, None)


def test_who_may_start_nothing_is_told_so(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN", reason=""))  # nobody knows who owns it
    found = read(stores, "undeclared.lab").limit
    assert found is not None
    assert found.action is Action.DENY


def test_days_devices_and_corrections_add_up_to_what_is_settled(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    approved(registry)
    stores.transact(lambda tx: tx.put_account(Account("llm", settled=Usage(100, 200, 400))))  # before usage by day
    used(stores, "llm", 1_000, 0, 2_000)
    used(stores, "llm", 500, device="A100-SXM")
    registry.correct("llm", by="ana", reason="late", high_tflop=50)
    registry.correct("llm", by="ana", reason="waits", high_tflop=-50)
    found = read(stores, "llm")
    assert found.undated == (100, 200, 400)
    assert list(by_device(found.own_days)) == ["H100-SXM", "A100-SXM"]
    by_day = total(each.usage for each in found.own_days)
    assert by_day.high_tflop + 50 + 400 == found.account.settled.high_tflop


def test_usage_of_days_to_come_moves_the_day_that_is_told_from(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("other", "IN"), customer="other")
    before = read(stores, "undeclared.lab")
    assert (before.as_of, before.clock_is_behind) == (NOON, False)
    ahead = DailyUsage("undeclared.lab", date(2027, 1, 1), "H100-SXM", 1, Usage(0, 0, 5))

    def work(tx: Transaction) -> None:
        tx.add_daily_usage([ahead])
        tx.put_account(replace(tx.account("undeclared.lab"), settled=ahead.usage))

    stores.transact(work)
    found = read(stores, "undeclared.lab")
    assert found.days == (ahead,)
    assert found.undated == (0, 0, 0)
    assert (found.as_of.date(), found.clock_is_behind) == (ahead.day, True)
    assert found.projection is not None
    assert found.projection.rate_tflop_per_day == 5
    # The ledger has one clock: runs without usage of their own are told from the same day.
    assert read(stores, "undeclared.other").as_of == found.as_of
    [listed] = stores.read(lambda reader: statements(reader, packs=PACKS, site=SITE, now=NOON))
    assert listed.projection == found.projection


def test_all_runs_are_listed_as_each_alone_shows_them(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "IN"), customer="rival")
    approved(registry)
    approved(registry, "chat", purpose=Purpose.INFERENCE, namespaces=("serve",))
    used(stores, "llm", *range(1, 60))
    used(stores, "undeclared.rival", 5)
    listed = stores.read(lambda reader: statements(reader, packs=PACKS, site=SITE, now=NOON))
    assert [each.run_id for each in listed] == ["chat", "llm", "undeclared.rival"]
    for each in listed:
        alone = read(stores, each.run_id)
        assert (each.account, each.limit, each.used_tflop) == (alone.account, alone.limit, alone.used_tflop)
        assert each.projection == alone.projection


@pytest.mark.parametrize("run_id", ["nobody", "undeclared.nobody", "undeclared.", "lab"])
def test_a_run_that_is_not_there_is_not_found(registry: Registry, stores: Stores, run_id: str) -> None:
    enrol(registry, org("lab", "IN"))
    with pytest.raises(NotFound):
        read(stores, run_id)
