"""Evidence and attestations: what a customer's record rests on.

Evidence is a file: its SHA-256 is in the log and its bytes lie outside of the database. An attestation is a person's
word that something was checked, on which day, and by which method. Neither is ever changed on record; bytes of files go
with an erasure (`retention`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import Caller, Right
from gatekeeper.domain.units import require_utc

TEXT_CHARACTERS_MAX = 500
NAMED_MAX = 50
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")


class Sensitivity(StrEnum):
    """Who may be shown the file: whoever needs to know (proposed 15 CFR 7.302, 89 FR 5698, 2024-01-29)."""

    INTERNAL = "internal"  # everybody who may read here
    CONFIDENTIAL = "confidential"  # who works on records, and regulators
    PERSONAL = "personal"  # identity documents of people: who works on records

    def may_be_seen_by(self, caller: Caller) -> bool:
        """Whether a role of the caller is enough."""
        return any(caller.may(right) for right in _SEEN_BY[self])

    def check_may_see(self, caller: Caller) -> None:
        """Let only those see the file who may.

        Raises:
            NotPermitted: no role of the caller is enough.
        """
        if not self.may_be_seen_by(caller):
            raise NotPermitted(
                f"{caller.name} may not be shown a file that is {self.value}.",
                hint="Ask somebody who works on the customer's record.",
            )


_SEEN_BY = {
    Sensitivity.INTERNAL: (Right.READ,),
    Sensitivity.CONFIDENTIAL: (Right.EDIT, Right.APPROVE, Right.EXPORT),
    Sensitivity.PERSONAL: (Right.EDIT, Right.APPROVE),
}


class Statement(StrEnum):
    """What a person attests."""

    OWNERSHIP_COMPLETE = "ownership-complete"  # every owner above a share is in the record
    HEADQUARTERS_VERIFIED = "headquarters-verified"
    IDENTITY_VERIFIED = "identity-verified"
    NO_PARENT = "no-parent"


class CheckMethod(StrEnum):
    """How it was checked (proposed 15 CFR 7.302(d), 89 FR 5698, 2024-01-29: documentary, non-documentary, or both)."""

    DOCUMENTARY = "documentary"
    NON_DOCUMENTARY = "non_documentary"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file about a customer, named by its SHA-256 in lower-case hexadecimal.

    Attributes:
        source: where it came from: a register, the customer, a web address.
        collected_on: the day on which somebody got it; None where nobody said.
        added_by, added_at: who put it on record, and when.
    """

    customer_id: str
    sha256: str
    size_bytes: int
    media_type: str
    description: str
    source: str
    sensitivity: Sensitivity
    added_by: str
    added_at: datetime
    collected_on: date | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.customer_id, "customer")
        checked_sha256(self.sha256)
        if not 0 < self.size_bytes < 2**53:
            raise InvalidInput("A file of evidence has at least one byte.")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise InvalidInput(f"{self.media_type!r:.80} is no media type.", hint="It looks like application/pdf.")
        _check_text(self.description, "description")
        _check_text(self.source, "source")
        require_utc(self.added_at)
        if self.collected_on is not None and self.collected_on > self.added_at.date():
            day = self.collected_on
            raise InvalidInput(f"Evidence cannot have been collected on {day}: that day is still to come.")


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person's word on a customer.

    Attributes:
        above_percent: with OWNERSHIP_COMPLETE, the share above which every owner is named; None otherwise.
        attested_by: who says so; recorded_by: who put it on record.
        evidence: SHA-256 of the files that it rests on.
    """

    id: str
    customer_id: str
    statement: Statement
    method: CheckMethod
    attested_by: str
    attested_on: date
    recorded_by: str
    recorded_at: datetime
    above_percent: int | None = None
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_identifier(self.id, "attestation")
        checked_identifier(self.customer_id, "customer")
        _check_text(self.attested_by, "name of who attests it")
        require_utc(self.recorded_at)
        if self.attested_on > self.recorded_at.date():
            raise InvalidInput(f"Nobody can have attested anything on {self.attested_on}: that day is still to come.")
        if (self.statement is Statement.OWNERSHIP_COMPLETE) != (self.above_percent is not None):
            raise InvalidInput(f"{Statement.OWNERSHIP_COMPLETE.value}, and nothing else, needs the share it is about.")
        if self.above_percent is not None and not 0 <= self.above_percent <= 50:
            raise InvalidInput("Ownership is complete above a share of 0 to 50 percent.")
        if len(self.evidence) > NAMED_MAX or len(set(self.evidence)) != len(self.evidence):
            raise InvalidInput(f"An attestation names each file once, and at most {NAMED_MAX} of them.")
        for each in self.evidence:
            checked_sha256(each)


def checked_sha256(text: str) -> str:
    """The text, if it is a SHA-256 in lower-case hexadecimal.

    Raises:
        InvalidInput: it is none.
    """
    if not _SHA256.fullmatch(text):
        raise InvalidInput(f"{text!r:.80} is no SHA-256.", hint="It has 64 digits of 0-9 and a-f.")
    return text


def _check_text(text: str, what: str) -> None:
    if not text.strip() or len(text) > TEXT_CHARACTERS_MAX:
        raise InvalidInput(f"A {what} has 1 to {TEXT_CHARACTERS_MAX} characters.")
