"""The application: all routes behind the door."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse

from gatekeeper.api import (
    batches,
    corrections,
    customers,
    endings,
    evidence,
    evidence_bytes,
    inquiries,
    lives,
    namespaces,
    others,
    people,
    retention,
    runs,
    screening,
    standings,
    users,
)
from gatekeeper.api.asking import Office
from gatekeeper.api.door import Door
from gatekeeper.api.openapi import describe, offered, page
from gatekeeper.api.problems import answer
from gatekeeper.domain.errors import GatekeeperError

_NOUNS = (
    customers,
    standings,
    lives,
    evidence,
    evidence_bytes,
    retention,
    batches,
    namespaces,
    runs,
    corrections,
    endings,
    inquiries,
    screening,
    users,
    people,
    others,
)
_PUBLIC = APIRouter(include_in_schema=False)


@_PUBLIC.get("/openapi.json")
async def openapi_json() -> JSONResponse:
    """The description for programs; it says nothing of anybody."""
    return JSONResponse(description())


@_PUBLIC.get("/docs")
async def docs() -> HTMLResponse:
    """The description for people."""
    return HTMLResponse(page(description()))


def routes() -> FastAPI:
    """The application without its door, and without anything to work with."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys((GatekeeperError, RequestValidationError, HTTPException, Exception), answer),
    )
    for each in _NOUNS:
        app.include_router(each.router, prefix="/v1")
    app.include_router(_PUBLIC)
    return app


def description() -> dict[str, Any]:
    """The OpenAPI description."""
    return describe(_DESCRIBED)


def api(office: Office) -> Door:
    """The whole application over what it works with."""
    app = routes()
    app.state.office, app.state.offered = office, offered(description())
    return Door(app)


_DESCRIBED = routes()
