"""Who acts: a person's name as it stands in records, and who may not be the second pair of eyes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Actor, ActorKind

# Letters of one alphabet only: a name with a Cyrillic "a" or an invisible character would be a second person.
_PERSON = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+-]{0,198}[A-Za-z0-9])?")
_CHANGED_BY = "changed since its approval by "


def person(name: str) -> Actor:
    """A person as the actor of a record.

    Raises:
        InvalidInput: not a login name or e-mail address in ASCII letters.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    if not _PERSON.fullmatch(plain):
        raise InvalidInput(
            f"{name!r:.80} cannot be the name of a person who acts.",
            hint="Use the login name or e-mail address: A-Z, a-z, 0-9, blank and . _ @ + -",
        )
    return Actor(ActorKind.PERSON, plain)


def changed_alone(customer: Customer, by: str) -> Customer:
    """The customer after one person changed its record without a second one.

    An approved record keeps who prepared and who approved it, and remembers in `reason` who changed it since: none
    of them may renew it alone. In any other standing the person becomes the preparer of what is approved next.
    """
    if customer.standing is not Standing.APPROVED:
        return replace(customer, prepared_by=by, approved_by="", expires_at=None, version=customer.version + 1)
    names = [each for each in _changers(customer) if not same_person(each, by)]
    return replace(customer, reason=_CHANGED_BY + ", ".join([*names, by]), version=customer.version + 1)


def check_may_renew(customer: Customer, by: str) -> None:
    """Let a person renew an approval that has ended, as it stands.

    Raises:
        NotPermitted: the person changed the record alone after it was approved.
    """
    if any(same_person(each, by) for each in _changers(customer)):
        raise NotPermitted(
            f"{by} changed the record of customer {customer.id} since its approval and so cannot renew it.",
            hint="Ask a second person to approve.",
        )


def _changers(customer: Customer) -> list[str]:
    if customer.standing is not Standing.APPROVED or not customer.reason.startswith(_CHANGED_BY):
        return []
    return customer.reason.removeprefix(_CHANGED_BY).split(", ")
