"""Structured garbage at every route of openapi.json: the answer is never a fault of ours, and never no problem."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.api.app import description
from tests.api.office import ApiHouse, record

KNOWN = ("lab", "llm", "team-a", "us-ai-diffusion")
_texts = st.one_of(st.sampled_from(KNOWN), st.text(max_size=80), st.just(""), st.text("0123456789.eE+-", max_size=70))
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def routes() -> Iterator[tuple[str, str]]:
    for path, operations in description()["paths"].items():
        for method in operations:
            yield method, path


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def near(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that fit a schema, but for the garbage among them."""
    schema = resolved(schema)
    if depth > 5:
        return _values
    if "anyOf" in schema:
        return st.one_of(*[near(each, depth + 1) for each in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")])) | _values
    if schema.get("type") == "object" and "properties" in schema:
        fields = {name: near(each, depth + 1) for name, each in schema["properties"].items()}
        needed = {name: each for name, each in fields.items() if name in schema.get("required", ())}
        others = {name: each for name, each in fields.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=others) | _values
    if schema.get("type") == "array":
        return st.lists(near(schema.get("items", {}), depth + 1), max_size=3) | _values
    if schema.get("format") in ("date", "date-time"):
        return st.dates().map(str) | st.datetimes().map(lambda each: each.isoformat() + "Z") | _texts
    return _texts | _values


@pytest.fixture
def busy(house: ApiHouse) -> ApiHouse:
    """A house in which there is something to hit."""
    house.enrol()
    run = {"run": "llm", "customer": "lab", "title": "A model"}
    house.client("ana").post("/v1/runs", json=run).raise_for_status()
    house.client("ana").put("/v1/namespaces/team-a", json={"customer": "lab"}).raise_for_status()
    house.client("ana").put("/v1/customers/b", json=record("b"), headers={"If-None-Match": "*"}).raise_for_status()
    return house


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), list(routes()))
def test_no_garbage_makes_a_fault(busy: ApiHouse, method: str, path: str) -> None:
    operation = description()["paths"][path][method]
    queries = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    etags = [busy.etag("lab"), busy.etag("b"), "*", '"x"']
    latin = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=40).map(str.strip)

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        st.lists(_texts, min_size=3, max_size=3),
        st.dictionaries(st.sampled_from([*queries, "x"]), _texts, max_size=4),
        near(content.get("schema", {})),
        st.dictionaries(
            st.sampled_from(["If-Match", "If-None-Match", "Idempotency-Key", "Content-Type", "Accept"]),
            st.sampled_from(etags) | latin,
            max_size=3,
        ),
        st.sampled_from(["ana", "ben", "both"]),
    )
    def garbage(parts: list[str], query: dict[str, str], body: Any, headers: dict[str, str], name: str) -> None:
        from urllib.parse import quote

        address = path
        for each, part in zip(("customer_id", "run_id", "namespace", "party_id"), [*parts, "lab"], strict=True):
            address = address.replace("{" + each + "}", quote(part, safe="") or "lab")
        sent = {each.encode(): value.encode("latin-1") for each, value in headers.items()}
        content = None if method == "get" else json.dumps(body).encode()
        if content is not None:
            sent.setdefault(b"Content-Type", b"application/json")
        answer = busy.client(name).request(method, address, params=query, content=content, headers=sent)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.json()["status"] == answer.status_code

    garbage()
