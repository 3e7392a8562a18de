"""A KYC profile as JSON values and back: what the store holds and its hash is over. What is empty is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.kyc_profile import (
    Access,
    Address,
    AddressKind,
    KycProfile,
    Payment,
    PaymentMeans,
    TrainingPlan,
    VerificationMethod,
)
from gatekeeper.domain.record import canonical_json

_LISTS = ("names", "beneficial_owners", "emails", "telephones")
_TEXTS = ("reseller_of", "ownership_complete_above_pct", "attested_by")


def profile_text(profile: KycProfile) -> str:
    """The profile as canonical JSON."""
    return canonical_json(profile_json(profile)).decode()


def profile_of_text(text: str) -> KycProfile:
    """The profile of what `profile_text` wrote."""
    return profile_of(json.loads(text))


def profile_json(profile: KycProfile) -> dict[str, Any]:
    """The profile as JSON values without floats: amounts as decimal strings of TFLOP, days as YYYY-MM-DD."""
    found: dict[str, Any] = {name: list(getattr(profile, name)) for name in _LISTS}
    found |= {name: getattr(profile, name) for name in _TEXTS}
    found |= {
        "address": _address_json(profile.address) if profile.address else None,
        "headquarters_address_kind": _value(profile.headquarters_address_kind),
        "locations_of_use": [_address_json(each) for each in profile.locations_of_use],
        "payments": [{"means": each.means.value, "source": each.source} for each in profile.payments],
        "accesses": [{"ip": each.ip, "at": _moment(each.at)} for each in profile.accesses],
        "training_plans": [_plan_json(each) for each in profile.training_plans],
        "method": _value(profile.method),
    }
    return {name: value for name, value in found.items() if value}


def profile_of(value: object) -> KycProfile:
    """The profile of JSON values that `profile_json` wrote.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput("A profile must be an object.")
    kind, method, address = (value.get(each) for each in ("headquarters_address_kind", "method", "address"))
    try:
        plain: dict[str, Any] = {name: tuple(value.get(name, ())) for name in _LISTS}
        return KycProfile(
            **plain | {name: value.get(name, "") for name in _TEXTS},
            address=Address(**address) if address else None,
            headquarters_address_kind=AddressKind(kind) if kind else None,
            locations_of_use=tuple(Address(**each) for each in value.get("locations_of_use", ())),
            payments=tuple(Payment(PaymentMeans(each["means"]), each["source"]) for each in value.get("payments", ())),
            accesses=tuple(
                Access(each["ip"], datetime.fromisoformat(each["at"])) for each in value.get("accesses", ())
            ),
            training_plans=tuple(_plan(each) for each in value.get("training_plans", ())),
            method=VerificationMethod(method) if method else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"A profile cannot be read: {error}.") from error


def _plan_json(plan: TrainingPlan) -> dict[str, Any]:
    found = {
        "largest_run_tflop": str(plan.largest_run_tflop),
        "purpose": plan.purpose,
        "begins": plan.begins.isoformat() if plan.begins else None,
        "ends": plan.ends.isoformat() if plan.ends else None,
        "models": list(plan.models),
    }
    return {name: value for name, value in found.items() if value}


def _plan(fields: Mapping[str, Any]) -> TrainingPlan:
    begins, ends = fields.get("begins"), fields.get("ends")
    return TrainingPlan(
        largest_run_tflop=int(fields["largest_run_tflop"]),
        purpose=fields["purpose"],
        begins=date.fromisoformat(begins) if begins else None,
        ends=date.fromisoformat(ends) if ends else None,
        models=tuple(fields.get("models", ())),
    )


def _address_json(address: Address) -> dict[str, str]:
    return {"text": address.text} | ({"country": address.country} if address.country else {})


def _value(member: AddressKind | VerificationMethod | None) -> str:
    return member.value if member else ""


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
