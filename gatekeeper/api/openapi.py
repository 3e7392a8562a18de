"""The description of the API (OpenAPI 3.1), and the page of it for people: plain HTML that loads nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gatekeeper.api.customer_shapes import Approval, Batched, Rejection, Verified
from gatekeeper.api.life_shapes import AskOverride, Attest
from gatekeeper.api.people_shapes import LinkLogin, LoginNamed
from gatekeeper.api.problems import KINDS, MEDIA_TYPE
from gatekeeper.api.review_shapes import AddUser, AnswerInquiry, DenyInquiry, Judge, SetRoles
from gatekeeper.api.shapes import Because, ProblemShown
from gatekeeper.api.work_shapes import Bind, Correct, Declare, Join
from gatekeeper.customer_files import CustomerFile

VERSION = "1"
_BODIES: dict[str, type[BaseModel]] = {
    each.__name__: each
    for each in (
        *(CustomerFile, Approval, Batched, Because, Rejection, Verified, AskOverride, Attest),
        *(Bind, Correct, Declare, Join, AddUser, SetRoles, AnswerInquiry, DenyInquiry, Judge),
        *(LinkLogin, LoginNamed),
    )
}
_ANYTHING = {"type": "array", "items": {"type": "object"}}
# Read by `graph_files`, and told in docs/tiers.md.
_GRAPH = {"type": "object", "required": ["parties"], "properties": {"parties": _ANYTHING, "interests": _ANYTHING}}
_BYTES: dict[str, Any] = {}  # anything
_REF = "#/components/schemas/{model}"
_ABOUT = (
    "The registry of Compute Gatekeeper: customers, who owns them, their tiers, namespaces and runs. Every request but "
    "this description carries a bearer token. What makes somebody stricter takes effect at once; what is milder waits "
    "for a second person, who approves exactly what If-Match names."
)


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of an application."""
    if app.openapi_schema is None:
        described = get_openapi(
            title="Compute Gatekeeper registry", version=VERSION, description=_ABOUT, routes=app.routes
        )
        known: list[type[BaseModel]] = [*_BODIES.values(), ProblemShown]
        _, models = models_json_schema([(each, "validation") for each in known], ref_template=_REF)
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {**models["$defs"], "Graph": _GRAPH}
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                _complete(operation, path, writes=method != "get")
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = described
    return app.openapi_schema


def _complete(operation: dict[str, Any], path: str, *, writes: bool) -> None:
    """Say of an operation what the framework does not know: the body, conditions, and how it fails."""
    if operation.pop("x-bytes", None):
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": _BYTES}}
    body = operation.pop("x-body", None)
    if body is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=body)}}}
        operation["requestBody"] = {"required": True, "content": content}
    said = operation.setdefault("parameters", [])
    if writes:
        said.append(_header("If-Match", "The ETag of what you looked at."))
    if not writes or path.endswith(("/customers/{customer_id}", "/draft")):
        said.append(_header("If-None-Match", "An ETag that you have already, or * for what is to be new."))
    responses = operation["responses"]
    responses.pop("422", None)
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemShown")}}}
    responses["default"] = {"description": "A problem (RFC 9457).", "content": content}


def _header(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": {"type": "string"}}


def offered(described: dict[str, Any]) -> list[tuple[re.Pattern[str], str]]:
    """Each address as a pattern, and a method that it has."""
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), method.upper())
        for path, operations in {**described["paths"], "/docs": ["get"], "/openapi.json": ["get"]}.items()
        for method in operations
    ]


def page(described: dict[str, Any]) -> str:
    """The page for people."""
    return "\n".join(_lines(described)) + "\n"


def _lines(described: dict[str, Any]) -> Iterator[str]:
    title = html.escape(described["info"]["title"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f'<meta name="viewport" content="width=device-width"><title>{title}</title></head><body>'
    yield f"<h1>{title}</h1><p>{html.escape(described['info']['description'])}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
    yield "<h2>Addresses</h2><dl>"
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield f"<dt><code>{method.upper()} {html.escape(path)}</code></dt>"
            named = ", ".join(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query")
            query = f" Query: <code>{html.escape(named)}</code>." if named else ""
            yield f"<dd>{html.escape(operation['description'])}{query}</dd>"
    yield "</dl><h2>Problems</h2><dl>"
    for status, (name, about) in KINDS.items():
        yield f'<dt id="{name}"><code>{status} {name}</code></dt><dd>{html.escape(about)}</dd>'
    yield "</dl></body></html>"
