"""Customers as files: one YAML document a customer, with its own party and that party's owners up the chain.

    format: 1
    customer: nile-robotics          # id of the account here
    party: nile-robotics             # its own party; left out: the party with the customer's id
    parties:
      - id: nile-robotics
        legal_name: Nile Robotics Inc
        headquarters: US             # of the head office, not of the incorporation; left out: not known
        parents: [gulf-holding]      # who controls it; owners in the registry need not be repeated
      - id: gulf-holding
        legal_name: Gulf Holding PJSC
        headquarters: AE
        no_parent_reason: listed in Abu Dhabi, no controlling owner

A file may hold several documents. What is left out counts as unknown, and unknown never makes a tier milder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import PARTIES_MAX, owners_of
from gatekeeper.yaml_files import LARGEST_FILE_BYTES, Document, Part, parse_all, read_all

FILES_MAX = 10_000
STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml"})

_Id = Annotated[str, StringConstraints(max_length=63)]
_Name = Annotated[str, StringConstraints(max_length=300)]


class PartyPart(Part):
    """A party as a file says it."""

    id: _Id
    kind: PartyKind = PartyKind.ORG
    legal_name: _Name
    headquarters: str | None = None
    parents: tuple[_Id, ...] = Field(default=(), max_length=PARTIES_MAX)
    no_parent_reason: _Name | None = None


class CustomerFile(Part):
    """One customer as a file says it."""

    format: Literal["1"]
    customer: _Id
    party: _Id | None = None
    parties: tuple[PartyPart, ...] = Field(max_length=PARTIES_MAX)


def load_customers(paths: Iterable[Path]) -> list[tuple[str, KycRecord]]:
    """All customers of some files, and of the YAML files below some folders, each with its `file:line:column`.

    `-` is standard input.

    Nothing is returned unless every file can be read, so that nobody applies half of a folder.

    Raises:
        InvalidInput: the places and errors of all files, or two documents about one customer, or no file at all.
    """
    found: list[tuple[str, KycRecord]] = []
    errors: list[str] = []
    for path in _files(paths):
        try:
            found += [(document.where(("customer",)), _record(document)) for document in _read(path)]
        except InvalidInput as error:
            errors.append(str(error))
    first: dict[str, str] = {}
    for place, record in found:
        if first.setdefault(record.customer_id, place) != place:
            errors.append(f"{place}: customer {record.customer_id} stands in {first[record.customer_id]} already.")
    if errors:
        raise InvalidInput("\n".join(errors))
    return found


def dump(record: KycRecord) -> str:
    """The record as a file would say it, the customer's own party first: what people compare, line by line."""
    parties = []
    for party in owners_of({party.id: party for party in record.parties}, record.party_id).values():
        shown: dict[str, object] = {"id": party.id, "kind": party.kind.value, "legal_name": party.legal_name}
        shown |= {"headquarters": party.headquarters} if party.headquarters else {}
        shown |= {"parents": list(party.parents)} if party.parents else {}
        shown |= {"no_parent_reason": party.no_parent_reason} if party.no_parent_reason else {}
        parties.append(shown)
    data = {"format": 1, "customer": record.customer_id, "party": record.party_id, "parties": parties}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise InvalidInput(f"{path} holds no YAML file.")
        found += inside
        if len(found) > FILES_MAX:
            raise InvalidInput(f"More than {FILES_MAX:,} files at once.", hint="Apply one folder after the other.")
    return found


def _read(path: Path) -> list[Document]:
    if str(path) != STDIN:
        return read_all(path)
    # A stand-in that holds text has no bytes below it.
    below = getattr(sys.stdin, "buffer", None)
    content = below.read(LARGEST_FILE_BYTES + 1) if below else sys.stdin.read().encode()
    return parse_all(content, name="stdin")


def _record(document: Document) -> KycRecord:
    file = document.check(CustomerFile)
    parties = []
    for index, part in enumerate(file.parties):
        with document.at("parties", index):
            parties.append(_party(part))
    with document.at("parties"):
        return KycRecord(file.customer, file.party or file.customer, tuple(parties))


def _party(part: PartyPart) -> Party:
    return Party(
        id=part.id,
        kind=part.kind,
        legal_name=part.legal_name,
        headquarters=part.headquarters or "",
        parents=part.parents,
        no_parent_reason=part.no_parent_reason or "",
    )
