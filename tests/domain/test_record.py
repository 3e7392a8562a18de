"""One record has one form of bytes, and nothing else is ever read as a record."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Method
from gatekeeper.domain.record import (
    INTEGER_MAX,
    RECORD_BYTES_MAX,
    Actor,
    ActorKind,
    Record,
    RecordType,
    canonical_json,
    decode,
    encode,
    parse_canonical,
)

ID = "0195a3f0-1c2d-7e3f-8a4b-5c6d7e8f9012"
NOON = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def make_record(**changes: Any) -> Record:
    given_values: dict[str, Any] = {
        "id": ID,
        "at": NOON,
        "type": RecordType.WORKLOAD_REFUSED,
        "actor": Actor(ActorKind.SERVICE, "webhook"),
        "facts": {"run": "r-1", "budget_tflop": "100000000000000"},
    }
    return Record(**{**given_values, **changes})


def test_a_record_has_these_bytes() -> None:
    assert encode(make_record()) == (
        b'{"actor":{"kind":"service","name":"webhook"},"at":"2026-11-22T12:00:00.000005Z",'
        b'"facts":{"budget_tflop":"100000000000000","run":"r-1"},'
        b'"id":"0195a3f0-1c2d-7e3f-8a4b-5c6d7e8f9012","type":"workload.refused","v":1}'
    )


@pytest.mark.parametrize("method", Method)
def test_how_we_knew_a_person_stands_in_the_record_and_is_read_back(method: Method) -> None:
    record = make_record(actor=Actor(ActorKind.PERSON, "ana", method))
    assert b'"actor":{"auth":"%s","kind":"person","name":"ana"}' % method.value.encode() in encode(record)
    assert decode(encode(record)) == record


@pytest.mark.parametrize("auth", ['"password"', "null", '""', "1"])
def test_a_way_of_knowing_somebody_that_we_do_not_know_is_refused(auth: str) -> None:
    data = encode(make_record(actor=Actor(ActorKind.PERSON, "ana", Method.OIDC)))
    with pytest.raises(InvalidInput):
        decode(data.replace(b'"auth":"oidc"', f'"auth":{auth}'.encode()))


@given(st.dictionaries(texts, values, max_size=5))
def test_what_was_encoded_is_decoded_to_the_same_record(facts: dict[str, Any]) -> None:
    record = make_record(facts=facts)
    data = encode(record)
    assert decode(data) == record
    assert encode(decode(data)) == data


@given(st.dictionaries(texts, values, max_size=5))
def test_a_record_is_one_line_without_control_characters(facts: dict[str, Any]) -> None:
    assert not any(byte < 0x20 for byte in encode(make_record(facts=facts)))


def test_the_order_of_keys_does_not_matter_and_follows_utf_16() -> None:
    # RFC 8785 section 3.2.3: U+1F600 is the code units D83D DE00 and so comes before U+FB33.
    one = make_record(facts={"\ufb33": 1, "\U0001f600": 2, "a": 3})
    other = make_record(facts={"a": 3, "\U0001f600": 2, "\ufb33": 1})
    assert encode(one) == encode(other)
    assert '"facts":{"a":3,"\U0001f600":2,"\ufb33":1}'.encode() in encode(one)


def test_text_is_written_as_it_is_and_controls_are_escaped() -> None:
    data = encode(make_record(facts={"name": 'Zürich 中 "x"\n\r\t\x00\x1f\u2028'}))
    assert r'"Zürich 中 \"x\"\n\r\t\u0000\u001f'.encode() in data


def test_a_change_of_the_callers_dictionary_does_not_reach_the_record() -> None:
    devices: dict[str, Any] = {"nvidia.com/gpu": 8}
    record = make_record(facts={"devices": devices})
    before = encode(record)
    devices["nvidia.com/gpu"] = 0
    assert encode(record) == before
    assert record == decode(before)


def test_a_record_cannot_be_changed() -> None:
    record = make_record()
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        record.facts["run"] = "r-2"  # type: ignore[index]


@pytest.mark.parametrize(
    "facts",
    [
        {"rate": 1.0},
        {"rate": float("nan")},
        {"deep": [{"rate": 0.5}]},
        {"large": 2**53},
        {"large": -(2**53)},
        {1: "number as key"},
        {"half": "\ud800"},
        {"\udfff": "half in a key"},
        {"at": NOON},
        {"raw": b"bytes"},
        {"set": {1, 2}},
        ["no object"],
    ],
    ids=lambda facts: ascii(facts)[:40],
)
def test_what_json_cannot_say_exactly_is_refused(facts: Any) -> None:
    with pytest.raises(InvalidInput):
        make_record(facts=facts)


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(InvalidInput, match=r"facts\.devices\[1\]\.rate"):
        make_record(facts={"devices": [{}, {"rate": 0.5}]})


def test_nesting_has_a_limit() -> None:
    nested: Any = 1
    for _ in range(14):
        nested = [nested]
    assert decode(encode(make_record(facts={"x": nested})))
    with pytest.raises(InvalidInput, match="nests deeper"):
        make_record(facts={"x": [nested]})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "0195A3F0-1C2D-7E3F-8A4B-5C6D7E8F9012"},
        {"id": "r-1"},
        {"id": ID + "\n"},
        {"at": datetime(2026, 11, 22)},  # noqa: DTZ001 (the defect under test)
        {"at": datetime(2026, 11, 22, tzinfo=timezone(timedelta(hours=1)))},
        {"type": "workload.eaten"},
        {"type": 3},
    ],
    ids=str,
)
def test_nonsense_is_refused_when_built(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        make_record(**changes)


@pytest.mark.parametrize("name", ["", "x" * 513, "\ud800"])
def test_an_actor_without_a_proper_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        make_record(actor=Actor(ActorKind.PERSON, name))


def test_an_actor_of_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"actor\.kind"):
        Actor("ghost", "x")  # type: ignore[arg-type]


def test_the_largest_record_fits_and_one_byte_more_is_refused() -> None:
    room = RECORD_BYTES_MAX - len(encode(make_record(facts={"x": ""})))
    assert len(encode(make_record(facts={"x": "y" * room}))) == RECORD_BYTES_MAX
    with pytest.raises(InvalidInput, match="too large"):
        make_record(facts={"x": "y" * (room + 1)})


GOOD = encode(make_record())


def with_field(**changes: Any) -> bytes:
    body = {**json.loads(GOOD), **changes}
    return canonical_json(body)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(GOOD + b" ", id="blank at the end"),
        pytest.param(GOOD + b"\n", id="newline at the end"),
        pytest.param(GOOD.replace(b",", b", "), id="blank after a comma"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":1,"v":1'), id="duplicate key"),
        pytest.param(GOOD.replace(b'"run":"r-1"', b'"run":"r-1","run":"r-2"'), id="duplicate key in facts"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":1.0'), id="fraction"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":1e0'), id="exponent"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":2'), id="version 2"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":true'), id="version true"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":' + b"9" * 5000), id="number of 5,000 digits"),
        pytest.param(GOOD.replace(b'"v":1', b'"v":NaN'), id="NaN"),
        pytest.param(GOOD.replace(b"r-1", b"\\u0072-1"), id="needless escape"),
        pytest.param(GOOD.replace(b"r-1", b"\\ud800"), id="half a surrogate pair"),
        pytest.param(GOOD.replace(b"r-1", b"\xff"), id="not UTF-8"),
        pytest.param(GOOD.replace(b"000005Z", b"000005+00:00"), id="time with another suffix"),
        pytest.param(GOOD.replace(b"12:00:00.000005Z", b"12:00:00Z"), id="time without microseconds"),
        pytest.param(GOOD.replace(b"2026-11-22T", b"2026-02-30T"), id="a day that is not"),
        pytest.param(b'{"v":1,' + GOOD[1:].replace(b',"v":1', b""), id="keys out of order"),
        pytest.param(with_field(extra=1), id="unknown field"),
        pytest.param(with_field(actor={"kind": "service", "name": "x", "group": "y"}), id="unknown field of actor"),
        pytest.param(with_field(actor="x"), id="actor is a text"),
        pytest.param(with_field(facts=[]), id="facts are a list"),
        pytest.param(with_field(id=5), id="id is a number"),
        pytest.param(with_field(at=5), id="time is a number"),
        pytest.param(b"[" * 60_000, id="60,000 brackets"),
        pytest.param(b" " * (RECORD_BYTES_MAX + 1), id="too long"),
    ],
)
def test_bytes_that_are_not_exactly_a_record_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(data)


def test_a_key_that_stands_twice_is_named_as_the_cause() -> None:
    with pytest.raises(InvalidInput, match="A key stands twice"):
        decode(GOOD.replace(b'"v":1', b'"v":1,"v":1'))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_the_reader_fail_otherwise(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(data)


@given(st.data())
def test_a_flipped_bit_is_refused_or_another_record(data: st.DataObject) -> None:
    changed = bytearray(GOOD)
    bit = data.draw(st.integers(0, len(GOOD) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    try:
        record = decode(bytes(changed))
    except InvalidInput:
        return
    assert record != make_record()
    assert encode(record) == bytes(changed)


def test_canonical_json_of_other_values_is_read_back_only_in_that_form() -> None:
    data = canonical_json({"b": [1, True, None], "a": "x"})
    assert data == b'{"a":"x","b":[1,true,null]}'
    assert parse_canonical(data, bytes_max=100) == {"a": "x", "b": [1, True, None]}
    with pytest.raises(InvalidInput, match="not in canonical form"):
        parse_canonical(b'{"b":1,"a":2}', bytes_max=100)
