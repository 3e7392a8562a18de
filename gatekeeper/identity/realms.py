"""The realms that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gatekeeper.cluster.api import Api, connect
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Role
from gatekeeper.identity.authenticator import Realm, Realms, Refusal
from gatekeeper.identity.cluster import ClusterTerms, TokenReviewer
from gatekeeper.identity.keys import CachedKeys, check_url, from_file, from_issuer, from_url
from gatekeeper.identity.local import LocalUsers
from gatekeeper.identity.oidc import OidcTerms, OidcVerifier
from gatekeeper.identity.refusals import Refusals
from gatekeeper.identity.roles import RoleMap
from gatekeeper.identity_settings import IdentitySettings, OidcSettings, TokenReviewSettings
from gatekeeper.ports import Clock, Stores


def realms_of(
    settings: IdentitySettings,
    stores: Stores,
    clock: Clock,
    *,
    kubeconfig: Path | None = None,
    counted: Callable[[str, Refusal], None] | None = None,
) -> Realms:
    """Our own users, and whoever the settings name. Nothing is asked yet.

    Raises:
        InvalidInput: two realms of one issuer, an address that is not https, or no way to the cluster.
    """
    oidc, review = settings.oidc, settings.token_review
    if oidc is not None and review is not None and oidc.issuer == review.issuer:
        raise InvalidInput(
            f"identity.oidc and identity.token_review both name the issuer {oidc.issuer}.",
            hint="A token is shown to one of them alone; take the other out.",
        )
    realms: list[Realm] = [LocalUsers(stores)]
    if oidc is not None:
        realms.append(_oidc(oidc, clock))
    if review is not None:
        realms.append(_token_review(review, kubeconfig))
    return Realms(realms, Refusals(counted))


def _oidc(settings: OidcSettings, clock: Clock) -> OidcVerifier:
    terms = OidcTerms(
        issuer=settings.issuer,
        audience=settings.audience,
        roles=_roles(settings.roles),
        age_s_max=settings.max_age_s,
        name_claim=settings.name_claim,
        roles_claim=settings.roles_claim,
    )
    if settings.jwks_file is not None:
        return OidcVerifier(terms, CachedKeys(from_file(settings.jwks_file)), clock)
    check_url(settings.issuer)
    if settings.jwks_url is not None:
        return OidcVerifier(terms, CachedKeys(from_url(settings.jwks_url, ca_file=settings.ca_file)), clock)
    return OidcVerifier(terms, CachedKeys(from_issuer(settings.issuer, ca_file=settings.ca_file)), clock)


def _token_review(settings: TokenReviewSettings, kubeconfig: Path | None) -> TokenReviewer:
    terms = ClusterTerms(settings.issuer, settings.audience, _roles(settings.roles))
    return TokenReviewer(Api(connect(str(kubeconfig) if kubeconfig else None)), terms)


def _roles(given: Mapping[Role, tuple[str, ...]]) -> RoleMap:
    return RoleMap({role: frozenset(names) for role, names in given.items()})
