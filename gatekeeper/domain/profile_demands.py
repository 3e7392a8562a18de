"""What proposed 15 CFR 7.302(d)(1)(iii) has a provider know before it opens an account, and what of it is missing.

The proposal (89 FR 5698, 2024-01-29, RIN 0694-AJ35) was never made final as far as we found on 2026-11-22, so a
provider chooses whether it is demanded. Line by line: the name is the party's `legal_name`, and `names` others that it
does business under, which there need not be; `address` and `locations_of_use`; of an entity `jurisdiction` and
`beneficial_owners`; `payment`, its means and source; `email`; `telephone`; `access`, IP addresses each with its time.
"""

from __future__ import annotations

from gatekeeper.domain.kyc_profile import KycProfile
from gatekeeper.domain.party import Party, PartyKind


def lacking(profile: KycProfile | None, party: Party) -> tuple[str, ...]:
    """The keys of a customer's file that are demanded and say nothing, in the order of the proposal.

    A person has no law that it was founded by and no owners; a state has no owners.
    """
    known = profile or KycProfile()
    demanded: dict[str, object] = {
        "legal_name": party.legal_name.strip(),
        "address": known.address,
        "locations_of_use": known.locations_of_use,
        "jurisdiction": party.jurisdiction or party.kind is not PartyKind.ORG,
        "beneficial_owners": known.beneficial_owners or party.kind is not PartyKind.ORG,
        "payment": known.payments,
        "email": known.emails,
        "telephone": known.telephones,
        "access": known.accesses,
    }
    return tuple(name for name, said in demanded.items() if not said)
