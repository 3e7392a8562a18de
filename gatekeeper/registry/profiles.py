"""KYC profiles in records: sealed before anything is compared, stored, approved or logged.

A record that leaves its profile out keeps the one given last. An equal profile keeps its salt, so that a file applied
again changes nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Protocol

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.kyc_profile import SALT_BYTES, KycProfile, SealedProfile
from gatekeeper.domain.profile_demands import lacking
from gatekeeper.domain.profile_facts import profile_of_text, profile_text
from gatekeeper.ports.profiles import ProfileReads
from gatekeeper.registry.kyc_reader import KycReader
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.registry.plan import kept_of


class ProfileReader(KycReader, ProfileReads, Protocol):
    """What sealing asks of the registry."""


def sealed(reader: ProfileReader, record: KycRecord) -> tuple[KycRecord, SealedProfile | None]:
    """The record with the name of its sealed profile, and that profile where it has to be stored first.

    Raises:
        InvalidInput: the profile, also one that was given before, calls the headquarters a mere letter box.
    """
    known = _known(reader, record.customer_id)
    if record.profile is None:
        last = known[0] if known else None
        if last is None:
            return record, None
        profile = profile_of_text(last.text)
        record.check_address(profile)
        return replace(record, profile_sha256=last.sha256, profile=profile), None
    text = profile_text(record.profile)
    for each in known:
        if each.text == text:
            return replace(record, profile_sha256=each.sha256), None
    new = SealedProfile(record.customer_id, secrets.token_bytes(SALT_BYTES), text)
    return replace(record, profile_sha256=new.sha256), new


def check_demanded(record: KycRecord) -> None:
    """Let only a record pass that says all that a provider has to ask (`profile_demands`).

    Args:
        record: as `sealed` left it.

    Raises:
        InvalidInput: something is missing; every key of it is named.
    """
    missing = lacking(record.profile, next(each for each in record.parties if each.id == record.party_id))
    if missing:
        raise InvalidInput(
            f"Customer {record.customer_id} lacks {', '.join(missing)}, which is asked before an account is opened "
            "(proposed 15 CFR 7.302(d)(1)(iii), 89 FR 5698).",
            hint="docs/records.md tells each key. Keep it as a draft until all is known.",
        )


def with_profile(reader: ProfileReads, record: KycRecord | None) -> KycRecord | None:
    """The record as a person may look at it, with its profile."""
    if record is None or not record.profile_sha256 or record.profile is not None:
        return record
    return replace(record, profile=profile_of(reader, record.profile_sha256))


def profile_of(reader: ProfileReads, sha256: str) -> KycProfile | None:
    """The profile of a salted hash; None where there is none."""
    found = reader.profile(sha256) if sha256 else None
    return profile_of_text(found.text) if found else None


def _known(reader: ProfileReader, customer_id: str) -> list[SealedProfile]:
    """What was written last, and what is in effect."""
    customer, kept = reader.customer(customer_id), kept_of(reader, customer_id)
    names = [kept.record.profile_sha256 if kept else "", customer.profile_sha256 if customer else ""]
    return [found for each in names if each and (found := reader.profile(each))]
