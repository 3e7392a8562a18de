"""What all use cases on customers have at hand: the store, the clock, and the packs that place customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import ActivePack
from gatekeeper.ports import Clock, Stores
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.registry.strictness import Yardstick


def codes_of(party: Party) -> frozenset[str]:
    """The codes of countries that a party has; of its jurisdiction only the state, for laws have more parts."""
    return frozenset({party.headquarters, *party.nationalities, party.jurisdiction.partition("-")[0]} - {""})


class Desk:
    """Base of the use cases on customers."""

    # Whether what is milder owes every field that `profile_demands` names.
    _demands_profile = False
    # Refuses what is no code of a country in use; None where a registry is told of no table.
    _check_code: Callable[[str], object] | None = None

    def __init__(self, stores: Stores, clock: Clock, packs: tuple[ActivePack, ...]) -> None:
        self._stores = stores
        self._clock = clock
        self._packs = packs
        self._measure: Yardstick | None = None

    def _yardstick(self, now: datetime) -> Yardstick:
        """The yardstick of a day; kept, with what was found by it, for as long as it is that day."""
        kept = self._measure
        if kept is None or kept.day != now.date():
            kept = self._measure = Yardstick.of(self._packs, now.date())
        return kept

    def _check_codes(self, record: KycRecord, known: Mapping[str, Party]) -> None:
        """The last line against codes that nobody has; a code that a party has already was judged when it came.

        Raises:
            InvalidInput: a party would get such a code.
        """
        if self._check_code is None:
            return
        for party in record.parties:
            before = codes_of(known[party.id]) if party.id in known else frozenset()
            for code in sorted(codes_of(party) - before):
                try:
                    self._check_code(code)
                except InvalidInput as error:
                    raise InvalidInput(f"Party {party.id}: {error.message}", hint=error.hint) from error

    def _sha256(self) -> dict[str, str]:
        return {active.pack.id: active.pack.sha256 for active in self._packs}
