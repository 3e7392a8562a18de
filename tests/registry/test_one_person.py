"""Whatever one person does, in whatever order: no count falls, and nothing more stops counting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.run import Purpose, RunState
from gatekeeper.ports import Reader
from tests.databases import new_stores
from tests.registry.serving import classify, use
from tests.test_gate import House

_NAMES = st.sampled_from(["train", "serve", "free"])
_RUNS = st.sampled_from(["chat", "chat", "llm", "new", "undeclared.lab"])
_AMOUNTS = st.sampled_from([-(10**12), 0, 0, 10**12])
Act = Callable[[House], object]


def _declare(run: str, purpose: Purpose, names: set[str]) -> Act:
    wanted = tuple(names) if not purpose.counts else ()
    return lambda house: house.registry.declare_run(run, "lab", by="Eve", title="x", purpose=purpose, namespaces=wanted)


def _approve(run: str) -> Act:
    return lambda house: house.registry.approve_run(run, by="eve")


def _bind(name: str, run: str | None) -> Act:
    return lambda house: house.registry.bind(name, "lab", by="eve", run_id=run)


def _reclassify(run: str) -> Act:
    return lambda house: house.registry.reclassify_run(run, by="eve", reason="x")


def _correct(run: str, low: int, best: int, high: int) -> Act:
    return lambda house: house.registry.correct(
        run, by="eve", reason="x", low_tflop=low, best_tflop=best, high_tflop=high
    )


def _approve_correction(number: int) -> Act:
    return lambda house: house.registry.approve_correction(f"c{number}", by="eVe")


_ACTS = st.one_of(
    st.builds(_bind, _NAMES, st.none() | _RUNS),
    st.builds(_bind, _NAMES, _RUNS),
    st.builds(_declare, _RUNS, st.sampled_from(Purpose), st.sets(_NAMES)),
    st.builds(_approve, _RUNS),
    st.builds(_correct, _RUNS, _AMOUNTS, _AMOUNTS, _AMOUNTS),
    st.builds(_approve_correction, st.integers(6, 20)),
    st.builds(_reclassify, _RUNS),
)


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_ACTS, min_size=10, max_size=20))
def test_no_series_of_acts_of_one_person_lowers_a_count_or_makes_a_namespace_not_count(
    tmp_path_factory: pytest.TempPathFactory, acts: list[Act]
) -> None:
    folder = tmp_path_factory.mktemp("house")
    with new_stores(folder / "house.db") as stores:
        house = House(stores)
        house.enrol("lab", "PL", namespace="train")
        classify(house, "serve")
        for run in ("chat", "undeclared.lab"):
            use(house, run, 12 * 10**12, low_tflop=4 * 10**12)
        house.registry.declare_run("llm", "lab", by="Eve", title="A model")  # waits for somebody else
        counted, free = _counted(house), _not_counting(house)
        for act in acts:
            try:
                act(house)
            except GatekeeperError:
                continue
            assert all(after >= before for before, after in zip(counted, _counted(house), strict=True))
            assert _not_counting(house) <= free
            counted, free = _counted(house), _not_counting(house)


def _counted(house: House) -> tuple[int, ...]:
    """What each account has used, with its lower bounds, and how much of all that counts."""

    def read(reader: Reader) -> tuple[int, ...]:
        runs = [reader.run(each) for each in ("chat", "llm", "new")]
        accounts = [reader.account(each) for each in ("chat", "llm", "new", "undeclared.lab")]
        counts = [run is None or run.purpose.counts or run.state is RunState.DECLARED for run in (*runs, None)]
        used = [each.used_tflop for each in accounts]
        bounds = [bound for each in accounts for bound in (each.settled.low_tflop, each.settled.best_tflop)]
        return (*used, *bounds, sum(each for each, counted in zip(used, counts, strict=True) if counted))

    return house.stores.read(read)


def _not_counting(house: House) -> set[str]:
    """Namespaces in which work would not count."""

    def read(reader: Reader) -> set[str]:
        found = set()
        for name in ("train", "serve", "free"):
            binding = reader.binding("east", name)
            run = reader.run(binding.run_id) if binding and binding.run_id else None
            if run is not None and not run.purpose.counts and run.works_for("lab", name):
                found.add(name)
        return found

    return house.stores.read(read)
