"""GLEIF's files and words in small, for tests."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatekeeper.domain.observation import Observed
from tests.leis import with_check_digits
from tests.registry.office import NOON

LAB, HOLDING, TOP, OTHER = (with_check_digits(f"{each:018d}") for each in range(4))
LEI2 = [
    "LEI",
    "Entity.LegalName",
    "Entity.HeadquartersAddress.Country",
    "Entity.LegalJurisdiction",
    "Entity.EntityStatus",
    "Registration.RegistrationStatus",
    "Registration.LastUpdateDate",
]
RR = [
    f"Relationship.{each}" for each in ("StartNode.NodeID", "EndNode.NodeID", "RelationshipType", "RelationshipStatus")
]
REPEX = ["LEI", "Exception.Category", "Exception.Reason.1"]
DIRECT, ULTIMATE = "IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY"


def table(path: Path, *rows: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


def entry(lei: str, country: str, status: str = "ISSUED", name: str = "N") -> list[str]:
    return [lei, name, country, country, "ACTIVE", status, "2026-11-01T00:00:00Z"]


def word(country: str, lei: str = LAB, **changes: Any) -> dict[str, Observed]:
    base = Observed(lei, "Lab", country, country, "ACTIVE", "ISSUED", (), (), "2026-11-01", ("f" * 64,), NOON)
    return {lei: replace(base, **changes)}
