"""KYC profiles: personal data, kept beside the salt of the hash that stands for it in the log."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.kyc_profile import SealedProfile


class ProfileReads(Protocol):
    """Read side."""

    def profile(self, sha256: str) -> SealedProfile | None:
        """The profile that this salted hash names, of whatever version of its customer."""
        ...

    def newest_profile(self, customer_id: str) -> SealedProfile | None:
        """The profile that was stored last for a customer, in effect or not."""
        ...


class ProfileWrites(Protocol):
    """Write side."""

    def add_profile(self, profile: SealedProfile) -> None:
        """Store a profile as the newest of its customer; older ones stay."""
        ...
