"""People who act on records, and what each may do.

A *caller* is somebody whose identity was established (`method` says how) and whose roles the provider gave. What a
person may do alone and what takes two is decided where it is done; here stands only who may do it at all.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.spelling import plain_address, plain_login

# What an identity provider calls somebody for people, this, and what it never gives to anybody else:
# `ana@provider.example#00u1ab`.
UNIQUE_MARK = "#"
# What a cluster calls its service accounts, nodes and own components: never a person.
_OF_A_CLUSTER = "system:"


def same_person(one: str, other: str) -> bool:
    """Whether two spellings name one person: case, width, blanks and spellings of one mail address (`spelling`) do not
    make a second pair of eyes.

    Nor does a new address of a person whose identity provider still says who it is, nor an address that went on to
    somebody else: either part of a name in common makes them one. Names with nothing in common are `people`'s part.
    """
    return not person_marks(one).isdisjoint(person_marks(other))


def first_hand_told(by: str, first: str, did: str) -> str:
    """Who did the first of two people's part, where `by` is that person: by this name, or by another that is linked."""
    return f"{by} {did}" if same_person(by, first) else f"{by} is one person with {first}, who {did},"


@lru_cache(maxsize=4096)
def person_marks(name: str) -> frozenset[str]:
    """What a name has in common with every other name of the same person: address or login name, and behind the mark
    what is unique (where anything is known to be)."""
    address, _, unique = unicodedata.normalize("NFKC", name).partition(UNIQUE_MARK)
    return frozenset(
        each for each in (plain_address(address), UNIQUE_MARK + plain_login(unique)) if each not in ("", UNIQUE_MARK)
    )


def person_keys(name: str) -> tuple[str, str]:
    """Address or login name, and what is unique (empty where nothing is known to be), without case and blanks: as the
    database compares them, which knows no more of spellings."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    address, _, unique = plain.partition(UNIQUE_MARK)
    return address, unique


def is_machine(name: str) -> bool:
    """Whether a name is of a program in a cluster, whoever says so: a service account's token may also come by way of
    OpenID Connect, as the cluster is an issuer like any other."""
    return any(part.startswith(_OF_A_CLUSTER) for part in person_keys(name))


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


_WORDS = {
    Right.READ: "look at customers and runs",
    Right.EDIT: "prepare, declare, bind or answer anything",
    Right.APPROVE: "approve anything",
    Right.TIGHTEN: "suspend anybody or make anything stricter",
    Right.POLICY: "load packs and lists or keep users",
    Right.EXPORT: "export the log",
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
                f"{self.name} may not {_WORDS[right]} here.", hint=f"This needs the role {' or '.join(having)}."
            )
