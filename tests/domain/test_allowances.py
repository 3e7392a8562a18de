"""What a lineage changes: a published base, fine-tuning of a controlled one, and data that models made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.allowances import (
    NO_ALLOWANCES,
    Allowances,
    FineTuning,
    PublishedBase,
    SyntheticData,
    data_of,
    extra_counted_tflop,
    limit_tflop,
)
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage, Operations
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.threshold import Floor, Threshold

DAY = date(2026, 11, 22)
VEU, US = Site("MY", ChipAuthorization.NVEU), Site("US", ChipAuthorization.US_DOMESTIC)
THRESHOLD = Threshold(10**14, reached_is_controlled=True, source="test")
RULE = Allowances(
    PublishedBase(25 * 10**12, 25, "test"),
    FineTuning(25, frozenset({ChipAuthorization.UVEU, ChipAuthorization.NVEU}), "test"),
    SyntheticData(10, "test"),
)


def based(training_tflop: int, *, published: bool | None = None, controlled: bool | None = None) -> Lineage:
    base = BaseModel("base", "its maker", training_tflop, "its report", published, controlled)
    return Lineage(base, training_tflop)


def limit(lineage: Lineage | None, site: Site = US, threshold: Threshold = THRESHOLD, day: date = DAY) -> int:
    return limit_tflop(threshold, RULE, lineage, day=day, site=site)


def generator(name: str, share: int, generation: int = 7, training: int = 1_000, **more: object) -> Generator:
    return replace(Generator(name, share, generation, training, "its report"), **more)  # type: ignore[arg-type]


def extra(*generators: Generator, counted: tuple[str, ...] = (), base: BaseModel | None = None) -> int:
    carried = base.training_tflop if base else 0
    return extra_counted_tflop(RULE, Lineage(base, carried, generators, counted))


# --- a published base -------------------------------------------------------------------------------------------------


def test_a_model_derived_from_published_weights_may_train_25e25_on_top_of_them() -> None:
    assert limit(based(9 * 10**13, published=True)) == 9 * 10**13 + 25 * 10**12
    assert limit(based(5 * 10**14, published=True)) == 5 * 10**14 + 25 * 10**12


def test_a_small_published_base_leaves_the_threshold_as_it_is() -> None:
    assert limit(based(10**13, published=True)) == 10**14 - 1


def test_the_share_of_a_lifted_threshold_counts_once_it_is_more() -> None:
    lifted = replace(THRESHOLD, floors=(Floor(4 * 10**14, date(2027, 1, 1), "test"),))
    base = based(4 * 10**14, published=True)
    assert limit(base, threshold=lifted) == 4 * 10**14 + 25 * 10**12
    assert limit(base, threshold=lifted, day=date(2027, 1, 1)) == 4 * 10**14 + 10**14


@pytest.mark.parametrize("lineage", [None, Lineage(), based(9 * 10**13), based(9 * 10**13, published=False)])
def test_without_a_lineage_that_says_so_no_allowance_holds(lineage: Lineage | None) -> None:
    assert limit(lineage, VEU) == limit(lineage) == 10**14 - 1


# --- fine-tuning of a controlled model --------------------------------------------------------------------------------


def test_veu_chips_may_fine_tune_a_controlled_model_by_a_quarter_of_its_own_operations() -> None:
    assert limit(based(2 * 10**14, controlled=True), VEU) == 2 * 10**14 + 5 * 10**13


@pytest.mark.parametrize("controlled", [False, None])
def test_a_base_that_nobody_says_is_controlled_brings_no_fine_tuning(controlled: bool | None) -> None:
    assert limit(based(2 * 10**14, controlled=controlled), VEU) == 10**14 - 1


def test_other_chips_bring_no_fine_tuning() -> None:
    assert limit(based(2 * 10**14, controlled=True), US) == 10**14 - 1


def test_training_at_other_providers_is_part_of_the_extra() -> None:
    """What is carried in beyond the base uses the allowance up; it does not lift it."""
    more = replace(based(2 * 10**14, controlled=True), carried_in_tflop=3 * 10**14)
    assert limit(more, VEU) == 2 * 10**14 + 5 * 10**13


def test_weights_that_are_published_are_not_controlled() -> None:
    with pytest.raises(InvalidInput, match="cannot be both"):
        based(1, published=True, controlled=True)


def test_a_base_holds_no_more_than_what_is_carried_in() -> None:
    with pytest.raises(InvalidInput, match="less is carried in"):
        Lineage(BaseModel("base", "its maker", 5, "its report"), 4)


# --- data that models made --------------------------------------------------------------------------------------------


def test_up_to_10_percent_of_the_operations_nothing_more_counts() -> None:
    assert extra(generator("a", 10)) == 0


def test_above_it_what_made_the_data_counts_and_of_unpublished_weights_their_training_too() -> None:
    assert extra(generator("a", 11, published=True)) == 7
    assert extra(generator("a", 11, published=False)) == 1_007
    assert extra(generator("a", 11)) == 1_007  # not known


def test_data_that_is_published_counts_nothing() -> None:
    assert extra(generator("a", 100, data_published=True)) == 0


def test_variants_are_one_model_and_their_shares_add_up() -> None:
    tuned = generator("a-chat", 6, training=1_100, variant_of="a", included=(Operations("a", 1_000),))
    assert extra(generator("a", 5), tuned) == 7 + 7 + 1_100


def test_of_several_models_only_the_training_of_the_one_with_most_is_added() -> None:
    assert extra(generator("a", 11), generator("b", 12, training=900)) == 7 + 7 + 1_000


def test_no_operation_counts_twice() -> None:
    """A made data for B and C, and both make data for D: what trained A counts once, or never if it is the base."""
    of_a = (Operations("a", 400),)
    b, c = generator("b", 20, included=of_a, variant_of="m"), generator("c", 20, included=of_a, variant_of="m")
    assert extra(b, c) == 7 + 7 + 600 + 600 + 400
    base = BaseModel("a", "its maker", 400, "its report")
    assert extra(b, c, base=base) == 7 + 7 + 600 + 600
    assert extra(b, c, counted=(data_of("b"), "c")) == 7 + 600 + 400


def test_a_pack_without_the_rule_counts_nothing_beside_the_run() -> None:
    assert extra_counted_tflop(NO_ALLOWANCES, Lineage(generators=(generator("a", 100),))) == 0


def test_one_name_is_one_stretch_of_operations() -> None:
    one, other = (generator(name, 20, included=(Operations("a", amount),)) for name, amount in (("b", 1), ("c", 2)))
    with pytest.raises(InvalidInput, match="two different amounts"):
        Lineage(generators=(one, other))


NAMES = ("a", "b", "c", "d")
SHARED = {"x": 50, "y": 30}
flags = st.sampled_from([True, False, None])
generators = st.lists(
    st.builds(
        lambda share, generation, training, flags, model, included: (
            share,
            generation,
            training,
            flags,
            model,
            included,
        ),
        st.integers(0, 40),
        st.integers(0, 100),
        st.integers(80, 500),
        st.tuples(flags, flags),
        st.sampled_from(["", "m", "n"]),
        st.sets(st.sampled_from(sorted(SHARED))),
    ),
    max_size=4,
)


def slowly(lineage: Lineage) -> int:
    """The rule read out: sets of single operations, and every choice of the one model whose training is added."""
    groups: dict[str, list[Generator]] = {}
    for each in lineage.generators:
        if each.data_published is not True:
            groups.setdefault(each.variant_of or each.id, []).append(each)
    groups = {model: each for model, each in groups.items() if sum(it.share_percent for it in each) > 10}

    def training(members: list[Generator]) -> set[tuple[str, int]]:
        done: set[tuple[str, int]] = set()
        for each in members:
            within = sum(it.amount_tflop for it in each.included)
            done |= {(each.id, index) for index in range(each.training_tflop - within)}
            done |= {(it.name, index) for it in each.included for index in range(it.amount_tflop)}
        return done

    made = {
        (f"data of {each.id}", index) for it in groups.values() for each in it for index in range(each.generation_tflop)
    }
    closed = [it for _, it in sorted(groups.items()) if any(each.published is not True for each in it)]
    most = max((training(it) for it in closed), key=len, default=set())
    counted = set(lineage.counted) | ({lineage.base.name} if lineage.base else set())
    return sum(1 for name, _ in made | most if name not in counted)


@given(generators, st.sets(st.sampled_from([*NAMES, "x", "data of a"])), st.booleans())
def test_what_counts_is_what_the_rule_read_out_counts(
    rows: list[tuple[int, int, int, tuple[bool | None, bool | None], str, set[str]]], counted: set[str], has_base: bool
) -> None:
    found = tuple(
        Generator(
            name,
            share,
            generation,
            training,
            "test",
            published,
            data_published,
            variant_of=model,
            included=tuple(Operations(each, SHARED[each]) for each in sorted(included)),
        )
        for name, (share, generation, training, (published, data_published), model, included) in zip(
            NAMES, rows, strict=False
        )
    )
    base = BaseModel("y", "its maker", 30, "test") if has_base else None
    lineage = Lineage(base, 30 if has_base else 0, found, tuple(sorted(counted)))
    assert extra_counted_tflop(RULE, lineage) == slowly(lineage)


@given(generators)
def test_declaring_less_data_never_counts_more(
    rows: list[tuple[int, int, int, tuple[bool | None, bool | None], str, set[str]]],
) -> None:
    found = [
        Generator(name, share, generation, training, "test", *published, variant_of=model)
        for name, (share, generation, training, published, model, _) in zip(NAMES, rows, strict=False)
    ]
    whole = extra_counted_tflop(RULE, Lineage(generators=tuple(found)))
    for size in range(len(found)):
        for fewer in combinations(found, size):
            assert extra_counted_tflop(RULE, Lineage(generators=fewer)) <= whole
