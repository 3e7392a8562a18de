"""Beneficial Ownership Data Standard 0.4: statements about entities, persons and relationships.

The latest statement of a record holds; a closed one is gone. A business address is the headquarters, a registered one
is not. Whoever is left unspecified stays unknown, and is told with the reason. A share that is held indirectly is one
that its holder's chain may hold too, so it counts from nothing up to its upper bound; control without a share makes a
parent; an interest of which nobody says what it is may be a share of any size. Offices are told, and are neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import WHOLE, millionths, percent_text
from gatekeeper.domain.lei import checked_lei
from gatekeeper.imports.bods_fields import (
    Fields,
    address_of,
    code_of,
    day_of,
    list_of,
    object_of,
    objects_of,
    text_of,
)
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import lines_of, parsed

BYTES_MAX = 512 * 1024 * 1024
LEI_SCHEME = "XI-LEI"
# Interests that can be counted, and those that nobody tells more of: they may be a share of any size.
SHARES = frozenset({"shareholding", "votingRights", "unknownInterest", "unpublishedInterest", ""})
# Offices: no share, and no control by themselves, unless they make somebody a beneficial owner.
OFFICES = frozenset({"boardMember", "boardChair", "seniorManagingOfficial", "nominee"})
_STATUS = frozenset({"new", "updated", "closed"})
_KINDS = {"entity", "person", "relationship"}
_ASIDE = {"anonymousEntity", "unknownEntity", "anonymousPerson", "unknownPerson"}
# What each pair of owned and owner holds from a day on: by the type of interest, each with its bounds.
_Held = dict[tuple[str, str], dict[str, dict[str, list[Fields]]]]


def read_bods(graph: Graph, paths: Iterable[Path]) -> None:
    """Read BODS files into a graph: one JSON array, or one statement a line."""
    last: dict[str, tuple[str, Fields]] = {}
    for path in paths:
        try:
            for place, statement in _statements(path):
                with graph.faults.at(place):
                    _keep(last, place, statement)
        except InvalidInput as error:
            graph.faults.told.append(str(error))
    held: _Held = {}
    for place, statement in last.values():
        if statement.get("recordStatus") != "closed":
            with graph.faults.at(place):
                details = object_of(statement, "recordDetails")
                if statement["recordType"] == "relationship":
                    _relationship(graph, held, place, details)
                else:
                    _READ[statement["recordType"]](graph, place, statement["recordId"], details)
    for (asset, owner), by_begin in held.items():
        for begins, by_type in by_begin.items():
            _interest(graph, asset, owner, begins, by_type)
    graph.loosen()


def _keep(last: dict[str, tuple[str, Fields]], place: str, statement: Fields) -> None:
    """Keep a statement unless a later one of its record is kept; of one day the one that stands last."""
    record = text_of(statement, "recordId")
    if statement.get("recordStatus", "new") not in _STATUS:
        raise InvalidInput("recordStatus is new, updated or closed")
    if statement.get("recordType") not in _KINDS:
        raise InvalidInput("recordType is entity, person or relationship")
    before = last.get(record)
    if before is not None and before[1]["recordType"] != statement["recordType"]:
        raise InvalidInput(f"record {record} is a {before[1]['recordType']} at {before[0]}")
    if before is None or _day_told(before[1]) <= _day_told(statement):
        last[record] = (place, statement)


def _day_told(statement: Fields) -> str:
    told = statement.get("statementDate")
    return day_of(told).isoformat() if told else ""


def _statements(path: Path) -> Iterable[tuple[str, Fields]]:
    lines = lines_of(path)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise InvalidInput(f"{path}: the file is empty.")
    if first[1].lstrip().startswith("["):
        text, size = [first[1]], 0
        for _, line in lines:
            size += len(line)
            if size > BYTES_MAX:
                raise InvalidInput(f"{path}: more than 512 MiB in one array.", hint="Write one statement a line.")
            text.append(line)
        found = _parsed(str(path), "".join(text))
        for number, each in enumerate(found, 1):
            yield f"{path}: statement {number}", _mapping(f"{path}: statement {number}", each)
        return
    for number, line in (first, *lines):
        if line.strip():
            yield f"{path}:{number}", _mapping(f"{path}:{number}", _parsed(f"{path}:{number}", line))


def _parsed(place: str, text: str) -> Any:
    try:
        return parsed(text)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error.message}.") from error


def _mapping(place: str, value: object) -> Fields:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{place}: a statement is an object.")
    return value


def _entity(graph: Graph, place: str, record: str, details: Fields) -> None:
    entity_type = object_of(details, "entityType", {}).get("type", "unknownEntity")
    jurisdiction = code_of(object_of(details, "jurisdiction", {}))
    is_state = entity_type == "state"
    _tell_unspecified(graph, place, record, entity_type, details.get("unspecifiedEntityDetails"))
    values = {
        "id": graph.id_of(place, record),
        "kind": "state" if is_state else "org",
        "legal_name": details.get("name") or f"unnamed entity {record}",
        "other_names": [each for each in list_of(details, "alternateNames") if each],
        "jurisdiction": jurisdiction or None,
        "headquarters": (jurisdiction if is_state else address_of(details, "business")) or None,
    }
    for each in objects_of(details, "identifiers"):
        if each.get("scheme") == LEI_SCHEME:
            values["lei"] = checked_lei(text_of(each, "id"))
    graph.party(place, values)


def _person(graph: Graph, place: str, record: str, details: Fields) -> None:
    names = [each.get("fullName") for each in objects_of(details, "names")]
    told = [each for each in names if each]
    _tell_unspecified(graph, place, record, details.get("personType"), details.get("unspecifiedPersonDetails"))
    if object_of(details, "politicalExposure", {}).get("status") == "isPep":
        graph.faults.warn(place, f"{record} is politically exposed: look at it before you approve")
    values = {
        "id": graph.id_of(place, record),
        "kind": "person",
        "legal_name": told[0] if told else f"unnamed person {record}",
        "other_names": told[1:],
        "nationalities": sorted({code for each in objects_of(details, "nationalities") if (code := code_of(each))}),
        "residence": address_of(details, "residence") or None,
    }
    graph.party(place, values)


def _tell_unspecified(graph: Graph, place: str, record: str, kind: object, details: object) -> None:
    if kind in _ASIDE:
        reason = f" ({details.get('reason')})" if isinstance(details, Mapping) else ""
        graph.faults.warn(place, f"{record} is {kind}{reason}: who that is stays unknown")


def _relationship(graph: Graph, held: _Held, place: str, details: Fields) -> None:
    subject, holder = details.get("subject"), details.get("interestedParty")
    for name, end in (("subject", subject), ("interestedParty", holder)):
        if not isinstance(end, str):
            reason = end.get("reason", "no reason") if isinstance(end, Mapping) else "no reason"
            graph.faults.warn(place, f"{name} is not specified ({reason}): what is behind it stays unknown")
    if not isinstance(subject, str) or not isinstance(holder, str):
        return
    asset, owner = graph.id_of(place, subject), graph.id_of(place, holder)
    # Where nobody says what the relationship is, it may be a share.
    for each in objects_of(details, "interests") or [{}]:
        kind = str(each.get("type") or "")
        if _is_over(each):
            graph.faults.warn(place, f"an interest in {subject} ends before it begins: left out")
        elif kind in SHARES:
            begins = str(each.get("startDate") or "")
            held.setdefault((asset, owner), {}).setdefault(begins, {}).setdefault(kind, []).append(
                {"place": place, **each}
            )
        elif kind in OFFICES and each.get("beneficialOwnershipOrControl") is not True:
            graph.faults.warn(place, f"{holder} is {kind} of {subject}, which is neither a share nor control: left out")
        else:
            graph.parent(place, asset, owner)
            if each.get("endDate"):
                told = f"{holder} controls {subject} until {each['endDate']!s:.40}"
                graph.faults.warn(place, f"{told}: control has no days here, so take it out once it is over")


def _interest(graph: Graph, asset: str, owner: str, begins: str, by_type: Mapping[str, list[Fields]]) -> None:
    """One interest of all that somebody holds from a day on: shares of one type add up, and of the types the largest
    counts, because votes come with shares."""
    first = next(iter(by_type.values()))[0]
    with graph.faults.at(first["place"]):
        bounds = [_sum(interests) for interests in by_type.values()]
        least = max(low for low, _ in bounds)
        most = None if any(high is None for _, high in bounds) else max(high or 0 for _, high in bounds)
        ends = [each.get("endDate") for interests in by_type.values() for each in interests]
        told: dict[str, Any] = {"owner": owner, "source": "BODS"}
        if most is not None and least == most:
            told["share"] = percent_text(most)
        else:
            told |= {"share_min": percent_text(least)} if least else {}
            told |= {"share_max": percent_text(most)} if most is not None else {}
        told |= {"from": day_of(begins).isoformat()} if begins else {}
        # The day of its end is the first on which it does not hold any more.
        told |= {"to": max(map(day_of, ends)).isoformat()} if all(ends) else {}
        graph.interest(first["place"], asset, told)


def _sum(interests: list[Fields]) -> tuple[int, int | None]:
    bounds = [_bounds(each) for each in interests]
    highs = [high for _, high in bounds if high is not None]
    most = min(sum(highs), WHOLE) if len(highs) == len(bounds) else None
    return min(sum(low for low, _ in bounds), WHOLE), most


def _bounds(interest: Fields) -> tuple[int, int | None]:
    """Millionths of a percent: the least and the most that it may be; None where nobody knows."""
    share = object_of(interest, "share", {})
    exact, lows = share.get("exact"), [share.get(name) for name in ("minimum", "exclusiveMinimum")]
    highs = [share.get(name) for name in ("maximum", "exclusiveMaximum")]
    if exact is not None:
        lows = highs = [exact]
    least = min((millionths(str(each), up=False) for each in lows if each is not None), default=0)
    most = max((millionths(str(each), up=True) for each in highs if each is not None), default=None)
    if most is not None and most < least:
        raise InvalidInput("a share is at least more than it is at most")
    return (0 if interest.get("directOrIndirect") == "indirect" else least), most


def _is_over(interest: Fields) -> bool:
    """Whether it ended before or when it began, as some publishers write an interest that never was."""
    begins, ends = interest.get("startDate"), interest.get("endDate")
    return bool(begins and ends and day_of(ends) <= day_of(begins))


_READ = {"entity": _entity, "person": _person}
