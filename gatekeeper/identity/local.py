"""The realm of our own table of users."""

from __future__ import annotations

import hmac

from gatekeeper.domain.person import Caller
from gatekeeper.domain.user import User
from gatekeeper.identity.authenticator import Refusal, Unauthenticated
from gatekeeper.identity.tokens import BEGINNING, is_whole, kept_of
from gatekeeper.ports import Stores


class LocalUsers:
    """Knows people by tokens that we gave out. The table is read each time: who is disabled is out at once."""

    name = "local"

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def recognizes(self, bearer: str) -> bool:
        """Whether it begins as ours do."""
        return bearer.startswith(BEGINNING)

    def authenticate(self, bearer: str) -> Caller:
        """The user whose token this is.

        Raises:
            Unauthenticated: nobody's, or its user is disabled, or somebody else has seen it.
        """
        user = self.owner(bearer)
        if user.handed:
            raise Unauthenticated(
                f"Somebody else made this token for {user.name} and has seen it.",
                Refusal.CLAIMS,
                hint="Make it your own first: gatekeeper login.",
            )
        return user.caller

    def owner(self, bearer: str) -> User:
        """The user whose token this is, though somebody else may have seen it.

        Raises:
            Unauthenticated: nobody's, or its user is disabled.
        """
        if not bearer:
            raise Unauthenticated("There is no token.", Refusal.MALFORMED, hint="Give yours: gatekeeper login.")
        if not is_whole(bearer):
            raise Unauthenticated("This is only a part of a token.", Refusal.MALFORMED, hint="Copy all of it.")
        kept, found = kept_of(bearer), None
        for user in self._stores.read(lambda reader: reader.users()):
            if hmac.compare_digest(user.token_sha256, kept):
                found = user
        if found is None or found.disabled_by:
            raise Unauthenticated(
                "This token is nobody's.", Refusal.EXPIRED, hint="It was replaced, or its user is disabled."
            )
        return found
