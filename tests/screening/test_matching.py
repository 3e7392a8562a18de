"""How names are compared: the bar on labelled pairs, and tricks that must not get a name through."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.screening import (
    F1_MIN,
    HOSTILE_NAME_MS_MAX,
    RECALL_MIN,
    SETS,
    hostile,
    lost_by_steps,
    made_up,
    pairs,
    quality,
)
from gatekeeper import matching
from gatekeeper.domain.names import NAME_CHARACTERS_MAX, spelled
from gatekeeper.matching import THRESHOLD, NameIndex, readings, score

ENTRY = "Korvet Dynamics Research Institute"
NAMES = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize("name", SETS)
def test_the_comparison_holds_the_bar_on_each_set_of_pairs_tuned_or_held_out(name: str) -> None:
    found = quality(pairs(name))
    assert found.recall >= RECALL_MIN
    assert found.f1 >= F1_MIN


def test_there_are_enough_pairs_of_both_answers_and_none_stands_in_two_sets() -> None:
    every = [pairs(name) for name in SETS]
    assert sum(map(len, every)) >= 500
    for found in every:
        assert 0.3 < sum(each.same for each in found) / len(found) < 0.7
    assert len({(each.left, each.right) for found in every for each in found}) == sum(map(len, every))


def test_the_fast_first_step_loses_no_pair_that_the_second_would_find() -> None:
    every = [each for name in SETS for each in pairs(name)]
    assert lost_by_steps(every, made_up(2_000)) == 0


def test_what_is_ruled_out_before_words_are_compared_would_not_have_been_similar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen, every = random.Random(3), [each for name in SETS for each in pairs(name)]
    names = [*made_up(500), *(each.right for each in every)]
    index, words = NameIndex(enumerate(names)), " ".join(names).split()
    asked = [each.left for each in every[::3]] + [" ".join(chosen.sample(words, 12)) for _ in range(20)]
    asked += [f"{chosen.choice(every).left} {chosen.choice(names)}" for _ in range(30)]
    found = [index.similar(each) for each in asked]
    monkeypatch.setattr(matching._Reach, "may_reach", lambda *_: True)
    assert [index.similar(each) for each in asked] == found
    assert sum(map(len, found)) > 100


def test_a_name_of_as_many_words_as_are_compared_costs_little_more_than_another() -> None:
    # Forty words that lists have, each in a few entries: 90 ms of a core before such entries were ruled out by a word.
    names = made_up(5_000)
    index, asked = NameIndex(enumerate(names)), hostile(names, 3)
    spent = []
    for each in asked:
        begin = time.thread_time()
        index.similar(each)
        spent.append(1000 * (time.thread_time() - begin))
    assert min(spent) < HOSTILE_NAME_MS_MAX


@pytest.mark.parametrize(
    "name",
    [
        "Кorvеt Dynаmics Rеsearch Instіtute",  # Cyrillic letters that look Latin
        "Κorvet Dynamιcs Research Institute",  # Greek ones
        "Korvet\u200b Dyna\u200dmics Re\u00adsearch Institute",  # invisible characters
        "\u202eKorvet Dynamics Research Institute\u202c",  # direction marks
        "Ｋｏｒｖｅｔ Ｄｙｎａｍｉｃｓ Research Institute",
        "𝐊𝐨𝐫𝐯𝐞𝐭 Dynamics Research Institute",
        "K\u0308orvet Dynamics Research Institute",
        "K o r v e t D y n a m i c s R e s e a r c h I n s t i t u t e",
        "K-o-r-v-e-t D_y_n_a_m_i_c_s Research Institute",
        "KORVET-DYNAMICS (RESEARCH INST.)",
        "Institute of Research Korvet Dynamics GmbH & Co. KG",
    ],
)
def test_no_way_of_writing_a_name_hides_it(name: str) -> None:
    assert score(name, ENTRY) >= THRESHOLD
    assert NameIndex([(7, ENTRY)]).similar(name) == {7: score(name, ENTRY)}


@given(NAMES, NAMES)
def test_names_are_as_similar_from_either_side(left: str, right: str) -> None:
    assert score(left, right) == score(right, left)
    assert 0 <= score(left, right) <= 100


@given(NAMES)
def test_a_name_with_a_letter_or_digit_is_itself(name: str) -> None:
    assert score(name, name) == (100 if any(each.words for each in readings(name)) else 0)


def test_a_very_long_name_is_compared_by_its_beginning() -> None:
    assert len(readings("x " * 100_000)[0].words) <= NAME_CHARACTERS_MAX
    assert score("y" * 100_000, "y" * 100_000) == 100


def test_a_name_of_nothing_but_legal_forms_keeps_its_words() -> None:
    assert readings("Holding Group Ltd")[0].words
    assert readings("有限公司")[0].words


@pytest.mark.parametrize("other", ["Plant No. 5 Gorky", "Plant 7 Gorky", "Seventh Plant Gorky"])
def test_numbers_tell_plants_of_one_name_apart(other: str) -> None:
    assert (score("Gorky Plant No. 7", other) >= THRESHOLD) is ("5" not in other)


@pytest.mark.parametrize(
    ("one", "other"), [("P.R. China", "PR China"), ("Côte d’Ivoire", "cote d'ivoire"), ("ＵＫ", "u.k.")]
)
def test_an_alias_is_spelled_without_case_marks_and_punctuation(one: str, other: str) -> None:
    assert spelled(one) == spelled(other)


def test_unlike_letters_are_spelled_apart() -> None:
    assert spelled("Чад") != spelled("Chad")
