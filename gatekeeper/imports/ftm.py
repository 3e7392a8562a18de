"""FollowTheMoney entities, one JSON object a line: companies, persons, public bodies, who owns and who controls them.

The main country is the headquarters; `country` and `jurisdiction` are not. Ownership is an interest, control a parent.
Every other link (directorships, families, links that nobody knows more of, the management of funds) is told and left
out: it is neither. Of a month or a year the strict side is taken: an interest begins with its first day and ends after
its last. Any other date leaves its end open, which is the strict side too.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import lines_of, parsed
from gatekeeper.imports.percentages import bounds_of
from gatekeeper.imports.territories import our_code

# All that a LegalEntity may be (schemata of followthemoney 4.11, 2026).
ORGANISATIONS = frozenset({"Company", "Organization", "LegalEntity", "PublicBody"})
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T.*)?")
_MANAGEMENT = re.compile(r"fund|manage", re.IGNORECASE)
Properties = Mapping[str, list[str]]


@dataclass(slots=True)
class _File:
    """What is kept until all parties are known: links with their places, and how much of what was left out."""

    links: list[tuple[str, str, Properties]] = field(default_factory=list)
    parties: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


def read_ftm(graph: Graph, paths: Iterable[Path]) -> None:
    """Read FollowTheMoney JSON lines into a graph."""
    file, paths = _File(), list(paths)
    for path in paths:
        try:
            for number, line in lines_of(path):
                if line.strip():
                    _entity(graph, file, f"{path}:{number}", line)
        except InvalidInput as error:
            graph.faults.told.append(str(error))
    for place, schema, properties in file.links:
        with graph.faults.at(place):
            (_ownership if schema == "Ownership" else _control)(graph, file, place, properties)
    for schema, count in sorted(file.left_out.items()):
        graph.faults.warn(
            ", ".join(map(str, paths)), f"{count:,} of {schema} are neither a party nor a share: left out"
        )
    graph.loosen()


def _entity(graph: Graph, file: _File, place: str, line: str) -> None:
    with graph.faults.at(place):
        entity = parsed(line)
        if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
            raise InvalidInput("the line is no entity with an id")
        properties = entity.get("properties", {})
        if not isinstance(properties, dict) or any(not isinstance(each, list) for each in properties.values()):
            raise InvalidInput("properties should be lists of texts")
        if any(not isinstance(each, str) for values in properties.values() for each in values):
            raise InvalidInput("properties should be lists of texts")
        schema = entity.get("schema")
        if schema in ORGANISATIONS or schema == "Person":
            file.parties.add(entity["id"])
            _party(graph, place, entity["id"], properties, is_person=schema == "Person")
        elif schema in ("Ownership", "Control"):
            file.links.append((place, schema, properties))
        else:
            file.others.add(entity["id"])
            file.left_out[str(schema)[:60]] += 1


def _party(graph: Graph, place: str, id_: str, properties: Properties, *, is_person: bool) -> None:
    names = [*properties.get("name", []), *properties.get("alias", []), *properties.get("previousName", [])]
    # A person's residence: older files of ours have a property of that name.
    main = properties.get("mainCountry") or properties.get("residence", [])
    if len(main) > 1:
        graph.faults.warn(place, "several main countries: where it is headquartered stays unknown")
    topics = [each for each in properties.get("topics", []) if each.startswith(("sanction", "role.pep", "role.rca"))]
    if topics:
        graph.faults.warn(place, f"{id_} is marked {', '.join(topics)}: look at it before you approve")
    values: dict[str, Any] = {
        "id": graph.id_of(place, id_),
        "kind": "person" if is_person else "org",
        "legal_name": names[0] if names else f"unnamed {id_}",
        "other_names": list(dict.fromkeys(each for each in names[1:] if each != names[0])),
        "residence" if is_person else "headquarters": our_code(main[0]) if len(main) == 1 else None,
    }
    if is_person:
        told = {*properties.get("nationality", []), *properties.get("citizenship", [])}
        values["nationalities"] = sorted(set(map(our_code, told)))
    else:
        values["lei"] = next(iter(properties.get("leiCode", [])), None)
        jurisdictions = properties.get("jurisdiction", [])
        values["jurisdiction"] = our_code(jurisdictions[0]) if len(jurisdictions) == 1 else None
        # Deprecated in favour of Ownership, and still written.
        values["parents"] = sorted({graph.id_of(place, each) for each in properties.get("parent", [])})
    graph.party(place, values)


def _ownership(graph: Graph, file: _File, place: str, properties: Properties) -> None:
    kinds = [*properties.get("ownershipType", []), *properties.get("role", [])]
    if any(_MANAGEMENT.search(each) for each in kinds):
        graph.faults.warn(place, "the management of a fund is no ownership; left out")
        return
    begins = _day(graph, place, properties.get("startDate", []), last=False)
    ends = _day(graph, place, properties.get("endDate", []), last=True)
    for asset, owner in _ends(graph, file, place, properties, ("asset", "owner")):
        values: dict[str, Any] = {"owner": owner, "source": "FollowTheMoney"}
        values |= _share(graph, place, properties.get("percentage", []))
        values |= {"from": begins.isoformat()} if begins else {}
        values |= {"to": (ends + timedelta(days=1)).isoformat()} if ends else {}
        graph.interest(place, asset, values)


def _control(graph: Graph, file: _File, place: str, properties: Properties) -> None:
    for asset, owner in _ends(graph, file, place, properties, ("controlled", "controller")):
        graph.parent(place, asset, owner)
    if properties.get("endDate"):
        graph.faults.warn(
            place, f"control is told to have ended on {properties['endDate'][0]:.40}: it counts until then"
        )


def _ends(
    graph: Graph, file: _File, place: str, properties: Properties, names: tuple[str, str]
) -> Iterable[tuple[str, str]]:
    """Who is owned and who owns it, each pair of them that are parties."""
    owned, owners = (properties.get(name, []) for name in names)
    if not owned or not owners:
        raise InvalidInput(f"{names[0]} and {names[1]} should be named")
    for asset in owned:
        if asset in file.others:
            graph.faults.warn(place, f"{asset} is no company and can have no owner here: left out")
            continue
        for owner in owners:
            yield graph.id_of(place, asset), graph.id_of(place, owner)


def _share(graph: Graph, place: str, percentages: list[str]) -> dict[str, str]:
    """The share, or bounds of it; nothing where nobody can tell."""
    if not percentages:
        return {}
    try:
        low, high = bounds_of(percentages)
    except InvalidInput as error:
        graph.faults.warn(place, f"{error.message}: the share is unknown")
        return {}
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
