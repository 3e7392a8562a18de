"""One training has one budget: whatever one person binds, and wherever the same work goes on in its group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.domain.errors import GatekeeperError, NotFound, NotPermitted
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.usage import Usage
from gatekeeper.ports import Transaction
from gatekeeper.snapshots import Snapshots
from gatekeeper.verify import Report, verify_totals_and_tiers
from gatekeeper.view import ask
from tests.databases import new_stores
from tests.domain.questions import limit_of_pack
from tests.test_gate import PACK, House, make_gang, make_pod
from tests.verify.books import KEY, export_of

LIMIT_TFLOP = limit_of_pack(PACK)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "house.db") as stores:
        found = House(stores)
        found.record_packs()
        found.enrol("lab", "PL")
        yield found


def declare(house: House, run_id: str, *namespaces: str, customer: str = "lab") -> None:
    house.registry.declare_run(run_id, customer, title="A model", by="ana", namespaces=namespaces)
    house.registry.approve_run(run_id, by="ben")


def use(house: House, run_id: str, high_tflop: int) -> None:
    """Book usage as if it had been metered."""

    def work(tx: Transaction) -> None:
        account = tx.account(run_id)
        tx.put_account(replace(account, settled=account.settled + Usage(0, 0, high_tflop)))

    house.stores.transact(work)


def pool(house: House, namespace: str) -> Pool:
    """The pool of what would start in a namespace, as a transaction sees it."""
    provider, kept = house.gate._provider, Snapshots(house.stores)
    pod, now = make_pod(namespace, "asked"), house.clock.now()
    seen = house.stores.transact(lambda tx: ask(kept.within(tx), provider, pod, now))
    courtesy = ask(kept.current(), provider, pod, now)
    assert seen.pool(provider) == courtesy.pool(provider), "the webhook and the controller see two pools"
    return seen.pool(provider)


def runs(found: Pool) -> list[str]:
    return [each.run_id for each in found.accounts]


def verified(house: House) -> Report:
    return verify_totals_and_tiers(BytesIO(export_of(house.stores.read(lambda reader: list(reader.leaves())))), KEY)


# What shares a limit


def test_undeclared_training_counts_beside_each_declared_run_of_the_group(house: House) -> None:
    house.enrol("daughter", "PL", parents=("lab",))
    declare(house, "m1", "lab")
    use(house, "undeclared.daughter", 30)
    use(house, "m1", 20)
    found = pool(house, "lab")
    assert runs(found) == ["m1", "undeclared.daughter", "undeclared.lab"]
    assert (found.used_tflop, found.beside_tflop) == (50, 30)


def test_of_the_declared_runs_of_the_group_the_one_that_used_most_counts_beside_undeclared_training(
    house: House,
) -> None:
    house.enrol("daughter", "PL", parents=("lab",))
    house.enrol("stranger", "PL")
    declare(house, "m1")
    declare(house, "m2", customer="daughter")
    declare(house, "other", customer="stranger")
    assert runs(pool(house, "lab")) == ["undeclared.daughter", "undeclared.lab", "m1"]
    use(house, "m2", 20)
    use(house, "other", 90)
    use(house, "undeclared.lab", 5)
    found = pool(house, "lab")
    assert runs(found) == ["undeclared.daughter", "undeclared.lab", "m2"]
    assert (found.used_tflop, found.beside_tflop) == (25, 20)


def test_what_does_not_count_and_what_nobody_approved_count_beside_nothing(house: House) -> None:
    house.registry.declare_run("m1", "lab", title="A model", by="ana", carried_in_tflop=9, carried_in_source="card")
    house.registry.declare_run("chat", "lab", title="x", by="ana", purpose=Purpose.INFERENCE, namespaces=("serve",))
    house.registry.approve_run("chat", by="ben")
    use(house, "chat", 70)
    assert runs(pool(house, "lab")) == ["undeclared.lab"]
    assert runs(pool(house, "serve")) == ["chat"]


def test_a_refusal_says_how_much_is_booked_elsewhere(house: House) -> None:
    declare(house, "m1", "lab")
    house.bind("free", "lab")
    use(house, "m1", LIMIT_TFLOP)
    refused = house.gate.release(make_gang("free", "a")).decision
    assert refused is not None
    assert "of it by run m1, which could be the same model" in refused.sentence
    use(house, "undeclared.lab", LIMIT_TFLOP)
    refused = house.gate.release(make_gang("lab", "b")).decision
    assert refused is not None
    assert "of it by undeclared training of the same group" in refused.sentence


# One person


def test_one_person_gives_the_same_training_no_second_budget(house: House) -> None:
    declare(house, "m1")
    declare(house, "m2")
    house.bind("lab", "lab", "m1")
    use(house, "m1", LIMIT_TFLOP)
    for run in ("m2", None, "m2", "m1"):
        house.registry.bind("lab", "lab", by="eve", run_id=run)
        with pytest.raises((NotPermitted, NotFound)):
            house.registry.approve_binding("lab", by="EVE")
        assert not house.gate.release(make_gang("lab", f"after-{run}")).lets_start


def test_a_namespace_beside_a_declared_run_brings_nothing_on_top(house: House) -> None:
    declare(house, "m1", "lab")
    house.bind("beside", "lab")
    use(house, "m1", LIMIT_TFLOP)
    assert not house.gate.release(make_gang("beside", "a")).lets_start


def test_another_customer_s_name_does_not_wash_a_namespace(house: House) -> None:
    declare(house, "m1", "lab")
    declare(house, "m2")
    house.enrol("rival", "PL")
    house.registry.bind("lab", "rival", by="eve")
    with pytest.raises(NotPermitted, match="proposed the binding"):
        house.registry.approve_binding("lab", by="eve")
    house.registry.bind("lab", "lab", by="eve", run_id="m2")
    with pytest.raises(NotPermitted, match="proposed the binding"):
        house.registry.approve_binding("lab", by="eve")
    assert house.gate.release(make_gang("lab", "a")).reservations[0].run_id == "m1"


def test_two_people_move_a_namespace_to_another_run(house: House) -> None:
    declare(house, "m1", "lab")
    house.registry.declare_run("m2", "lab", title="The next model", by="ana", namespaces=("lab",))
    with pytest.raises(NotPermitted):
        house.registry.approve_run("m2", by="Ana")
    assert house.gate.release(make_gang("lab", "a")).reservations[0].run_id == "m1"
    house.registry.approve_run("m2", by="ben")
    assert house.records(RecordType.NAMESPACE_BOUND)[-1]["before"] == {"customer": "lab", "run": "m1", "holds": True}
    assert house.gate.release(make_gang("lab", "b")).reservations[0].run_id == "m2"
    assert verified(house).problems == ()


# Whatever one person does, in whatever order

Act = Callable[[House], object]
NAMESPACES, RUNS = ("one", "two"), ("m1", "m2", "m3")
_names, _runs = st.sampled_from(NAMESPACES), st.sampled_from(RUNS)


def _bind(name: str, run: str | None) -> Act:
    return lambda house: house.registry.bind(name, "lab", by="eve", run_id=run)


def _unbind(name: str) -> Act:
    return lambda house: house.registry.unbind(name, by="eve", reason="x")


def _approve_binding(name: str) -> Act:
    return lambda house: house.registry.approve_binding(name, by="eve")


def _declare(run: str, name: str) -> Act:
    return lambda house: house.registry.declare_run(run, "lab", by="eve", title="x", namespaces=(name,))


def _approve(run: str) -> Act:
    return lambda house: house.registry.approve_run(run, by="eve")


def _correct(run: str, high_tflop: int) -> Act:
    return lambda house: house.registry.correct(run, by="eve", reason="x", high_tflop=high_tflop)


ACTS = st.one_of(
    st.builds(_bind, _names, st.none() | _runs),
    st.builds(_bind, _names, st.none() | _runs),
    st.builds(_unbind, _names),
    st.builds(_approve_binding, _names),
    st.builds(_declare, st.sampled_from((*RUNS, "mine")), _names),
    st.builds(_approve, st.sampled_from((*RUNS, "mine"))),
    st.builds(_correct, st.sampled_from((*RUNS, "undeclared.lab")), st.sampled_from((-5, 5))),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    used=st.lists(st.integers(0, LIMIT_TFLOP), min_size=4, max_size=4),
    bound=st.lists(_runs, min_size=2, max_size=2),
    acts=st.lists(st.tuples(ACTS, st.integers(0, LIMIT_TFLOP), _names), min_size=1, max_size=8),
)
def test_no_series_of_acts_of_one_person_lets_a_group_s_work_reserve_more_in_total(
    tmp_path_factory: pytest.TempPathFactory,
    used: list[int],
    bound: list[str],
    acts: list[tuple[Act, int, str]],
) -> None:
    """Between the acts its work takes what it can get; in the end it holds no more than it could have without them."""
    with new_stores(tmp_path_factory.mktemp("house") / "house.db") as stores:
        house = House(stores)
        house.record_packs()
        house.enrol("lab", "PL", namespace="elsewhere")
        for run in RUNS:
            declare(house, run, *(name for name, its in zip(NAMESPACES, bound, strict=True) if its == run))
        for run, amount in zip((*RUNS, "undeclared.lab"), used, strict=True):
            use(house, run, amount)
        at_most = sum(pool(house, NAMESPACES[bound.index(run)]).budget_tflop for run in set(bound))
        taken = 0
        for act, amount, name in acts:
            with suppress(GatekeeperError):  # refused, which is an answer too
                act(house)
            taken += take(house, name, amount)
        taken += sum(take(house, name, LIMIT_TFLOP) for name in NAMESPACES)
        assert taken <= at_most


def take(house: House, namespace: str, amount_tflop: int) -> int:
    """Hold as much of an amount as a namespace's pool still has; how much that was."""
    binding = house.stores.read(lambda reader: reader.binding("east", namespace))
    if binding is None:
        return 0
    found, run = pool(house, namespace), binding.run_id or "undeclared.lab"
    got = min(amount_tflop, found.budget_tflop)

    def work(tx: Transaction) -> None:
        account: Account = tx.account(run)
        tx.put_account(replace(account, pending_tflop=account.pending_tflop + got))

    house.stores.transact(work)
    return got


