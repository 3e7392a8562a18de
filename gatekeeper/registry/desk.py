"""What all use cases on customers have at hand: the store, the clock, and the packs that place customers."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.domain.policy import ActivePack
from gatekeeper.ports import Clock, Stores
from gatekeeper.registry.strictness import Yardstick


class Desk:
    """Base of the use cases on customers."""

    # Whether what is milder owes every field that `profile_demands` names.
    _demands_profile = False

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

    def _sha256(self) -> dict[str, str]:
        return {active.pack.id: active.pack.sha256 for active in self._packs}
