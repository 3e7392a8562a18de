"""Beneficial Ownership Data Standard 0.4: statements about entities, persons and relationships.

The last statement of a record holds; a closed one is gone. A business address is the headquarters, a registered one is
not. Whoever is left unspecified stays unknown. A share that is held indirectly is one that its holder's chain may hold
too, so it counts from nothing up to its upper bound; control without a share makes a parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import millionths
from gatekeeper.domain.lei import checked_lei
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import lines_of, parsed

BYTES_MAX = 512 * 1024 * 1024
LEI_SCHEME = "XI-LEI"
SHARES = frozenset({"shareholding", "votingRights"})
# Offices and roles: they are no share, and no control by themselves.
_NO_CONTROL = frozenset({"boardMember", "nominee", "settlor", "protector", "trustee", "unpublished"})
_STATUS = frozenset({"new", "updated", "closed"})
_KINDS = {"entity", "person", "relationship"}


def read_bods(graph: Graph, paths: Iterable[Path]) -> None:
    """Read BODS files into a graph: one JSON array, or one statement a line."""
    last: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for path in paths:
        try:
            for place, statement in _statements(path):
                with graph.faults.at(place):
                    record = _text(statement, "recordId")
                    if statement.get("recordStatus", "new") not in _STATUS:
                        raise InvalidInput("recordStatus is new, updated or closed")
                    if statement.get("recordType") not in _KINDS:
                        raise InvalidInput("recordType is entity, person or relationship")
                    last[record] = (place, statement)
        except InvalidInput as error:
            graph.faults.told.append(error.message)
    for place, statement in last.values():
        if statement.get("recordStatus") != "closed":
            with graph.faults.at(place):
                _READ[statement["recordType"]](graph, place, statement["recordId"], _object(statement, "recordDetails"))


def _statements(path: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
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


def _mapping(place: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{place}: a statement is an object.")
    return value


def _entity(graph: Graph, place: str, record: str, details: Mapping[str, Any]) -> None:
    entity_type = _object(details, "entityType", {}).get("type", "unknownEntity")
    jurisdiction = _code(_object(details, "jurisdiction", {}))
    is_state = entity_type == "state"
    values = {
        "id": graph.id_of(place, record),
        "kind": "state" if is_state else "org",
        "legal_name": details.get("name") or f"unnamed entity {record}",
        "other_names": [each for each in _list(details, "alternateNames") if each],
        "jurisdiction": jurisdiction or None,
        "headquarters": (jurisdiction if is_state else _address(details, "business")) or None,
    }
    for each in _objects(details, "identifiers"):
        if each.get("scheme") == LEI_SCHEME:
            values["lei"] = checked_lei(_text(each, "id"))
    graph.party(place, values)


def _person(graph: Graph, place: str, record: str, details: Mapping[str, Any]) -> None:
    names = [each.get("fullName") for each in _objects(details, "names")]
    told = [each for each in names if each]
    values = {
        "id": graph.id_of(place, record),
        "kind": "person",
        "legal_name": told[0] if told else f"unnamed person {record}",
        "other_names": told[1:],
        "nationalities": sorted({code for each in _objects(details, "nationalities") if (code := _code(each))}),
        "residence": _address(details, "residence") or None,
    }
    graph.party(place, values)


def _relationship(graph: Graph, place: str, record: str, details: Mapping[str, Any]) -> None:
    del record
    subject, holder = details.get("subject"), details.get("interestedParty")
    # An object in their place says why nobody is named there: what is unspecified stays unknown.
    if not isinstance(subject, str) or not isinstance(holder, str):
        return
    asset, owner = graph.id_of(place, subject), graph.id_of(place, holder)
    shares = []
    for each in _objects(details, "interests"):
        if each.get("type") in SHARES and not _is_over(each):
            shares.append(_share(each) | {"owner": owner})
        elif each.get("type") not in SHARES | _NO_CONTROL and not _is_over(each):
            graph.parent(place, asset, owner)
    for begins in sorted({str(each.get("from") or "") for each in shares}):
        same = [each for each in shares if str(each.get("from") or "") == begins]
        # Shares and votes of one holder are one interest: the larger of them counts, and none is added to the other.
        graph.interest(place, asset, max(same, key=_most))


def _share(interest: Mapping[str, Any]) -> dict[str, Any]:
    share = _object(interest, "share", {})
    exact, low, high = (share.get(each) for each in ("exact", "minimum", "maximum"))
    low = low if low is not None else share.get("exclusiveMinimum")
    high = high if high is not None else share.get("exclusiveMaximum")
    if exact is not None:
        low = high = exact
    if interest.get("directOrIndirect") == "indirect":
        low = None
    ends = interest.get("endDate")
    last = _day(ends) if ends else None
    found = {
        "share_min": low,
        "share_max": high,
        "from": interest.get("startDate"),
        # The day on which it ended still counts.
        "to": (last + timedelta(days=1)).isoformat() if last else None,
        "source": "BODS",
    }
    if low is not None and low == high:
        found = {**found, "share": low, "share_min": None, "share_max": None}
    return {name: value for name, value in found.items() if value is not None}


def _most(interest: Mapping[str, Any]) -> int:
    return millionths(str(interest.get("share", interest.get("share_max", "100"))), up=True)


def _is_over(interest: Mapping[str, Any]) -> bool:
    """Whether it begins after it ended, as some publishers write an interest that never was."""
    begins, ends = interest.get("startDate"), interest.get("endDate")
    return bool(begins and ends and _day(ends) < _day(begins))


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise InvalidInput(f"{value!r:.40} is no day") from error


def _address(details: Mapping[str, Any], kind: str) -> str:
    codes = [_code(_object(each, "country", {})) for each in _objects(details, "addresses") if each.get("type") == kind]
    return next(filter(None, codes), "")


def _code(country: Mapping[str, Any]) -> str:
    return str(country.get("code") or "").upper()


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing")
    return value


def _object(fields: Mapping[str, Any], name: str, otherwise: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    value = fields.get(name, otherwise)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} should be an object")
    return value


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise InvalidInput(f"{name} should be a list")
    return value


def _objects(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = _list(fields, name)
    if any(not isinstance(each, Mapping) for each in found):
        raise InvalidInput(f"{name} should be a list of objects")
    return found


_READ = {"entity": _entity, "person": _person, "relationship": _relationship}
