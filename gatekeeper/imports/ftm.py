"""FollowTheMoney entities, one JSON object a line: companies, persons, public bodies and who owns them.

The main country is the headquarters; `country` and `jurisdiction` are not. Directorships, families and the management
of funds are no ownership and are left out. Of a month or a year the strict side is taken: an interest begins with its
first day and ends after its last. Any other date leaves its end open, which is the strict side too.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import lines_of, parsed

ORGANISATIONS = frozenset({"Company", "Organization", "LegalEntity", "PublicBody"})
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_PERCENTAGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%?\s*(?:(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*%?\s*)?")
_MANAGEMENT = re.compile(r"fund|manage", re.IGNORECASE)


def read_ftm(graph: Graph, paths: Iterable[Path]) -> None:
    """Read FollowTheMoney JSON lines into a graph."""
    for path in paths:
        try:
            for number, line in lines_of(path):
                if line.strip():
                    _entity(graph, f"{path}:{number}", line)
        except InvalidInput as error:
            graph.faults.told.append(error.message)


def _entity(graph: Graph, place: str, line: str) -> None:
    with graph.faults.at(place):
        entity = parsed(line)
        if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
            raise InvalidInput("the line is no entity with an id")
        properties = entity.get("properties", {})
        if not isinstance(properties, dict) or any(not isinstance(each, list) for each in properties.values()):
            raise InvalidInput("properties should be lists of texts")
        schema = entity.get("schema")
        if schema in ORGANISATIONS or schema == "Person":
            _party(graph, place, entity["id"], properties, is_person=schema == "Person")
        elif schema == "Ownership":
            _ownership(graph, place, properties)


def _party(graph: Graph, place: str, id_: str, properties: Mapping[str, list[str]], *, is_person: bool) -> None:
    names = [*properties.get("name", []), *properties.get("alias", []), *properties.get("previousName", [])]
    main = properties.get("residence" if is_person else "mainCountry", [])
    if len(main) > 1:
        graph.faults.warn(place, "several main countries: where it is headquartered stays unknown")
    values: dict[str, Any] = {
        "id": graph.id_of(place, id_),
        "kind": "person" if is_person else "org",
        "legal_name": names[0] if names else f"unnamed {id_}",
        "other_names": list(dict.fromkeys(each for each in names[1:] if each != names[0])),
        "residence" if is_person else "headquarters": _code(main[0]) if len(main) == 1 else None,
    }
    if is_person:
        values["nationalities"] = sorted({_code(each) for each in properties.get("nationality", [])})
    else:
        values["lei"] = next(iter(properties.get("leiCode", [])), None)
        jurisdictions = properties.get("jurisdiction", [])
        values["jurisdiction"] = _code(jurisdictions[0]) if len(jurisdictions) == 1 else None
    graph.party(place, values)


def _ownership(graph: Graph, place: str, properties: Mapping[str, list[str]]) -> None:
    kinds = [*properties.get("ownershipType", []), *properties.get("role", [])]
    if any(_MANAGEMENT.search(each) for each in kinds):
        graph.faults.warn(place, "the management of a fund is no ownership; left out")
        return
    begins = _day(graph, place, properties.get("startDate", []), last=False)
    ends = _day(graph, place, properties.get("endDate", []), last=True)
    for asset in properties.get("asset", []):
        for owner in properties.get("owner", []):
            values: dict[str, Any] = {"owner": graph.id_of(place, owner), "source": "FollowTheMoney"}
            values |= _share(graph, place, properties.get("percentage", []))
            values |= {"from": begins.isoformat()} if begins else {}
            values |= {"to": (ends + timedelta(days=1)).isoformat()} if ends else {}
            graph.interest(place, graph.id_of(place, asset), values)


def _share(graph: Graph, place: str, percentages: list[str]) -> dict[str, str]:
    """The share, or bounds of it; nothing where nobody can tell."""
    found = [_PERCENTAGE.fullmatch(each) for each in percentages]
    if not found or any(each is None for each in found):
        if percentages:
            graph.faults.warn(place, f"the percentage {percentages[0]!r:.40} cannot be read: the share is unknown")
        return {}
    bounds = [bound for each in found if each for bound in (each[1], each[2] or each[1])]
    low, high = min(bounds, key=float), max(bounds, key=float)
    return {"share": low} if low == high else {"share_min": low, "share_max": high}


def _day(graph: Graph, place: str, days: list[str], *, last: bool) -> date | None:
    """A day; of a month or a year its first or last one; None where there are none or several, or it is no date."""
    found = _DAY.fullmatch(days[0]) if len(days) == 1 else None
    if found is None:
        if days:
            graph.faults.warn(place, f"the date {days[0]!r:.40} is not one that we read: that end stays open")
        return None
    year, month = int(found[1]), int(found[2] or (12 if last else 1))
    try:
        of_month = monthrange(year, month)[1] if last else 1
        day = date(year, month, int(found[3] or of_month))
    except ValueError as error:
        raise InvalidInput(f"{days[0]!r:.40} is no day") from error
    if not found[3]:
        graph.faults.warn(place, f"{days[0]} is no whole day: read as {day}, the stricter side")
    return day


def _code(country: str) -> str:
    return country.upper()
