"""People who act on records, and what each may do.

A *caller* is somebody whose identity was established (`method` says how) and whose roles the provider gave. What a
person may do alone and what takes two is decided where it is done; here stands only who may do it at all.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted

# What an identity provider calls somebody for people, this, and what it never gives to anybody else:
# `ana@provider.example#00u1ab`.
UNIQUE_MARK = "#"


def same_person(one: str, other: str) -> bool:
    """Whether two spellings name one person: case, width and blanks do not make a second pair of eyes.

    Nor does a new address of a person whose identity provider still says who it is, nor an address that went on to
    somebody else: either part of a name in common makes them one.
    """
    return any(mine and mine == theirs for mine, theirs in zip(person_keys(one), person_keys(other), strict=True))


def person_keys(name: str) -> tuple[str, str]:
    """Address or login name, and what is unique (empty where nothing is known to be), each in its one spelling."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    address, _, unique = plain.partition(UNIQUE_MARK)
    return address, unique


class Role(StrEnum):
    """What the provider lets somebody do."""

    VIEWER = "viewer"
    KYC_EDITOR = "kyc-editor"
    KYC_APPROVER = "kyc-approver"
    POLICY_ADMIN = "policy-admin"
    REGULATOR = "regulator"


class Right(StrEnum):
    """One kind of act that needs a role."""

    READ = "read"  # customers, runs, tiers
    EDIT = "edit"  # prepare records, declare runs, bind, answer inquiries, judge screening hits: the first hand
    APPROVE = "approve"  # the second hand
    TIGHTEN = "tighten"  # what only makes things stricter: suspend, reclassify
    POLICY = "policy"  # load packs and lists, keep users
    EXPORT = "export"  # read and export the log


_RIGHTS = {
    Role.VIEWER: {Right.READ},
    Role.KYC_EDITOR: {Right.READ, Right.EDIT, Right.TIGHTEN},
    Role.KYC_APPROVER: {Right.READ, Right.APPROVE, Right.TIGHTEN},
    Role.POLICY_ADMIN: {Right.READ, Right.POLICY, Right.TIGHTEN},
    Role.REGULATOR: {Right.READ, Right.EXPORT},
}


class Method(StrEnum):
    """How somebody's identity was established."""

    CLAIMED = "claimed"  # by nothing but the word of a process with access to the database
    LOCAL = "local"  # the local table of users
    OIDC = "oidc"
    TOKEN_REVIEW = "token-review"  # noqa: S105 - a method's name


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who acts: a name that is the same every time, how it was established, and the roles it has."""

    name: str
    method: Method
    roles: frozenset[Role]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InvalidInput("Somebody who acts needs a name.")

    @classmethod
    def claimed(cls, name: str) -> Caller:
        """Somebody by name alone, with every role: for a process that has the database itself in its hands."""
        return cls(name, Method.CLAIMED, frozenset(Role))

    def may(self, right: Right) -> bool:
        """Whether one of the roles gives this right."""
        return any(right in _RIGHTS[role] for role in self.roles)

    def require(self, right: Right) -> None:
        """Let only those act who may.

        Raises:
            NotPermitted: no role of the caller gives the right.
        """
        if not self.may(right):
            having = sorted(role.value for role, rights in _RIGHTS.items() if right in rights)
            raise NotPermitted(
                f"{self.name} may not {right.value} here.", hint=f"This needs the role {' or '.join(having)}."
            )
