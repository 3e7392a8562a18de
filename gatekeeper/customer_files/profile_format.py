"""A KYC profile as a file says it, and back: the keys of `profile:`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from gatekeeper.customer_files.format import Code, Dated
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import millionths, percent_text
from gatekeeper.domain.kyc_profile import (
    ACCESSES_MAX,
    ENTRIES_MAX,
    Access,
    Address,
    AddressKind,
    KycProfile,
    Payment,
    PaymentMeans,
    TrainingPlan,
    VerificationMethod,
)
from gatekeeper.domain.units import FLOP_PER_TFLOP, parse_flop
from gatekeeper.yaml_files import Part

_Text = Annotated[str, StringConstraints(max_length=500)]


class AddressPart(Part):
    """An address and its country."""

    text: _Text
    country: Code | None = None


class PaymentPart(Part):
    """A means of payment and its source."""

    means: PaymentMeans
    source: _Text


class AccessPart(Part):
    """An IP address and when it was seen."""

    ip: Annotated[str, StringConstraints(max_length=60)]
    at: datetime


class PlanPart(Dated):
    """A planned training; `from` and `to` are its first and last day."""

    largest_run_flop: str
    purpose: _Text
    models: tuple[_Text, ...] = Field(default=(), max_length=ENTRIES_MAX)


class ProfilePart(Part):
    """The profile as a file says it."""

    names: tuple[_Text, ...] = Field(default=(), max_length=ENTRIES_MAX)
    address: AddressPart | None = None
    headquarters_address_kind: AddressKind | None = None
    locations_of_use: tuple[AddressPart, ...] = Field(default=(), max_length=ENTRIES_MAX)
    beneficial_owners: tuple[_Text, ...] = Field(default=(), max_length=ENTRIES_MAX)
    payment: tuple[PaymentPart, ...] = Field(default=(), max_length=ENTRIES_MAX)
    email: tuple[_Text, ...] = Field(default=(), max_length=ENTRIES_MAX)
    telephone: tuple[_Text, ...] = Field(default=(), max_length=ENTRIES_MAX)
    access: tuple[AccessPart, ...] = Field(default=(), max_length=ACCESSES_MAX)
    declared_training_plan: tuple[PlanPart, ...] = Field(default=(), max_length=ENTRIES_MAX)
    reseller_of: _Text | None = None
    method: VerificationMethod | None = None
    ownership_complete_above_pct: _Text | None = None
    attested_by: _Text | None = None


def profile_of(part: ProfilePart) -> KycProfile:
    """The profile of its part.

    Raises:
        InvalidInput: a field that cannot be what it says.
    """
    above = part.ownership_complete_above_pct
    return KycProfile(
        names=part.names,
        address=_address(part.address) if part.address else None,
        headquarters_address_kind=part.headquarters_address_kind,
        locations_of_use=tuple(map(_address, part.locations_of_use)),
        beneficial_owners=part.beneficial_owners,
        payments=tuple(Payment(each.means, each.source) for each in part.payment),
        emails=part.email,
        telephones=part.telephone,
        accesses=tuple(_access(each) for each in part.access),
        training_plans=tuple(
            TrainingPlan(parse_flop(each.largest_run_flop), each.purpose, each.begins, each.ends, each.models)
            for each in part.declared_training_plan
        ),
        reseller_of=part.reseller_of or "",
        method=part.method,
        # "All owners above 25 %" claims less than "above 24 %": a share between two steps is told as the larger.
        ownership_complete_above_pct=percent_text(millionths(above, up=True)) if above else "",
        attested_by=part.attested_by or "",
    )


def profile_part(profile: KycProfile) -> dict[str, Any]:
    """The profile as a file would say it, what is empty left out."""
    found: dict[str, Any] = {
        "names": list(profile.names),
        "address": _address_part(profile.address) if profile.address else None,
        "headquarters_address_kind": _value(profile.headquarters_address_kind),
        "locations_of_use": [_address_part(each) for each in profile.locations_of_use],
        "beneficial_owners": list(profile.beneficial_owners),
        "payment": [{"means": each.means.value, "source": each.source} for each in profile.payments],
        "email": list(profile.emails),
        "telephone": list(profile.telephones),
        "access": [{"ip": each.ip, "at": each.at.isoformat().replace("+00:00", "Z")} for each in profile.accesses],
        "declared_training_plan": [_plan_part(each) for each in profile.training_plans],
        "reseller_of": profile.reseller_of,
        "method": _value(profile.method),
        "ownership_complete_above_pct": profile.ownership_complete_above_pct,
        "attested_by": profile.attested_by,
    }
    return {name: value for name, value in found.items() if value}


def _plan_part(plan: TrainingPlan) -> dict[str, Any]:
    found: dict[str, Any] = {
        "largest_run_flop": str(plan.largest_run_tflop * FLOP_PER_TFLOP),
        "purpose": plan.purpose,
        "from": plan.begins.isoformat() if plan.begins else None,
        "to": plan.ends.isoformat() if plan.ends else None,
        "models": list(plan.models),
    }
    return {name: value for name, value in found.items() if value}


def _address(part: AddressPart) -> Address:
    return Address(part.text, part.country or "")


def _access(part: AccessPart) -> Access:
    if part.at.tzinfo is None:
        raise InvalidInput(f"The access from {part.ip} needs a moment in UTC such as 2026-11-22T03:00:00Z.")
    return Access(part.ip, part.at)


def _address_part(address: Address) -> dict[str, str]:
    return {"text": address.text} | ({"country": address.country} if address.country else {})


def _value(member: AddressKind | VerificationMethod | None) -> str:
    return member.value if member else ""
