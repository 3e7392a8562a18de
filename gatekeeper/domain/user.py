"""A user of the local table: somebody whom the provider gave a token and roles.

Roles that make things milder, a second hand's above all, are given by two: they are *asked* by one policy-admin and in
effect once another has approved them. The token itself is never kept, only its hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Method, Role, same_person

# Who has one of these can be a second hand, or choose who is.
GIVEN_BY_TWO = frozenset({Role.KYC_APPROVER, Role.POLICY_ADMIN})
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class User:
    """One user; every change is a new value with a higher version.

    Attributes:
        name: as it stands in records; no second spelling of it is another user.
        roles: in effect.
        token_sha256: SHA-256 of the token, in hex.
        created_by: who added the user.
        handed: whether somebody else has seen the token: it is then good for nothing but a token of the user's own.
        disabled_by: who disabled the user; "" while it is not.
        asked: roles that wait for a second policy-admin.
        asked_by: who asked for them.
        was_admin: whether the user ever was a policy-admin.
    """

    name: str
    roles: frozenset[Role]
    token_sha256: str
    created_at: datetime
    created_by: str
    handed: bool
    disabled_by: str = ""
    asked: frozenset[Role] = frozenset()
    asked_by: str = ""
    was_admin: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.token_sha256):
            raise InvalidInput("A user's token is kept as its SHA-256 in hex, and as nothing else.")
        if bool(self.asked) != bool(self.asked_by):
            raise InvalidInput("Roles that wait, and who asked for them, go together.")
        if self.roles & self.asked:
            raise InvalidInput("A role that is in effect does not wait.")
        object.__setattr__(self, "was_admin", self.was_admin or Role.POLICY_ADMIN in self.roles)

    @property
    def caller(self) -> Caller:
        """The user as somebody who acts."""
        return Caller(self.name, Method.LOCAL, frozenset() if self.disabled_by else self.roles)

    @property
    def printed(self) -> bool:
        """Whether the token is still the one that was shown when it was made: it may lie in a file, or on a screen."""
        return self.handed or (self.version == 1 and self.created_by == self.name)

    def with_roles(self, wanted: frozenset[Role], *, by: str, alone: bool) -> User:
        """With these roles: what is taken is taken at once; what only two may give waits, unless one may alone.

        Raises:
            NotPermitted: the user is disabled.
        """
        if self.disabled_by:
            raise NotPermitted(
                f"{self.name} is disabled.", hint=f"Give a new token first: gatekeeper user rotate {self.name}"
            )
        waits = frozenset() if alone else (wanted - self.roles) & GIVEN_BY_TWO
        return replace(self, roles=wanted - waits, asked=waits, asked_by=by if waits else "", version=self.version + 1)

    def approve(self, *, by: str) -> User:
        """With the roles that waited.

        Raises:
            NotPermitted: nothing waits, or this is who asked.
        """
        if not self.asked:
            raise NotPermitted(f"No role waits for {self.name}.", hint="See `gatekeeper user list`.")
        if same_person(by, self.asked_by):
            raise NotPermitted(
                f"{by} asked for these roles of {self.name} and so cannot approve them.",
                hint="Ask another policy-admin to approve.",
            )
        return replace(self, roles=self.roles | self.asked, asked=frozenset(), asked_by="", version=self.version + 1)

    def disable(self, *, by: str) -> User:
        """Without any right from now on; what waited is withdrawn.

        Raises:
            NotPermitted: the user is disabled already.
        """
        if self.disabled_by:
            raise NotPermitted(f"{self.name} is disabled already, by {self.disabled_by}.")
        return replace(self, disabled_by=by, asked=frozenset(), asked_by="", version=self.version + 1)

    def own_token(self, token_sha256: str) -> User:
        """With a token that nobody else has seen; the one before ends.

        Raises:
            NotPermitted: the user is disabled.
        """
        if self.disabled_by:
            raise NotPermitted(f"{self.name} is disabled.")
        return replace(self, token_sha256=token_sha256, handed=False, version=self.version + 1)

    def handed_token(self, token_sha256: str, *, by: str, alone: bool) -> User:
        """With a token that somebody else made, and enabled again.

        Who made it could use it first. So what only two may give waits for a second person again.
        """
        back = replace(self, token_sha256=token_sha256, handed=True, disabled_by="", asked=frozenset(), asked_by="")
        wanted = self.roles | self.asked
        return replace(back, roles=frozenset()).with_roles(wanted, by=by, alone=alone)
