"""Who acts: a person's name as it stands in records, and who may not be the second pair of eyes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Method, Right, is_machine
from gatekeeper.domain.record import Actor, ActorKind
from gatekeeper.domain.spelling import has_punycode

# Who acts: somebody whose identity was established, or a name alone, which only a process that has the database in
# its hands may give (a demo, a simulation, a test). An edge that people reach from outside always gives a Caller.
By = str | Caller

# Letters of one alphabet only: a name with a Cyrillic "a" or an invisible character would be a second person.
_PERSON = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+-]{0,198}[A-Za-z0-9])?")
# What identity providers and clusters call somebody has more signs in it: `ana@provider.example#00u1ab`, or
# `system:serviceaccount:kyc:importer`. No comma: names are listed with it.
_ESTABLISHED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+:|/#=-]{0,398}[A-Za-z0-9=])?")


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


def login(name: str) -> str:
    """A name as a realm may give it to somebody who acts.

    Raises:
        InvalidInput: no realm can give it.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    if not _ESTABLISHED.fullmatch(plain):
        raise InvalidInput(
            f"{name!r:.80} cannot be a login.",
            hint="Write it as it stands in records: ana, ana@provider.example#SUBJECT, system:serviceaccount:NS:NAME.",
        )
    return plain


def new_login(name: str, domains: tuple[str, ...]) -> str:
    """The name of a user who is added: nobody can take it for somebody else's.

    Args:
        domains: where its address has to be; empty for any name.

    Raises:
        InvalidInput: not a login name or e-mail address in ASCII letters, a domain in punycode, or of another domain.
    """
    plain = person(name).name
    if has_punycode(plain):
        raise InvalidInput(
            f"{name!r:.80} has a domain in punycode: it is shown otherwise than it is written.",
            hint="Use a login name without @, and link it to the address: gatekeeper user link NAME LOGIN",
        )
    _, at, domain = plain.casefold().rpartition("@")
    if domains and not (at and domain in {each.casefold() for each in domains}):
        raise InvalidInput(
            f"{plain} is no address in {' or '.join(domains)}.",
            hint="Use the address that the identity provider verifies: settings identity.user_domains.",
        )
    return plain


def keeper(by: Caller) -> Actor:
    """Who keeps users and their logins: a policy-admin whose identity was established, and no machine.

    Raises:
        NotPermitted: somebody else.
    """
    actor = acting(by, Right.POLICY)
    if actor.kind is not ActorKind.PERSON or by.method is Method.CLAIMED:
        raise NotPermitted(
            f"{by.name} may not keep users.", hint="Only a policy-admin may whose identity was established."
        )
    return actor


def acting(by: By, right: Right) -> Actor:
    """Who acts, as the actor of a record.

    Raises:
        NotPermitted: no role of the caller gives the right, or it is a second hand and the caller is a machine.
        InvalidInput: not a name that a person who acts can have.
    """
    if isinstance(by, str):
        return person(by)
    by.require(right)
    if by.method in (Method.CLAIMED, Method.LOCAL):
        return replace(person(by.name), auth=by.method)
    if not _ESTABLISHED.fullmatch(by.name):
        raise InvalidInput(
            f"{by.name!r:.80} cannot be the name of somebody who acts.",
            hint="Let the identity provider name people in ASCII: settings identity.oidc.name_claim.",
        )
    machine = is_machine(by.name)
    if machine and right is Right.APPROVE:
        raise NotPermitted(
            f"{by.name} is a service account and cannot be the second of two people.",
            hint="Let a person with the role kyc-approver approve.",
        )
    return Actor(ActorKind.SERVICE if machine else ActorKind.PERSON, by.name, by.method)


def changed_alone(customer: Customer, by: str) -> Customer:
    """The customer after one person changed its record without a second one.

    An approved record keeps who prepared and who approved it; the versions of its parties name who changed it since
    (`second_hand`). In any other standing the person becomes the preparer.
    """
    if customer.standing is not Standing.APPROVED:
        return replace(customer, prepared_by=by, approved_by="", expires_at=None, version=customer.version + 1)
    return replace(customer, version=customer.version + 1)
