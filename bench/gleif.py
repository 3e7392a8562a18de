"""GLEIF's golden copy files at their real size, made up: how long reading them takes, and how much memory.

    python -m bench.gleif --folder out/gleif [--rows 2900000] [--bound 10000]

The columns are those of the files of late 2026 (formats LEI-CDF 3.1, RR-CDF 2.1 and reporting exceptions 2.1, every
repeated element five times), all cells quoted as there: 2.9 million entities, a fifth as many
relationships, and as many reporting exceptions as entities. A twentieth of the addresses has a line break inside.
"""

from __future__ import annotations

import argparse
import resource
import time
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.imports.gleif import GoldenCopy, read_gleif

_REPEATED = range(1, 6)
_ADDRESS = [
    *("xmllang", "FirstAddressLine", "AddressNumber", "AddressNumberWithinBuilding", "MailRouting"),
    *(f"AdditionalAddressLine.{number}" for number in range(1, 4)),
    *("City", "Region", "Country", "PostalCode"),
]
_EVENT = [
    *("group_type", "event_status", "LegalEntityEventType", "LegalEntityEventEffectiveDate"),
    *("LegalEntityEventRecordedDate", "ValidationDocuments", "ValidationReference"),
]


def _repeated(prefix: str, *ends: str) -> list[str]:
    return [f"{prefix}.{number}{end}" for number in _REPEATED for end in ends]


LEI2 = [
    "LEI",
    "Entity.LegalName",
    "Entity.LegalName.xmllang",
    *_repeated("Entity.OtherEntityNames.OtherEntityName", "", ".xmllang", ".type"),
    *_repeated("Entity.TransliteratedOtherEntityNames.TransliteratedOtherEntityName", "", ".xmllang", ".type"),
    *(f"Entity.LegalAddress.{each}" for each in _ADDRESS),
    *(f"Entity.HeadquartersAddress.{each}" for each in _ADDRESS),
    *_repeated("Entity.OtherAddresses.OtherAddress", *(f".{each}" for each in ("type", *_ADDRESS))),
    *_repeated("Entity.TransliteratedOtherAddresses.OtherAddress", *(f".{each}" for each in ("type", *_ADDRESS))),
    *(f"Entity.RegistrationAuthority.{each}" for each in ("RegistrationAuthorityID", "RegistrationAuthorityEntityID")),
    "Entity.LegalJurisdiction",
    "Entity.EntityCategory",
    "Entity.EntitySubCategory",
    "Entity.LegalForm.EntityLegalFormCode",
    "Entity.LegalForm.OtherLegalForm",
    "Entity.EntityStatus",
    "Entity.EntityCreationDate",
    "Entity.EntityExpirationDate",
    "Entity.EntityExpirationReason",
    *_repeated("Entity.SuccessorEntity", ".SuccessorLEI", ".SuccessorEntityName", ".SuccessorEntityName.xmllang"),
    *_repeated("Entity.LegalEntityEvents.LegalEntityEvent", *(f".{each}" for each in _EVENT)),
    "Registration.InitialRegistrationDate",
    "Registration.LastUpdateDate",
    "Registration.RegistrationStatus",
    "Registration.NextRenewalDate",
    "Registration.ManagingLOU",
    "Registration.ValidationSources",
    "Registration.ValidationAuthority.ValidationAuthorityID",
    "Registration.ValidationAuthority.ValidationAuthorityEntityID",
    *_repeated("Registration.OtherValidationAuthorities.OtherValidationAuthority", ".ValidationAuthorityID"),
    "ConformityFlag",
]
RR = [
    *(f"Relationship.{end}Node.{each}" for end in ("Start", "End") for each in ("NodeID", "NodeIDType")),
    "Relationship.RelationshipType",
    "Relationship.RelationshipStatus",
    *_repeated("Relationship.Period", ".startDate", ".endDate", ".periodType"),
    *_repeated("Relationship.Qualifiers", ".QualifierDimension", ".QualifierCategory"),
    *_repeated("Relationship.Quantifiers", ".MeasurementMethod", ".QuantifierAmount", ".QuantifierUnits"),
    "Registration.InitialRegistrationDate",
    "Registration.LastUpdateDate",
    "Registration.RegistrationStatus",
    "Registration.NextRenewalDate",
    "Registration.ManagingLOU",
    "Registration.ValidationSources",
    "Registration.ValidationDocuments",
    "Registration.ValidationReference",
]
REPEX = [
    "LEI",
    "Exception.Category",
    *(f"Exception.Reason.{number}" for number in _REPEATED),
    *(f"Exception.Reference.{number}" for number in _REPEATED),
]


