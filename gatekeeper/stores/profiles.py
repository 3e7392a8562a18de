"""KYC profiles in SQL: one row a version, never changed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, bindparam, func, select

from gatekeeper.domain.kyc_profile import SealedProfile
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import metadata

profile = Table(
    "profile",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("customer_id", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("salt", LargeBinary(32), nullable=False),
    Column("body", Text, nullable=False),
    Index("profile_by_customer", "customer_id", "number", unique=True),
)

_NEWEST = select(profile).where(profile.c.customer_id == bindparam("whose")).order_by(profile.c.number.desc()).limit(1)
_HOW_MANY = select(func.count().label("many")).where(profile.c.customer_id == bindparam("whose"))


class ProfileReads(Asking):
    """`gatekeeper.ports.profiles.ProfileReads`."""

    def profile(self, sha256: str) -> SealedProfile | None:
        """The profile that this salted hash names."""
        row = self._get(profile, sha256=sha256)
        return SealedProfile(row["customer_id"], bytes(row["salt"]), row["body"]) if row else None

    def newest_profile(self, customer_id: str) -> SealedProfile | None:
        """The profile that was stored last for a customer."""
        for row in self._all(_NEWEST, {"whose": customer_id}):
            return SealedProfile(row["customer_id"], bytes(row["salt"]), row["body"])
        return None


class ProfileWrites(Changing):
    """`gatekeeper.ports.profiles.ProfileWrites`."""

    def add_profile(self, sealed: SealedProfile) -> None:
        """Store a profile as the newest of its customer."""
        number = int(self._all(_HOW_MANY, {"whose": sealed.customer_id})[0]["many"]) + 1
        values = {"sha256": sealed.sha256, "customer_id": sealed.customer_id, "number": number}
        self._run(add(profile), {**values, "salt": sealed.salt, "body": sealed.text})
