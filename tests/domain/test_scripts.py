"""Names that look like others: one word in several alphabets is told, ordinary names of any country are not."""

from __future__ import annotations

import pytest

from gatekeeper.domain.scripts import mixes_scripts


@pytest.mark.parametrize("name", ["Νvidia Corp", "AppІe Inc", "Асme", "Ӏntel", "OpenΑΙ"])
def test_a_letter_of_another_alphabet_inside_a_word_is_seen(name: str) -> None:
    assert mixes_scripts(name)


@pytest.mark.parametrize(
    "name",
    [
        "Acme S.à r.l.",
        "Газпром нефть",
        "三菱UFJ銀行",
        "トヨタ自動車",
        "삼성전자 SDS",
        "ГАЗ (GAZ) Group",
        "ＡＢＣ",
        "3M №1",
        "ª º",
    ],
)
def test_names_as_people_write_them_are_not_suspicious(name: str) -> None:
    assert not mixes_scripts(name)
