"""Files of manifests: what is refused, with its line, and what is read exactly."""

import contextlib
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from admission import sources
from admission.documents import load_documents
from admission.yaml_texts import parse_yaml
from gatekeeper.domain.errors import InvalidInput


def contents(text: str) -> list[object]:
    return [each.content for each in parse_yaml(text.encode(), "f")]


ALIASES_THAT_MULTIPLY = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES_THAT_MULTIPLY = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{','.join([f'*{old}'] * 10)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: 1\nb: {c: 1,\n  c: 2}\n", "f:3: the key 'c' appears twice", id="duplicate key"),
        pytest.param("a: 1\n---\n\nb: 1\nb: 2\n", "f:5: the key 'b' appears twice", id="duplicate in 2nd document"),
        pytest.param("a: 1\n  b: [\n", "f:2: this is not YAML", id="not YAML"),
        pytest.param("a: {{ .Values.x }}\n", "f:1: a key is not text", id="template that was not rendered"),
        pytest.param(ALIASES_THAT_MULTIPLY, "f:6: more than 500,000 values", id="aliases that multiply"),
        pytest.param(MERGES_THAT_MULTIPLY, "f:7: more than 500,000 values", id="merges that multiply"),
        pytest.param("a: &a [*a]\n", "f:1: the alias", id="alias inside itself"),
        pytest.param("a: *b\n", "f:1: the alias", id="alias of nothing"),
        pytest.param("&a b: 1\n*a : 2\n", "f:2: an alias cannot be a key", id="alias as a key"),
        pytest.param("[" * 100_000, "nested deeper than 100 levels", id="nested without end"),
        pytest.param("a:\x00", "not YAML text", id="control character"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        contents(text)
    assert says in str(caught.value)


def test_documents_are_counted_with_the_empty_ones() -> None:
    found = list(parse_yaml(b"# head\n---\n---\na: 1\n---\n", "f"))
    assert [(each.index, each.line, each.content) for each in found] == [(0, 2, None), (1, 3, {"a": 1}), (2, 5, None)]


def test_aliases_and_merges_are_written_out() -> None:
    text = "base: &b {x: 1, y: 2}\nmerged: {<<: *b, y: 3}\nboth: {<<: [{y: 7}, *b], z: 1}\nrepeated: [*b]\n"
    base = {"x": 1, "y": 2}
    assert contents(text) == [
        {"base": base, "merged": {"x": 1, "y": 3}, "both": {"y": 7, "x": 1, "z": 1}, "repeated": [base]}
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("8", 8), ("-8", -8), ("0x10", 16), ("010", 8), ("0o10", 8), ("1_000", 1000), ("0", 0)),
        *(
            ("0.5", Decimal("0.5")),
            ("1e3", Decimal("1E+3")),
            ("1.5e1", Decimal(15)),
            ("99999999999999999999", 10**20 - 1),
        ),
        *(("yes", True), ("Off", False), ("~", None), ("null", None), ("''", ""), ("'8'", "8"), ('"yes"', "yes")),
        *(("!!str 8", "8"), ("!!int '8'", 8), ("!secret 8", "8"), ("1:30", "1:30"), ("+", "+"), (".", ".")),
        *((".inf", ".inf"), ("8k", "8k"), ("2026-11-22", "2026-11-22"), ("9" * 65, "9" * 65)),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them_without_losing_a_digit(text: str, value: object) -> None:
    assert contents(f"a: {text}\n") == [{"a": value}]


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(codec="ascii", categories=["L"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_what_a_library_writes_is_read_back(value: object) -> None:
    assert contents(yaml.safe_dump(value)) == [value]


@given(st.binary(max_size=200) | st.text("a:&*<-[]{}'\"\n ?!|>#%", max_size=80).map(str.encode))
def test_any_bytes_are_documents_or_invalid_input(data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        list(parse_yaml(data, "f"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,\n "a": 2}', ":2: the key 'a' appears twice"),
        ('{"a": 1,\n\t"\\ud83d\\ude00": 1, "a": 2}', "twice"),
        ('{"a": \n]', ":2: this is not JSON"),
        ("[" * 100_000, "nested too deep"),
        ("\xff", "not JSON"),
    ],
)
def test_json_is_refused_the_same_way(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput) as caught:
        list(load_documents(file))
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(file))


def test_json_numbers_stay_exact(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"a": 0.1, "b": 123456789012345678901, "c": ' + "9" * 5000 + "}", "utf-8")
    (document,) = load_documents(file)
    assert document.content == {"a": Decimal("0.1"), "b": 123456789012345678901, "c": "9" * 5000}


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST_FILE_BYTES", 1024**2)
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n" + "#" * 1024**2, "utf-8")
    with pytest.raises(InvalidInput, match="larger than 1 MiB"):
        list(load_documents(file))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        list(load_documents(tmp_path / "absent.yaml"))
