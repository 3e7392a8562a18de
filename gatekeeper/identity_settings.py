"""Settings of who may show which token: an identity provider for people, and the cluster for what runs in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator, model_validator

from gatekeeper.domain.person import Method, Role
from gatekeeper.domain.two_hands import Hands
from gatekeeper.yaml_files import Line, Part

AUDIENCE = "compute-gatekeeper"
# Groups that every token of a cluster is in, those of its tenants too.
_EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})
_SERVICE_ACCOUNTS = ("system:serviceaccount:", "group:system:serviceaccounts")
# What only people can be: a second hand, and who keeps the users.
_OF_PEOPLE = frozenset({Role.KYC_APPROVER, Role.POLICY_ADMIN})

Roles = Annotated[dict[Role, tuple[Line, ...]], Field(min_length=1)]


Hand = Annotated[tuple[Method, ...], Field(min_length=1)]


class _Section(Part):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OidcSettings(_Section):
    """The identity provider of the people who work here (OpenID Connect)."""

    issuer: Line
    """`iss` of its tokens, exactly, such as https://login.provider.example."""
    roles: Roles
    """Role -> the groups of the provider that have it. Who is in none of them may do nothing."""
    audience: Line = AUDIENCE
    """What must be in `aud`: a client of the provider that is for us alone."""
    jwks_url: Line | None = None
    """Where its keys are. Default: where it says itself, below the issuer (OpenID Connect Discovery)."""
    jwks_file: Path | None = None
    """A file with its keys instead, read again as it changes; nothing is fetched then."""
    ca_file: Path | None = None
    """Certificates that its own must be signed by. Default: those that the system trusts."""
    name_claim: Line = "email"
    """What people call somebody. `email` counts only where the provider says that it verified it; `sub` always stands
    beside it. Any other must be one that people cannot choose themselves."""
    roles_claim: Line = "groups"
    """The claim with the groups; `a.b` is b within a."""
    max_age_s: Annotated[int, Field(ge=60, le=31 * 86_400)] = 86_400
    """The longest since a token was issued, in seconds, whatever it says of its end. Default: a day."""

    @model_validator(mode="after")
    def _one_place(self) -> OidcSettings:
        if self.jwks_url is not None and self.jwks_file is not None:
            raise ValueError("its keys are in jwks_url or in jwks_file, not in both")
        return self


class TokenReviewSettings(_Section):
    """Tokens of the cluster's service accounts, which its API server checks (TokenReview)."""

    roles: Roles
    """Role -> user names as the API server says them, such as system:serviceaccount:kyc:importer, or group:NAME."""
    issuer: Line = "https://kubernetes.default.svc.cluster.local"
    """`iss` of its tokens: the API server's --service-account-issuer. Other tokens are not sent to it."""
    audience: Line = AUDIENCE
    """What a token must be made for. Never the API server's own audience: then every pod's token would do."""

    @field_validator("roles")
    @classmethod
    def _not_everybody(cls, roles: dict[Role, tuple[str, ...]]) -> dict[Role, tuple[str, ...]]:
        for role, names in roles.items():
            for name in names:
                if name.removeprefix("group:") in _EVERYBODY:
                    raise ValueError(f"{name} is everybody in the cluster, tenants too")
                if role in _OF_PEOPLE and name.startswith(_SERVICE_ACCOUNTS):
                    raise ValueError(f"{role.value} is for people, and {name} is none")
        return roles


class IdentitySettings(_Section):
    """Who may show which token, besides those of `gatekeeper user`."""

    oidc: OidcSettings | None = None
    """Default: none."""
    token_review: TokenReviewSettings | None = None
    """Default: none."""
    first_hand: Hand | None = None
    """Whose logins may prepare or ask for what takes two: local, oidc, token-review. Default: all."""
    second_hand: Hand | None = None
    """Whose logins may approve it: local, oidc. With [oidc] in both, nobody whom the provider does not tell apart is
    either. Default: all but service accounts, which never may."""
    user_domains: tuple[Line, ...] = ()
    """Domains of mail: users of our own are then called by an address in one of them, the one that the identity
    provider verifies, and are the same person as there. Default: any name."""

    @model_validator(mode="after")
    def _somebody(self) -> IdentitySettings:
        for name, given in (("first_hand", self.first_hand), ("second_hand", self.second_hand)):
            if Method.CLAIMED in (given or ()):
                raise ValueError(f"{name}: a claimed name is no login")
        if Method.TOKEN_REVIEW in (self.second_hand or ()) and self.token_review is None:
            raise ValueError("second_hand has token-review, and nobody gets in by it")
        if self.second_hand == (Method.OIDC,) and self.oidc is None:
            raise ValueError("second_hand has oidc alone, and nobody gets in by it: nothing could be approved")
        return self

    @property
    def hands(self) -> Hands:
        """Whose logins may be which hand."""
        first, second = (None if each is None else frozenset(each) for each in (self.first_hand, self.second_hand))
        return Hands(first, second, self.user_domains)
