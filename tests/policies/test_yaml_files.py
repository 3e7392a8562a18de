"""YAML that people write: strictly read, errors with their place."""

import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.simulate.scenario import Scenario
from gatekeeper.yaml_files import LARGEST_FILE_BYTES, Day, Line, Part, parse, read


class Inner(Part):
    """A mapping inside."""

    day: Day
    count: int


class Outer(Part):
    """The document."""

    name: Line
    kind: Literal["a", "b"] = "a"
    parts: tuple[Inner, ...] = ()


GOOD = "name: x\nparts:\n  - day: 2026-11-22\n    count: 3\n"


def refusal(text: str | bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), name="f.yaml").check(Outer)
    return caught.value.message


def test_a_good_file_is_read() -> None:
    outer = parse(GOOD.encode(), name="f.yaml").check(Outer)
    assert (outer.parts[0].count, outer.parts[0].day.isoformat()) == (3, "2026-11-22")


def test_every_scalar_is_text_until_a_model_says_otherwise() -> None:
    data = parse(
        b"a: NO\nb: yes\nc: 1e26\nd: 0x10\ne: 2025-01-13\nf: 010\ng: .nan\nh:\ni: ~\nj: null\nk: 'null'\n", name="f"
    ).data
    assert data == {
        "a": "NO",
        "b": "yes",
        "c": "1e26",
        "d": "0x10",
        "e": "2025-01-13",
        "f": "010",
        "g": ".nan",
        "h": None,
        "i": None,
        "j": None,
        "k": "null",
    }


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("name: x\nparts:\n  - day: 2026-11-22\n    count: many\n", "4:5", "'count' should be a whole number."),
        ("name: x\nparts:\n  - count: 1\n", "3:5", "'day' is missing."),
        ("name: x\ncolour: red\n", "2:1", "'colour' is no key that belongs here; there are "),
        ("name: x\nkind: c\n", "2:1", "'kind': Input should be 'a' or 'b'."),
        ("name: x\nname: y\n", "2:1", "the key 'name' stands twice."),
        ("name: &a x\n", "1:7", "anchors and aliases are not accepted: write out what they stand for."),
        ("name: *a\n", "1:7", "anchors and aliases are not accepted: write out what they stand for."),
        ("name: !!python/object/apply:os.system [ls]\n", "1:7", "is not accepted."),
        ("name: !secret x\n", "1:7", "the tag !secret is not accepted."),
        ("<<: {name: x}\n", "1:1", "merge keys are not accepted."),
        ("? [a]\n: x\n", "1:3", "a key must be plain text."),
        ("name: x\n---\nname: y\n", "3:1", "one document per file."),
        ("name: [x\n", "2:1", ""),
        ("name: x\n\tkind: a\n", "2:1", ""),
        ("- name\n", "1:1", "the document should be a mapping, with lines like `key: value`."),
        ("name: x\nparts: [{day: 1700000000, count: 1}]\n", "2:10", "'day': write a day like 2026-11-22."),
        ("name: x\nparts: [{day: 2026-W47-7, count: 1}]\n", "2:10", "'day': write a day like 2026-11-22."),
        ("name: x\nparts: [{day: 2026-02-30, count: 1}]\n", "2:10", "'day': day"),
        ("name: x\nparts: [{day: 20261122, count: 1}]\n", "2:10", "'day': write a day like 2026-11-22."),
        ("", "1:1", "the file is empty."),
        ("# nothing\n", "1:1", "the file is empty."),
        ("[" * 40, "1:34", "nested deeper than 32 levels."),
        (b"name: \xff\n", "1:1", "the file is not UTF-8 (byte 6)."),
        (b"name: \x00\n", "1:1", ""),
        (b" " * (LARGEST_FILE_BYTES + 1), "1:1", "the file is larger than 1 MiB."),
    ],
)
def test_an_error_names_file_line_column_and_cause(text: str | bytes, place: str, words: str) -> None:
    message = refusal(text)
    assert message.startswith(f"f.yaml:{place}: ")
    assert words in message


def test_all_errors_of_a_file_come_at_once_up_to_a_limit() -> None:
    message = refusal("colour: red\nparts:\n" + "  - {day: 2026-11-22}\n" * 30)
    lines = message.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "f.yaml: and 12 more errors."


def test_a_list_whose_members_were_refused_is_not_called_too_short_as_well() -> None:
    text = "title: t\nstarts: soon\ndays: 1\ncustomers: .\npolicies: {}\nfleet: [{product: x, count: 0}]\njobs: []\n"
    with pytest.raises(InvalidInput) as caught:
        parse(text.encode(), name="f.yaml").check(Scenario)
    message = caught.value.message
    assert "'count': Input should be greater than 0." in message
    assert "'fleet'" not in message
    assert "'jobs'" in message  # this one is empty indeed
    assert "'starts' should be a moment like 2026-11-22T03:00:00Z, or a day." in message


def test_a_yaml_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{after}: &{after} [*{before},*{before}]\n" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert refusal(bomb) == "f.yaml:1:4: anchors and aliases are not accepted: write out what they stand for."


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.yaml: cannot be read: No such file or directory"):
        read(tmp_path / "gone.yaml")
    with pytest.raises(InvalidInput, match="Is a directory"):
        read(tmp_path)


def test_the_hash_is_over_the_bytes_that_were_read(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"abc")
    assert read(tmp_path / "f.yaml").sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.binary(max_size=200) | st.text("-?:,[]{}#&*!|>'\"%@` \n\tab1~", max_size=60).map(str.encode))
def test_whatever_stands_in_a_file_it_is_read_or_refused_with_its_place(content: bytes) -> None:
    try:
        outcome = parse(content, name="f.yaml").where(())
    except InvalidInput as error:
        outcome = error.message
    assert re.match(r"f\.yaml:\d+:\d+", outcome)