def lei(number: int) -> str:
    """The number-th LEI, with the digits that check it (ISO 7064, MOD 97-10)."""
    return f"5493{number:014d}{98 - int(f'5493{number:014d}00') % 97:02d}"


def entities(rows: int) -> Iterator[str]:
    """Lines of LEI2."""
    cells = dict.fromkeys(LEI2, "")
    cells |= {"Entity.EntityStatus": "ACTIVE", "Registration.RegistrationStatus": "ISSUED"}
    cells |= {"Registration.LastUpdateDate": "2026-10-12T08:30:00.000Z", "ConformityFlag": "CONFORMING"}
    for each in ("Entity.LegalAddress", "Entity.HeadquartersAddress"):
        cells |= {f"{each}.City": "Frankfurt am Main", f"{each}.PostalCode": "60311", f"{each}.Country": "DE"}
        cells |= {f"{each}.Region": "DE-HE", f"{each}.xmllang": "de"}
    whole = ",".join(f'"{each}"' for each in list(cells.values())[2:])
    marked = whole.replace('"Frankfurt am Main"', '"@\n""Frankfurt"""', 1)
    for number in range(rows):
        rest = marked.replace("@", f"Strasse {number}") if number % 20 == 0 else whole
        yield f'"{lei(number)}","Company {number:07d} Gesellschaft mit beschraenkter Haftung",{rest}\n'


def relationships(rows: int) -> Iterator[str]:
    """Lines of RR: every fifth entity has a parent, in chains of up to six."""
    rest = ",".join('""' for _ in RR[6:])
    types = ("IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY", "IS_FUND-MANAGED_BY")
    for number in range(0, rows, 5):
        parent = number + 5 if number % 30 else number + 1
        yield f'"{lei(number)}","LEI","{lei(parent)}","LEI","{types[number % 3]}","ACTIVE",{rest}\n'


def exceptions(rows: int) -> Iterator[str]:
    """Lines of REPEX."""
    reasons = ("NATURAL_PERSONS", "NO_KNOWN_PERSON", "NON_CONSOLIDATING", "NON_PUBLIC")
    for number in range(1, rows):
        rest = ",".join('""' for _ in REPEX[3:])
        yield f'"{lei(number)}","ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT","{reasons[number % 4]}",{rest}\n'


def made(folder: Path, rows: int) -> GoldenCopy:
    """The three files in a folder, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"lei2": (LEI2, entities), "rr": (RR, relationships), "repex": (REPEX, exceptions)}
    for name, (columns, lines) in tables.items():
        path = folder / f"{name}-{rows}.csv"
        if not path.exists():
            _write(path, columns, lines(rows))
    lei2, rr, repex = (folder / f"{name}-{rows}.csv" for name in tables)
    return GoldenCopy(lei2, rr, repex)


def _write(path: Path, columns: list[str], lines: Iterable[str]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(f'"{each}"' for each in columns) + "\n")
        file.writelines(lines)
    part.rename(path)


def _packed(path: Path) -> Path:
    packed = path.with_suffix(".csv.zip")
    if not packed.exists():
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(path, path.name)
    return packed


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.gleif", description="Reading GLEIF's files at full size.")
    parser.add_argument("--folder", type=Path, default=Path("out/gleif"), help="where they are made")
    parser.add_argument("--rows", type=int, default=2_900_000, help="entities (default 2900000)")
    parser.add_argument("--bound", type=int, default=10_000, help="LEIs that are looked for (default 10000)")
    parser.add_argument("--zip", action="store_true", help="read zip files, as GLEIF has them")
    chosen = parser.parse_args()
    files = made(chosen.folder, chosen.rows)
    if chosen.zip:
        lei2, rr, repex = map(_packed, files.paths)
        files = GoldenCopy(lei2, rr, repex)
    step = max(1, chosen.rows // chosen.bound)
    wanted = {lei(number * step) for number in range(chosen.bound)}
    size = sum(path.stat().st_size for path in files.paths)
    begun = time.perf_counter()
    found = read_gleif(wanted, files, at=datetime.now(UTC))
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(wanted):,} LEIs, {len(found):,} entries with their parents, {len(LEI2)} columns, {size / 1e9:.2f} GB")
    print(f"read in {took:.1f} s, at most {peak:.0f} MiB of memory")


if __name__ == "__main__":
    main()
