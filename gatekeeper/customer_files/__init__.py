"""Customers as files: one YAML document a customer, with its own party and that party's owners up the chain.

    format: 1
    customer: nile-robotics          # id of the account here
    party: nile-robotics             # its own party; left out: the party with the customer's id
    parties:
      - id: nile-robotics
        legal_name: Nile Robotics Inc
        headquarters: US             # of the head office, not of the incorporation; left out: not known
        interests: [{owner: gulf-holding, share: 60}]   # who owns how much of it
      - id: gulf-holding
        legal_name: Gulf Holding PJSC
        headquarters: AE
        no_parent_reason: listed in Abu Dhabi, no controlling owner
    profile: {email: [kyc@nile.example]}

A document without a customer holds parties that the other documents share, such as a group that owns several of them.
A file may hold several documents. What is left out counts as unknown, and unknown never makes a tier milder. All keys:
docs/records.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from gatekeeper.customer_files.format import Id, PartyPart, parties_of, party_part
from gatekeeper.customer_files.profile_format import ProfilePart, profile_of, profile_part
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import PARTIES_MAX, in_order, owners_of
from gatekeeper.yaml_files import LARGEST_FILE_BYTES, Document, Part, parse_all, read_all

FILES_MAX = 100_000
SHARED_MAX = 100_000
STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml"})
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class CustomerFile(Part):
    """One customer as a file says it, or parties that customers share."""

    format: Literal["1"]
    customer: Id | None = None
    party: Id | None = None
    parties: tuple[PartyPart, ...] = Field(max_length=PARTIES_MAX)
    profile: ProfilePart | None = None


def load_customers(
    paths: Iterable[Path], *, tell: Callable[[int, int], None] | None = None
) -> list[tuple[str, KycRecord]]:
    """All customers of some files, and of the YAML files below some folders, each with its `file:line:column`.

    `-` is standard input. `tell` hears how many of how many files were read.

    Nothing is returned unless every file can be read, so that nobody applies half of a folder.

    Raises:
        InvalidInput: the places and errors of all files, or two documents about one customer, or no file at all.
    """
    found: list[tuple[Document, CustomerFile, tuple[Party, ...]]] = []
    errors: list[str] = []
    files = _files(paths)
    for number, path in enumerate(files, 1):
        try:
            for document in _read(path):
                file = document.check(CustomerFile)
                found.append((document, file, parties_of(file.parties, document)))
        except InvalidInput as error:
            errors.append(str(error))
        if tell is not None:
            tell(number, len(files))
    shared = _shared(found, errors)
    records = [told for each in found if each[1].customer and (told := _told(each, shared, errors))]
    first: dict[str, str] = {}
    for place, record in records:
        if first.setdefault(record.customer_id, place) != place:
            errors.append(f"{place}: customer {record.customer_id} stands in {first[record.customer_id]} already.")
    if not errors and not records:
        errors.append("No document names a customer; parties alone are nobody's record.")
    if errors:
        raise InvalidInput("\n".join(errors))
    return records


def dump(record: KycRecord, *, first: Collection[str] = (), at_most: int | None = None) -> str:
    """The record as a file would say it: what people compare, line by line. Arguments as for `shape_of`."""
    shape = shape_of(record, first=first, at_most=at_most)
    return str(yaml.dump(shape, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def shape_of(record: KycRecord, *, first: Collection[str] = (), at_most: int | None = None) -> dict[str, Any]:
    """The record in the shape of a file, the customer's own party first.

    Args:
        at_most: so many parties; then those of `first` come before others that are farther from the customer.
    """
    parties = list(owners_of({party.id: party for party in record.parties}, record.party_id).values())
    if at_most is not None and len(parties) > at_most:
        parties = sorted(parties, key=lambda each: each.id != record.party_id and each.id not in first)[:at_most]
    data: dict[str, Any] = {
        "format": 1,
        "customer": record.customer_id,
        "party": record.party_id,
        "parties": [party_part(party) for party in parties],
    }
    if record.profile is not None:
        data["profile"] = profile_part(record.profile)
    return data


def record_of(document: Document) -> KycRecord:
    """The record of a document that stands alone: all parties that it does not name itself are the registry's.

    Raises:
        InvalidInput: with the place of what is wrong, or it names no customer.
    """
    file = document.check(CustomerFile)
    if file.customer is None:
        raise document.error((), "`customer` is missing.")
    return _record(document, file, parties_of(file.parties, document), {})


def _shared(found: Iterable[tuple[Document, CustomerFile, tuple[Party, ...]]], errors: list[str]) -> dict[str, Party]:
    """The parties of documents without a customer, each told once."""
    shared: dict[str, Party] = {}
    for document, file, parties in found:
        if file.customer is not None:
            continue
        if file.party is not None or file.profile is not None:
            errors.append(f"{document.where(())}: a document without `customer` holds nothing but parties.")
        for index, party in enumerate(parties):
            if party.id in shared:
                errors.append(f"{document.where(('parties', index))}: party {party.id} is shared by another document.")
            shared[party.id] = party
    return shared


def _told(
    each: tuple[Document, CustomerFile, tuple[Party, ...]], shared: Mapping[str, Party], errors: list[str]
) -> tuple[str, KycRecord] | None:
    """A customer's record with the shared parties that own it; None where it is wrong."""
    document, file, parties = each
    try:
        return document.where(("customer",)), _record(document, file, parties, shared)
    except InvalidInput as error:
        errors.append(str(error))
        return None


def _record(
    document: Document, file: CustomerFile, parties: tuple[Party, ...], shared: Mapping[str, Party]
) -> KycRecord:
    customer = file.customer or ""
    own = {party.id: party for party in parties}
    for index, party in enumerate(parties):
        if party.id in shared and in_order(shared[party.id]) != in_order(party):
            message = f"party {party.id} is told otherwise in a document that customers share."
            raise document.error(("parties", index), message)
    profile = None
    if file.profile is not None:
        with document.at("profile"):
            profile = profile_of(file.profile)
    chain = owners_of({**shared, **own}, file.party or customer) if shared else own
    added = {id_: party for id_, party in chain.items() if id_ not in own}
    with document.at("parties"):
        record = KycRecord(customer, file.party or customer, (*parties, *added.values()), profile=profile)
        record.check_size()
        return record


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
