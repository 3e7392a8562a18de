"""What was worked out beside the writer, to be stored at once: the lock is held for the storing alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.kyc_profile import SealedProfile
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import Record


@dataclass(frozen=True, slots=True)
class Written:
    """Many changes of the registry in their order, each with the place among `records` of the one that tells of it.

    Attributes:
        records: appended to the log in this order.
        parties: (place, party, its canonical JSON as `party_json` shapes it).
        customers: (place, customer). proposals: (place, customer's id, what waits; None where nothing waits any more).
        profiles: new versions, each the newest of its customer.
    """

    records: Sequence[Record]
    parties: Sequence[tuple[int, Party, str]] = ()
    customers: Sequence[tuple[int, Customer]] = ()
    proposals: Sequence[tuple[int, str, str | None]] = ()
    profiles: Sequence[SealedProfile] = ()


class WrittenWrites(Protocol):
    """Write side."""

    def write_all(self, written: Written) -> None:
        """Store many changes of the registry as the single calls would, in few statements.

        Raises:
            Conflict: as the single calls.
        """
        ...
