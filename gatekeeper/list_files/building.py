"""An entry built of what a publisher's fields say, or its error at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from gatekeeper.country_files import known_countries
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.list_files.opening import Errors

NOTHING = "-0-"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")

Fields = Mapping[str, Any]


def entry_from(fields: Fields, list_id: str, source: str) -> ListEntry:
    """The entry of `names`, `number`, `kind`, `countries`, `programs`, `start_date` and `end_date`.

    Raises:
        InvalidInput: it has no name or source, or a day that is none.
    """
    if not source:
        raise InvalidInput("source: is empty.")
    first = one_line(fields["names"][0])
    if not first:
        raise InvalidInput("name: is empty.")
    return ListEntry(
        list=list_id,
        source=source,
        number=text_of(fields, "number"),
        names=once((first, *map(one_line, fields["names"][1:]))),
        kind=text_of(fields, "kind").lower(),
        countries=tuple(sorted({code for each in fields.get("countries", ()) if (code := country_code(each))})),
        programs=once(sorted(map(one_line, fields["programs"]))),
        begins=_day(fields, "start_date"),
        ends=_day(fields, "end_date"),
    )


def built(
    build: Callable[[Fields, str], ListEntry], fields: Fields, list_id: str, where: str, errors: Errors
) -> Iterator[ListEntry]:
    """The entry, or its error at its place."""
    try:
        yield build(fields, list_id)
    except InvalidInput as error:
        errors.add(where, str(error))
    except (AttributeError, TypeError) as error:
        errors.add(where, f"has a value of a kind that does not belong there ({error}).")


def country_code(text: str) -> str:
    """The code of a country that is told by its code or its name; "" where it is neither. It is for people to see."""
    if _COUNTRY.fullmatch(text):
        return text
    country = known_countries().find(text) if text else None
    return country.code if country is not None else ""


def text_of(fields: Fields, name: str) -> str:
    """A value as text in one line; "" where it is not there."""
    return one_line(fields.get(name) or "")


def texts_of(fields: Fields, name: str) -> list[str]:
    """One or more values as texts."""
    values = fields.get(name) or []
    return [str(each) for each in (values if isinstance(values, list) else [values])]


def one_line(value: object) -> str:
    """A text without line ends: publishers wrap long names."""
    return " ".join(str(value).split())


def said(value: str) -> str:
    """What a column says; OFAC writes `-0-` for nothing."""
    plain = one_line(value)
    return "" if plain == NOTHING else plain


def once(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, without empty ones."""
    return tuple(dict.fromkeys(each for each in texts if each))


def _day(fields: Fields, name: str) -> date | None:
    value = fields.get(name)
    if value in (None, ""):
        return None
    try:
        if not _DAY.fullmatch(str(value)):
            raise ValueError
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidInput(f"{name}: {value!r:.40} is no day like 2026-11-22.") from error
