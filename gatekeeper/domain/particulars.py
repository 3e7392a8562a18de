"""What the declaration of a run says besides amounts: who stands for what other providers count, and what is planned.

None of it lowers a count. An attestation is for people: the second person reads it before approving, and finds the
document by its hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_identifier

TEXT_CHARACTERS_MAX = 2_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Attestation:
    """Somebody's word for the operations that a model took elsewhere.

    Attributes:
        by: name of who attests; organisation: for whom; document_sha256: of the document, 64 hexadecimal digits.
    """

    by: str
    organisation: str
    on: date
    document_sha256: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.organisation.strip():
            raise InvalidInput("An attestation needs the name of who attests, and the organisation.")
        if not _SHA256.fullmatch(self.document_sha256):
            raise InvalidInput(
                "An attestation names its document by SHA-256: 64 hexadecimal digits in lower case.",
                hint="sha256sum FILE",
            )
        _check_texts(self.by, self.organisation)


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is said of a run besides amounts; "" where nothing is.

    Attributes:
        base_run: the declared run whose model this one began from: both are one model, and share one limit.
        precision, hardware: as planned, such as "bf16" and "64 x H100"; intended_use: what the model is for.
        attestation: for what is carried in from other providers.
    """

    base_run: str = ""
    precision: str = ""
    hardware: str = ""
    intended_use: str = ""
    attestation: Attestation | None = None

    def __post_init__(self) -> None:
        if self.base_run:
            checked_identifier(self.base_run, "run")
        _check_texts(self.precision, self.hardware, self.intended_use)


def particulars_json(particulars: Particulars) -> dict[str, Any]:
    """Particulars as JSON: texts, and the attestation as an object or null."""
    found = asdict(particulars)
    if particulars.attestation is not None:
        found["attestation"]["on"] = particulars.attestation.on.isoformat()
    return found


def particulars_of(value: Mapping[str, Any]) -> Particulars:
    """The particulars of their JSON.

    Raises:
        InvalidInput: they are none.
    """
    try:
        attested = value.get("attestation")
        if attested is not None:
            attested = Attestation(**{**attested, "on": date.fromisoformat(attested["on"])})
        return Particulars(**{**value, "attestation": attested})
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"These are no particulars of a run: {error}.") from error


def _check_texts(*texts: str) -> None:
    for each in texts:
        if len(each) > TEXT_CHARACTERS_MAX or not each.isprintable():
            raise InvalidInput(f"A text of a declaration is one line of at most {TEXT_CHARACTERS_MAX:,} characters.")


NOTHING_SAID = Particulars()
