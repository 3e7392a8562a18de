"""How many owners there may be: enough for any real group, and so few that everybody can still be shown and judged.

Several records write one chain together, each of them small. Whoever lengthens one is refused, before others who share
it are held up; what is too long already may still be made stricter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import canonical_json
from gatekeeper.registry.kyc_record import KycRecord, overlaid, owners_of

# Far more than a large group's file holds of owners that matter (5 % and more).
CHAIN_MAX = 5_000
# A record (64 KiB) has room for a party twice: as it is wanted, and as it holds until two people have looked.
PARTY_BYTES_MAX = 28_000
_HINT = "Name the owners that matter: ultimate parents, listed parties and whoever owns 5 % or more."


def check_chains(
    customers: Iterable[Customer], before: Mapping[str, Party], written: Mapping[str, Party], record: KycRecord
) -> None:
    """Refuse a record that makes a party or the chain of any customer larger than anybody can look at, now by what is
    `written` at once or later by what it says itself.

    Raises:
        InvalidInput: it grows beyond the limit; it says whose.
    """
    own = {each.id: each.party_id for each in customers} | {record.customer_id: record.party_id}
    for changed in (tuple(written.values()), record.parties):
        grown = [each for each in changed if set(each.owners) - _owners(before, each.id)]
        for each in grown:
            _check_party(each)
        if grown:
            _check_length(own, before, overlaid(before, changed), {each.id for each in grown})


def _check_party(party: Party) -> None:
    size = len(canonical_json(party_json(party)))
    if size > PARTY_BYTES_MAX:
        raise InvalidInput(
            f"Party {party.id} would have {len(party.owners):,} owners in {size:,} bytes; {PARTY_BYTES_MAX:,} is the "
            "most that a record has room for.",
            hint=_HINT,
        )


def _check_length(
    own: Mapping[str, str], before: Mapping[str, Party], after: Mapping[str, Party], grown: set[str]
) -> None:
    measured: set[str] = set()
    for customer, party in own.items():
        if party in measured:
            continue
        measured.add(party)
        chain = owners_of(after, party)
        if len(chain) > CHAIN_MAX and not grown.isdisjoint(chain) and len(chain) > len(owners_of(before, party)):
            raise InvalidInput(
                f"Customer {customer} would have {len(chain):,} owners, and {CHAIN_MAX:,} is the most.", hint=_HINT
            )


def _owners(parties: Mapping[str, Party], party_id: str) -> frozenset[str]:
    party = parties.get(party_id)
    return frozenset(party.owners) if party is not None else frozenset()
