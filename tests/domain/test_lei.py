"""Legal Entity Identifiers: their check digits find every digit or letter that is another one."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lei import checked_lei
from tests.leis import with_check_digits

EIGHTEEN = st.text(string.ascii_uppercase + string.digits, min_size=18, max_size=18)


@pytest.mark.parametrize("lei", ["529900T8BM49AURSDO55", "506700GE1G29325QX363", "5493006MHB84DD0ZWV18"])
def test_published_identifiers_are_right(lei: str) -> None:
    assert checked_lei(lei) == lei
    assert with_check_digits(lei[:18]) == lei


@given(EIGHTEEN, st.integers(0, 17), st.sampled_from(string.ascii_uppercase + string.digits))
def test_one_wrong_digit_or_letter_is_found(eighteen: str, place: int, other: str) -> None:
    # A letter stands for two digits: one in the place of a digit moves all before it, and may by chance come out right.
    assume(eighteen[place].isdigit() == other.isdigit())
    right = with_check_digits(eighteen)
    wrong = right[:place] + other + right[place + 1 :]
    if wrong != right:
        with pytest.raises(InvalidInput, match="check digits"):
            checked_lei(wrong)


@pytest.mark.parametrize("text", ["", "529900t8bm49aursdo55", "529900T8BM49AURSDO5", "529900T8BM49AURSDO5A", "５" * 20])
def test_another_form_is_no_identifier(text: str) -> None:
    with pytest.raises(InvalidInput, match="18 letters or digits"):
        checked_lei(text)