# What a reader of the log sees


def test_a_log_of_groups_runs_and_moves_verifies(house: House) -> None:
    house.gate.release(make_gang("lab", "u1", "u2"))
    declare(house, "m1", "train")
    house.gate.release(make_gang("train", "d1", "d2"))
    house.enrol("daughter", "PL", parents=("lab",))
    house.gate.release(make_gang("daughter", "u3"))
    house.gate.release(make_gang("train", "d3"))
    house.registry.bind("train", "lab", by="eve")
    house.gate.release(make_gang("train", "u4"))
    held = house.records(RecordType.RESERVATION_PENDING)
    assert [len(each["pool"]["runs"]) for each in held] == [1, 1, 2, 2, 3, 3, 3]  # type: ignore[index]
    assert [each["pool"]["beside_tflop"] != "0" for each in held] == [False] * 2 + [True] * 5  # type: ignore[index]
    assert verified(house).problems == ()


# Whatever the tenant does with what the provider approved

PLACES = ("one", "two", "free", "daughter")
LABELS = ("", "m1", "m2", "d1", "nobody-s")


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    joins=st.lists(st.tuples(st.sampled_from(("m1", "m2", "d1")), st.sampled_from(("m1", "m2", "d1"))), max_size=2),
    acts=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(LABELS), st.integers(0, LIMIT_TFLOP)),
        min_size=1,
        max_size=10,
    ),
)
def test_no_choice_of_customer_namespace_or_label_takes_one_model_past_its_limit(
    tmp_path_factory: pytest.TempPathFactory,
    joins: list[tuple[str, str]],
    acts: list[tuple[str, str, int]],
) -> None:
    """What could be one model: a declared run with those joined to it, and all that nobody bound to another run."""
    with new_stores(tmp_path_factory.mktemp("house") / "house.db") as stores:
        house = House(stores)
        house.record_packs()
        house.enrol("lab", "PL", namespace="free")
        house.enrol("daughter", "PL", parents=("lab",))
        declare(house, "m1", "one")
        declare(house, "m2", "two")
        declare(house, "d1", customer="daughter")
        for one, other in joins:
            with suppress(GatekeeperError):
                house.registry.hand_over(one, other, by="eve", reason="x")
        for place, label, amount in acts:
            take_labelled(house, place, label, amount)
        accounts = stores.read(lambda reader: {each.run_id: each.used_tflop for each in reader.accounts()})
        loose = sum(used for run, used in accounts.items() if run.startswith("undeclared."))
        models = Snapshots(stores).current()
        for run in ("m1", "m2", "d1"):
            assert loose + sum(accounts.get(each, 0) for each in models.model(run)) <= LIMIT_TFLOP


def take_labelled(house: House, namespace: str, label: str, amount_tflop: int) -> None:
    """Hold as much of an amount as the pool of labelled work in a namespace still has; nothing where it is barred."""
    provider, kept = house.gate._provider, Snapshots(house.stores)
    pod = replace(make_pod(namespace, "asked"), runs=(label,))

    def work(tx: Transaction) -> None:
        asked = ask(kept.within(tx), provider, pod, house.clock.now())
        if asked.question.bar is None:
            account: Account = tx.account(asked.run_id)
            got = min(amount_tflop, asked.pool(provider).budget_tflop)
            tx.put_account(replace(account, pending_tflop=account.pending_tflop + got))

    house.stores.transact(work)
