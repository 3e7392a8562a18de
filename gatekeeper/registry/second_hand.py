"""Who may be the second of two people for a record: nobody who wrote any of what would be approved.

That is who wrote what waits, and who changed a party of it alone, in whosever file, since two people last looked at it.
Both are taken from what cannot be changed: the proposal as it was put, and the versions of parties with their records.
"""

from __future__ import annotations

from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.people import People
from gatekeeper.domain.person import first_hand_told
from gatekeeper.domain.record import RecordType
from gatekeeper.ports import Reader
from gatekeeper.registry.review import Review

_ANOTHER = "Ask a second person to approve."


def check_second_hand(reader: Reader, review: Review, by: str) -> None:
    """Let a person approve what a review shows.

    Raises:
        NotPermitted: the person wrote any of it.
    """
    customer = review.customer.id
    people = reader.people()
    check_not_author(people, review, by)
    for party, names in sorted(changed_alone_by(reader, review).items()):
        for seq, each in names:
            if people.same(each, by, since=seq):
                did = f"changed party {party} of customer {customer} alone since two people looked at it"
                said = first_hand_told(by, each, did).removesuffix(",")
                raise NotPermitted(f"{said}, and so cannot approve it.", hint=_ANOTHER)


def check_not_author(people: People, review: Review, by: str) -> None:
    """Let nobody approve what the same person wrote, under whatever login.

    Raises:
        NotPermitted: the person did.
    """
    for each in review.waiting.authors if review.waiting is not None else ():
        if people.same(each, by):
            said = first_hand_told(by, each, f"prepared the record of customer {review.customer.id}")
            raise NotPermitted(f"{said} and so cannot approve it.", hint=_ANOTHER)


def changed_alone_by(reader: Reader, review: Review) -> dict[str, list[tuple[int, str]]]:
    """Who changed each party of a customer alone since two people last approved the customer or that version of it,
    each with the index of the record."""
    ids = {each.id for record in (review.in_effect, review.looked_at) if record for each in record.parties}
    acts = reader.party_acts(sorted(ids))
    approvals = reader.records(types=(RecordType.CUSTOMER_APPROVED,), customer=review.customer.id) if acts else ()
    last = max((seq for seq, _ in approvals), default=-1)
    found: dict[str, list[tuple[int, str]]] = {}
    for party, seq, record in acts:
        if record.type is RecordType.CUSTOMER_APPROVED:
            found.pop(party, None)
        elif seq > last:
            found.setdefault(party, []).append((seq, record.actor.name))
    return found
