"""What a provider must ask a customer before it opens an account, and what it found out by itself.

The fields are those of proposed 15 CFR 7.302(d)(1)(iii) (89 FR 5698, 2024-01-29, RIN 0694-AJ35), and four that the
proposal lacks: what kind of address the headquarters are, how much of the ownership is told, which training is
planned, and whose customers these are. Most of it is personal data: the log holds a salted hash of it and no more.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_country
from gatekeeper.domain.units import require_utc

SALT_BYTES = 32
ENTRIES_MAX = 100
ACCESSES_MAX = 1_000
TEXT_CHARACTERS_MAX = 500
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,253}")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,30}")


class AddressKind(StrEnum):
    """What stands at the address that somebody calls headquarters."""

    OFFICE = "office"
    RESIDENCE = "residence"
    PO_BOX = "po_box"
    REGISTERED_AGENT = "registered_agent"

    @property
    def is_real(self) -> bool:
        """Whether somebody works or lives there: a letter box says nothing about where a company is run from."""
        return self in (AddressKind.OFFICE, AddressKind.RESIDENCE)


class PaymentMeans(StrEnum):
    """How somebody pays, or what else names the payment to whoever handled it."""

    CARD = "card"
    BANK_ACCOUNT = "bank_account"
    WALLET = "wallet"
    PROCESSOR = "processor"
    CUSTOMER_ID = "customer_id"
    TRANSACTION_ID = "transaction_id"
    OTHER = "other"


class VerificationMethod(StrEnum):
    """How the identity was verified: by documents, by other means, or by both."""

    DOCUMENTARY = "documentary"
    NON_DOCUMENTARY = "non_documentary"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Address:
    """An address in one text, and its country code; "" where nobody said."""

    text: str
    country: str = ""

    def __post_init__(self) -> None:
        _check_texts("An address", (self.text,))
        if self.country:
            checked_country(self.country)


@dataclass(frozen=True, slots=True)
class Payment:
    """A means of payment and where it comes from: the number of a card or an account, a wallet, a processor's id."""

    means: PaymentMeans
    source: str

    def __post_init__(self) -> None:
        _check_texts("The source of a payment", (self.source,))


@dataclass(frozen=True, slots=True)
class Access:
    """An IP address that the account was used or managed from, and when."""

    ip: str
    at: datetime

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.ip)
        except ValueError as error:
            raise InvalidInput(f"{self.ip!r:.60} is no IP address.") from error
        require_utc(self.at)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A training that the customer says it plans; the largest run in whole TFLOP."""

    largest_run_tflop: int
    purpose: str
    begins: date | None = None
    ends: date | None = None
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.largest_run_tflop <= 0:
            raise InvalidInput("A planned training run needs more than 0 FLOP.")
        _check_texts("The purpose of a planned training", (self.purpose,))
        _check_texts("A model of a planned training", self.models)
        if self.begins is not None and self.ends is not None and self.ends < self.begins:
            raise InvalidInput(f"A planned training ends on {self.ends}, before it begins.")


@dataclass(frozen=True, slots=True)
class KycProfile:
    """A customer's profile. Everything may be left out: what is missing is missing evidence, never a milder tier.

    Attributes:
        names: all names that it does business under, besides its legal name.
        address: principal place of business; a residence for a person.
        headquarters_address_kind: what stands at the address of the headquarters; None where nobody looked.
        locations_of_use: where the product will be used from.
        beneficial_owners: names of individuals with substantial control or at least 25 % of the ownership.
        accesses: IP addresses with the time of each.
        reseller_of: who this customer sells our product on to, or "" where it uses it itself.
        method: how the identity was verified; None where it was not.
        ownership_complete_above_pct: all owners of at least this share (percent as exact text) are named; "" unknown.
        attested_by: who says so.
    """

    names: tuple[str, ...] = ()
    address: Address | None = None
    headquarters_address_kind: AddressKind | None = None
    locations_of_use: tuple[Address, ...] = ()
    beneficial_owners: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()
    emails: tuple[str, ...] = ()
    telephones: tuple[str, ...] = ()
    accesses: tuple[Access, ...] = ()
    training_plans: tuple[TrainingPlan, ...] = ()
    reseller_of: str = ""
    method: VerificationMethod | None = None
    ownership_complete_above_pct: str = ""
    attested_by: str = ""

    def __post_init__(self) -> None:
        for name, most in _COUNTED.items():
            if len(getattr(self, name)) > most:
                raise InvalidInput(f"A profile holds at most {most:,} {name.replace('_', ' ')}.")
        _check_texts("A name of a profile", (*self.names, *self.beneficial_owners))
        _check_texts("A field of a profile", filter(None, (self.reseller_of, self.attested_by)))
        _check_form(self.emails, _EMAIL, "e-mail address")
        _check_form(self.telephones, _TELEPHONE, "telephone number")
        if bool(self.ownership_complete_above_pct) != bool(self.attested_by):
            raise InvalidInput(
                "That the owners above a share are complete needs both the share and who attests it.",
                hint="Give ownership_complete_above_pct and attested_by, or neither.",
            )


_LISTS = ("names", "locations_of_use", "beneficial_owners", "payments", "emails", "telephones", "training_plans")
_COUNTED = {**dict.fromkeys(_LISTS, ENTRIES_MAX), "accesses": ACCESSES_MAX}


@dataclass(frozen=True, slots=True)
class SealedProfile:
    """A profile with the salt of its hash: who knows the hash alone cannot try names and addresses against it.

    Attributes:
        text: the profile as canonical JSON (domain/profile_facts).
    """

    customer_id: str
    salt: bytes
    text: str

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES:
            raise InvalidInput(f"The salt of a profile has {SALT_BYTES} bytes.")

    @property
    def sha256(self) -> str:
        """SHA-256 over salt and text, in hex: what the log says about the profile."""
        return hashlib.sha256(self.salt + self.text.encode()).hexdigest()


def _check_texts(what: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not text.strip() or len(text) > TEXT_CHARACTERS_MAX:
            raise InvalidInput(f"{what} needs 1 to {TEXT_CHARACTERS_MAX} characters.")
        if any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") and each != "\n" for each in text):
            raise InvalidInput(f"{what} holds control or direction characters.")


def _check_form(texts: Sequence[str], form: re.Pattern[str], what: str) -> None:
    _check_texts(f"A{'n' if what[0] in 'aeiou' else ''} {what}", texts)
    for text in texts:
        if not form.fullmatch(text):
            raise InvalidInput(f"{text!r:.80} is no {what}.")
