"""What a settlement says of one interval: usage, by kind of device where it tells them apart, on one day (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from gatekeeper.verify.fields import Facts, Wrong, amount_of, amount_or, flag_of, moment_of, text_of
from gatekeeper.verify.report import DayTotals

# Records from before devices were told apart name none.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Piece:
    """A settlement's interval; of a pod under a clearance nothing is released, and nothing overruns.

    Attributes:
        parts: what the devices of each kind did; they add up to the piece.
        tells_devices: the record names them, so it also keeps to one day.
    """

    low_tflop: int
    best_tflop: int
    high_tflop: int
    released_tflop: int
    stated_overrun_tflop: int
    begins_at: datetime
    through: datetime
    final: bool
    holds: bool
    parts: Mapping[str, DayTotals]
    tells_devices: bool

    @classmethod
    def of(cls, facts: Facts, *, holds: bool) -> Piece:
        """Read a settlement.

        Raises:
            Wrong: a field is missing or of another kind.
        """
        return cls(
            low_tflop=amount_of(facts, "low_tflop"),
            best_tflop=amount_of(facts, "best_tflop"),
            high_tflop=amount_of(facts, "high_tflop"),
            released_tflop=amount_of(facts, "released_tflop") if holds else 0,
            stated_overrun_tflop=amount_of(facts, "overrun_tflop") if holds else 0,
            begins_at=moment_of(facts, "from"),
            through=moment_of(facts, "through"),
            final=flag_of(facts, "final"),
            holds=holds,
            parts=_parts(facts),
            tells_devices="device" in facts or "by_device" in facts,
        )

    @property
    def overrun_tflop(self) -> int:
        """Usage above what was held for it."""
        return max(0, self.high_tflop - self.released_tflop) if self.holds else 0

    def check(self, reservation: str, settled_until: datetime | None) -> None:
        """Hold the piece against itself and against the one before.

        Raises:
            Wrong: something in it does not follow.
        """
        low, best, high = self.low_tflop, self.best_tflop, self.high_tflop
        if not low <= best <= high:
            raise Wrong(f"Reservation {reservation} is settled with low {low}, best {best}, high {high}: out of order.")
        if settled_until not in (None, self.begins_at) or self.through < self.begins_at:
            raise Wrong(
                f"Reservation {reservation} is settled from {self.begins_at} to {self.through}, "
                f"after up to {settled_until}."
            )
        if self.stated_overrun_tflop != self.overrun_tflop:
            raise Wrong(
                f"Reservation {reservation} has an overrun of {self.overrun_tflop} TFLOP; "
                f"its record says {self.stated_overrun_tflop}."
            )
        self._check_parts(reservation)

    def _check_parts(self, reservation: str) -> None:
        whole = DayTotals()
        for part in self.parts.values():
            whole = whole.plus(part)
        if (whole.low_tflop, whole.best_tflop, whole.high_tflop) != (self.low_tflop, self.best_tflop, self.high_tflop):
            raise Wrong(f"Reservation {reservation}: the usage by device does not add up to that of the piece.")
        midnight = datetime.combine(self.begins_at.date(), time(), UTC) + timedelta(days=1)
        if self.tells_devices and self.through > midnight:
            raise Wrong(f"Reservation {reservation} is settled over midnight, from {self.begins_at} to {self.through}.")


def _parts(facts: Facts) -> Mapping[str, DayTotals]:
    found = facts.get("by_device")
    if found is None:
        device = text_of(facts, "device") if "device" in facts else UNKNOWN
        return {device: _part(facts)}
    if not isinstance(found, Mapping) or not found or "device" in facts:
        raise Wrong("by_device must tell the usage of each kind of device, in place of device.")
    parts = {str(device): _part(each) for device, each in found.items() if isinstance(each, Mapping)}
    if len(parts) != len(found) or sum(each.device_s for each in parts.values()) != amount_of(facts, "device_s"):
        raise Wrong("by_device must tell the usage and time of each kind of device, and device_s that of all.")
    return parts


def _part(facts: Facts) -> DayTotals:
    return DayTotals(
        device_s=amount_or(facts, "device_s", 0),
        low_tflop=amount_of(facts, "low_tflop"),
        best_tflop=amount_of(facts, "best_tflop"),
        high_tflop=amount_of(facts, "high_tflop"),
    )
