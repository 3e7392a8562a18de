"""Customers out of the registry: as CSV, BODS 0.4 and FollowTheMoney. What a format has no room for is left out.

Profiles are personal and stay where they are. CSV is guarded against spreadsheets that would run a cell.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from gatekeeper.domain.interest import Interest, percent_text
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.imports.bods import LEI_SCHEME
from gatekeeper.imports.tables import CUSTOMER, INTERESTS, LISTS, PARTY, guarded, joined
from gatekeeper.imports.territories import territories
from gatekeeper.registry import KycRecord

# Names our statements: the same statement about the same party has the same id in every export.
_SPACE = uuid.UUID("6f0b4d0e-6a1c-5b57-9f0f-3d8b0a2f6c11")
_BODS_VERSION = "0.4"
_ENTITY = {PartyKind.ORG: "registeredEntity", PartyKind.STATE: "state"}


def to_csv(records: Iterable[KycRecord]) -> dict[str, str]:
    """Text of customers.csv, parties.csv and interests.csv, by name."""
    records = list(records)
    parties = parties_of(records)
    customers = [{"customer": each.customer_id, "party": each.party_id} for each in records]
    interests = [_interest_row(party, each) for party in parties for each in party.interests]
    return {
        "customers.csv": _csv(customers, CUSTOMER[:2]),
        "parties.csv": _csv(map(_party_row, parties), PARTY),
        "interests.csv": _csv(interests, INTERESTS),
    }


def to_bods(records: Iterable[KycRecord], on: date) -> str:
    """One JSON array of BODS 0.4 statements, as of a day."""
    statements = []
    for party in parties_of(records):
        details = _person_details(party) if party.kind is PartyKind.PERSON else _entity_details(party)
        kind = "person" if party.kind is PartyKind.PERSON else "entity"
        statements.append(_statement(party.id, party.id, kind, details, on))
        for owner in party.owners:
            interests = [_bods_interest(each) for each in party.interests if each.owner == owner]
            control = {"type": "otherInfluenceOrControl", "directOrIndirect": "direct"}
            interests += [control] if owner in (*party.parents, party.branch_of) else []
            told = {"isComponent": False, "subject": party.id, "interestedParty": owner, "interests": interests}
            statements.append(_statement(f"{party.id}.{owner}", party.id, "relationship", told, on))
    return json.dumps(statements, indent=1, ensure_ascii=False) + "\n"


def to_ftm(records: Iterable[KycRecord]) -> str:
    """FollowTheMoney entities, one JSON object a line."""
    lines = []
    for party in parties_of(records):
        lines.append(_ftm_entity(party.id, _SCHEMA[party.kind], _ftm_properties(party)))
        for number, each in enumerate(party.interests):
            properties = {"owner": [each.owner], "asset": [party.id], **_ftm_share(each)}
            lines.append(_ftm_entity(f"{party.id}.{each.owner}.{number}", "Ownership", properties))
        for owner in (*party.parents, *filter(None, (party.branch_of,))):
            properties = {"controller": [owner], "controlled": [party.id]}
            lines.append(_ftm_entity(f"{party.id}.{owner}.control", "Control", properties))
    return "".join(f"{line}\n" for line in lines)


def parties_of(records: Iterable[KycRecord]) -> list[Party]:
    """All parties of some records, each once, by id."""
    found = {party.id: party for record in records for party in record.parties}
    return [found[each] for each in sorted(found)]


def _csv(rows: Iterable[Mapping[str, str]], columns: tuple[str, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(row.get(each, "")) for each in columns])
    return text.getvalue()


def _party_row(party: Party) -> dict[str, str]:
    place = "residence" if party.kind is PartyKind.PERSON else "headquarters"
    texts = ("id", "legal_name", "lei", "jurisdiction", "branch_of", "no_parent_reason")
    return {
        **{name: getattr(party, name) for name in texts},
        **{name: joined(getattr(party, name)) for name in LISTS},
        "kind": party.kind.value,
        place: party.headquarters,
        "listed": joined(f"{each.list}/{_iso(each.begins)}/{_iso(each.ends)}" for each in party.listings),
    }


def _interest_row(party: Party, each: Interest) -> dict[str, str]:
    row = {"asset": party.id, "owner": each.owner, "from": _iso(each.begins), "to": _iso(each.ends)}
    row |= {"source": each.source}
    if each.most is not None and each.least == each.most:
        return row | {"share": percent_text(each.most)}
    low = {"share_min": percent_text(each.least)} if each.least else {}
    return row | low | ({"share_max": percent_text(each.most)} if each.most is not None else {})


def _statement(record: str, subject: str, kind: str, details: Mapping[str, Any], on: date) -> dict[str, Any]:
    told = json.dumps(details, sort_keys=True)
    return {
        "statementId": str(uuid.uuid5(_SPACE, f"{record}\n{on}\n{told}")),
        "declarationSubject": subject,
        "statementDate": on.isoformat(),
        "publicationDetails": {
            "publicationDate": on.isoformat(),
            "bodsVersion": _BODS_VERSION,
            "publisher": {"name": "Compute Gatekeeper"},
        },
        "recordId": record,
        "recordType": kind,
        "recordStatus": "new",
        "recordDetails": details,
    }


def _entity_details(party: Party) -> dict[str, Any]:
    found: dict[str, Any] = {
        "isComponent": False,
        "entityType": {"type": _ENTITY[party.kind]},
        "name": party.legal_name,
        "alternateNames": list(party.other_names),
        "identifiers": [{"scheme": LEI_SCHEME, "id": party.lei}] if party.lei else [],
        "addresses": _addresses(party, "business") if party.kind is PartyKind.ORG else [],
    }
    law = party.headquarters if party.kind is PartyKind.STATE else party.jurisdiction
    found["jurisdiction"] = _country(law) if law else None
    return {name: value for name, value in found.items() if value not in (None, [])}


def _person_details(party: Party) -> dict[str, Any]:
    names = [{"type": "legal", "fullName": party.legal_name}]
    found: dict[str, Any] = {
        "isComponent": False,
        "personType": "knownPerson",
        "names": names + [{"type": "alternative", "fullName": each} for each in party.other_names],
        "nationalities": [_country(each) for each in party.nationalities],
        "addresses": _addresses(party, "residence"),
    }
    return {name: value for name, value in found.items() if value != []}


def _addresses(party: Party, kind: str) -> list[dict[str, Any]]:
    return [{"type": kind, "country": _country(party.headquarters)}] if party.headquarters else []


def _country(code: str) -> dict[str, str]:
    """A country has two letters in BODS; of which part of it, stands in its name."""
    return {"name": code, "code": code[:2]}


def _bods_interest(each: Interest) -> dict[str, Any]:
    # JSON numbers of BODS: at most eight digits, which a double holds exactly when it is printed again.
    share: dict[str, float] = {}
    if each.most is not None and each.least == each.most:
        share["exact"] = float(percent_text(each.most))
    else:
        share |= {"minimum": float(percent_text(each.least))} if each.least else {}
        share |= {"maximum": float(percent_text(each.most))} if each.most is not None else {}
    found: dict[str, Any] = {"type": "shareholding", "directOrIndirect": "direct"}
    found |= {"share": share} if share else {}
    found |= {"startDate": each.begins.isoformat()} if each.begins else {}
    return found | ({"endDate": each.ends.isoformat()} if each.ends else {})


_SCHEMA = {PartyKind.ORG: "LegalEntity", PartyKind.PERSON: "Person", PartyKind.STATE: "PublicBody"}


def _ftm_properties(party: Party) -> dict[str, list[str]]:
    found = {
        "name": [party.legal_name],
        "alias": list(party.other_names),
        "mainCountry": territories([party.headquarters]),
        "nationality": territories(party.nationalities),
        "leiCode": [party.lei] if party.lei else [],
        "jurisdiction": territories([party.jurisdiction]),
    }
    return {name: values for name, values in found.items() if values}


def _ftm_share(each: Interest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if each.most is not None:
        high = percent_text(each.most)
        found["percentage"] = [high if each.least == each.most else f"{percent_text(each.least)}-{high}"]
    elif each.least:
        found["percentage"] = [f"{percent_text(each.least)}-100"]
    found |= {"startDate": [each.begins.isoformat()]} if each.begins else {}
    return found | ({"endDate": [(each.ends - timedelta(days=1)).isoformat()]} if each.ends else {})


def _ftm_entity(id_: str, schema: str, properties: Mapping[str, list[str]]) -> str:
    return json.dumps({"id": id_, "schema": schema, "properties": properties}, ensure_ascii=False)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
