"""How a name is read: what is seen, what is put together, and what was spelled elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.name_numbers import with_numbers
from gatekeeper.domain.names import READINGS_MAX
from gatekeeper.domain.transliterations import other_spellings
from gatekeeper.domain.wade_giles import pinyin
from gatekeeper.matching import THRESHOLD, NameIndex, name_keys, readings, score, unscreened
from gatekeeper.name_files import NAME_DATA, name_tables, read_name_tables

ENTRY = "Korvet Dynamics Zavod"


@pytest.mark.parametrize(
    "name",
    [
        "K0rvet Dynam1cs Zav0d",
        "Korvet Dyn@mic$ Z0vod",
        "Korvet Dynarnics Zavod",
        "ᴋᴏʀᴠᴇᴛ Dynamics Zavod",
        "🅺🅾🆁🆅🅴🆃 Dynamics Zavod",
        "Ꮶorvet Dynamics Zavod",
        "K\u0585rvet Dynamics Zav\u0585d",
        "K\u0336o\u0336r\u0336v\u0336e\u0336t\u0336 Dynamics Zavod",
        "Kor\u3164vet\u2800Dynamics Zavod",
        "\u202edovaZ scimanyD tevroK\u202c",
        "Meadow Ltd trading as Korvet Dynamics Zavod",
        "Korvet Dynamics Zavod, PO Box 7, Dubai",
        "Meadow (formerly Korvet Dynamics Zavod) GmbH",
        "Meadow / Korvet Dynamics Zavod",
        "Korvet Ltd Dynamics LLC Zavod",
        "The Great Northern Agency of Korvet Dynamics Zavod Products",
    ],
)
def test_a_disguise_does_not_hide_a_name_among_many(name: str) -> None:
    assert score(name, ENTRY) >= THRESHOLD
    assert 7 in NameIndex([(7, ENTRY), (8, "Zarya Plant")]).similar(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Korvet 5 Ltd", "Korvet S Ltd"),
        ("Plant 10 Gorodets", "Plant 70 Gorodets"),
        ("Meadow t/a Korvet Bakery", ENTRY),
        ("Tomsk Meadow (Tomsk)", "Tomsk Institute"),
        ("Modern Ferries", "Modem Factory"),
    ],
)
def test_folding_letters_and_taking_names_apart_makes_no_hit_of_other_names(one: str, other: str) -> None:
    assert score(one, other) < THRESHOLD


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("ch'ing-shan", "qingshan"),
        ("hsü-chou", "xuzhou"),
        ("chung-k'o", "zhongke"),
        ("t'ien-chin", "tianjin"),
        ("kuei-yang", "guiyang"),
        ("jen-min", "renmin"),
        ("pei-ching", "beijing"),
        ("ssu-ch'uan", "sichuan"),
        ("al-noor", "al-noor"),
        ("compute-cloud", "compute-cloud"),
        ("o'brien", "o'brien"),
    ],
)
def test_an_older_spelling_of_chinese_is_read_as_todays_and_other_words_stay(written: str, today: str) -> None:
    assert pinyin(written) == today


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("forty second army", "42 army"),
        ("seven zero eight institute", "708 institute"),
        ("workshop xiv", "workshop 14"),
        ("twenty plant", "20 plant"),
        ("twentieth third", "23"),
        ("seven", "7"),
        ("i robot", "i robot"),
        ("plant ii five", "plant 2 5"),
        ("nineteen five", "19 5"),
    ],
)
def test_numbers_in_words_are_digits(words: str, digits: str) -> None:
    assert " ".join(with_numbers(words.split(), name_tables().numbers)) == digits


def test_articles_and_initials_are_read_in_one_form() -> None:
    assert other_spellings("ash-shamrani") == ("al shamrani",)
    assert other_spellings("abdurrahman") == ("abd al rahman",)
    assert other_spellings("tulegenov r.o.") == ("tulegenov r o ",)
    assert other_spellings("chruščev") == ("khrushchev",)
    assert other_spellings("ash tree") == ()


def test_a_name_put_together_of_more_names_than_are_compared_is_told_as_unscreened() -> None:
    many = " t/a ".join(f"Meadow{'abcdefghijklmno'[at]} Hill" for at in range(READINGS_MAX + 2))
    assert unscreened([f"{many} t/a {ENTRY}"])
    assert len(readings(many)) == READINGS_MAX


@given(st.text(max_size=80))
def test_any_text_is_read_and_either_has_words_or_is_told_as_unscreened(name: str) -> None:
    assert 1 <= len(readings(name)) <= READINGS_MAX
    assert readings(name)[0].words or unscreened([name])
    assert score(name, name) in (0, 100)


@given(st.text(st.characters(categories=["Lo"], max_codepoint=0x2FFF), min_size=2, max_size=12))
def test_letters_that_have_no_latin_ones_never_pass_for_read(name: str) -> None:
    assert unscreened([name]) or all(word.isascii() for word in readings(name)[0].words)


@pytest.mark.parametrize(("one", "other"), [("Hold Ltd", "H0LD AG"), ("Illium", "lllium"), ("Воld Data", "Data, Bold")])
def test_names_that_are_the_same_to_the_eye_have_a_key_in_common(one: str, other: str) -> None:
    assert name_keys(one) & name_keys(other)
    assert not name_keys(one) & name_keys("Zarya")


def copied(folder: Path) -> Path:
    for each in NAME_DATA.glob("*.txt"):
        (folder / each.name).write_text(each.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [("sounds", "ab", "is not of the shape"), ("numbers", "two 2", "does not begin with a number")],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, name: str, line: str, told: str) -> None:
    file = copied(tmp_path) / f"{name}.txt"
    file.write_text(file.read_text(encoding="utf-8") + f"{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=told):
        read_name_tables(tmp_path)


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    (copied(tmp_path) / "sounds.txt").unlink()
    with pytest.raises(InvalidInput, match=r"sounds\.txt cannot be read"):
        read_name_tables(tmp_path)


def test_each_table_says_what_it_holds_and_every_letter_is_one() -> None:
    for each in NAME_DATA.glob("*.txt"):
        assert each.read_text(encoding="utf-8").startswith("# "), each.name
    tables = name_tables()
    assert all(len(letter) == 1 for letter in (*tables.sounds, *tables.lookalikes, *tables.special, *tables.signs))
    assert all(value.isascii() for value in (*tables.sounds.values(), *tables.lookalikes.values()))
