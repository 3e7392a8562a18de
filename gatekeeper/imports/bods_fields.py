"""Fields of BODS statements, each checked for its shape, and the codes of countries and days in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from gatekeeper.domain.errors import InvalidInput

_PART = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,5}")
Fields = Mapping[str, Any]


def text_of(fields: Fields, name: str) -> str:
    """A text that has to be there."""
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing")
    return value


def object_of(fields: Fields, name: str, otherwise: Fields | None = None) -> Fields:
    """An object that has to be there, or else what stands for it."""
    value = fields.get(name, otherwise)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} should be an object")
    return value


def list_of(fields: Fields, name: str) -> list[Any]:
    """A list; empty where it is left out."""
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise InvalidInput(f"{name} should be a list")
    return value


def objects_of(fields: Fields, name: str) -> list[Fields]:
    """A list of objects; empty where it is left out."""
    found = list_of(fields, name)
    if any(not isinstance(each, Mapping) for each in found):
        raise InvalidInput(f"{name} should be a list of objects")
    return found


def day_of(value: object) -> date:
    """The day of a date, or of a time."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise InvalidInput(f"{value!r:.40} is no day") from error


def code_of(country: Fields) -> str:
    """Code of a country: two letters, with a part of it where its name is that part's code (UA-43); "" without one."""
    code, name = str(country.get("code") or "").upper(), str(country.get("name") or "").upper()
    return name if code and _PART.fullmatch(name) and name.startswith(f"{code[:2]}-") else code


def address_of(details: Fields, kind: str) -> str:
    """Code of the country of the first address of a kind; "" without one."""
    found = [each for each in objects_of(details, "addresses") if each.get("type") == kind]
    return next(filter(None, (code_of(object_of(each, "country", {})) for each in found)), "")
