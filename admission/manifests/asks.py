"""`Ask`: what one pod, or a group of pods, wants of accelerators; asks add up and multiply by replicas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import LARGEST_COUNT, Count

# No workload asks for more kinds of devices. Each is held in memory for each of its pods, and stands in records.
MOST_KINDS = 64
RUNS_HELD_MAX = 4
# Reasons and doubts beyond these tell nobody anything, and would make long manifests slow.
_MOST_SAID = 40


@dataclass(frozen=True, slots=True)
class Times:
    """How many copies: `least` start at once, `most` is the ceiling (None: nothing bounds it)."""

    least: int
    most: int | None

    @classmethod
    def exactly(cls, count: int | None) -> Times:
        """That many; where the number is not known, at least one and without a ceiling."""
        return cls(1, None) if count is None else cls(count, count)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        devices: resource key -> how many.
        claims: through DRA claims, whose size stands elsewhere.
        unsaid: by a way that names no number: an environment variable, an annotation, a share of a device.
        host_access: it could reach a device without asking for it.
        reasons: what made it gated, for people, most telling first.
        doubts: what could not be read; any doubt makes the workload unknown.
        runs: the runs that pods which ask for a device name by label, "" for those that name none; a few suffice to
            know that they differ.
    """

    devices: Mapping[str, Count] = field(default_factory=dict)
    claims: bool = False
    unsaid: bool = False
    host_access: bool = False
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """It asks for an accelerator."""
        return bool(self.devices) or self.claims or self.unsaid

    @property
    def gated(self) -> bool:
        """It asks for or could reach an accelerator."""
        return self.asks or self.host_access

    def __add__(self, other: Ask) -> Ask:
        devices = dict(self.devices)
        for key, count in other.devices.items():
            devices[key] = _capped(devices[key], count) if key in devices else count
        if len(devices) > MOST_KINDS:
            raise InvalidInput(f"More than {MOST_KINDS} kinds of devices are more than anybody asks for.")
        return Ask(
            devices=devices,
            claims=self.claims or other.claims,
            unsaid=self.unsaid or other.unsaid,
            host_access=self.host_access or other.host_access,
            reasons=_said(self.reasons, other.reasons),
            doubts=_said(self.doubts, other.doubts),
            runs=_said(self.runs, other.runs)[:RUNS_HELD_MAX],
        )

    def or_larger(self, other: Ask) -> Ask:
        """Key by key the larger of both: for two descriptions of the same pods, or pods that never run together."""
        nothing = Count(0, 0)
        keys = dict.fromkeys([*self.devices, *other.devices])
        both = {key: larger(self.devices.get(key, nothing), other.devices.get(key, nothing)) for key in keys}
        return replace(replace(self, devices={}) + replace(other, devices={}), devices=both)

    def within(self, bound: Ask) -> Ask:
        """The same, but of no device more than `bound` has, which knows every one of them."""
        return replace(self, devices={key: _within(each, bound.devices.get(key)) for key, each in self.devices.items()})

    def times(self, copies: Times) -> Ask:
        """So many copies of this.

        Raises:
            InvalidInput: more devices than any workload has.
        """
        if not self.devices:
            return self
        return replace(self, devices={key: _multiplied(key, each, copies) for key, each in self.devices.items()})

    def noting(self, *, reasons: Iterable[str] = (), doubts: Iterable[str] = ()) -> Ask:
        """The same with more reasons (put first) and doubts."""
        more = Ask(reasons=tuple(reasons), doubts=tuple(doubts))
        return more + self if more.reasons or more.doubts else self

    def without_ceiling(self) -> Ask:
        """The same, but nothing bounds how many devices it can reach."""
        return replace(self, devices={key: Count(each.least, None) for key, each in self.devices.items()})


def total(asks: Iterable[Ask]) -> Ask:
    """All of them together."""
    whole = None
    for each in asks:
        whole = each if whole is None else whole + each
    return whole or Ask()


def _said(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Both, each once."""
    if not one or not other:
        return one or other
    return tuple(dict.fromkeys(one + other))[:_MOST_SAID]


def larger(one: Count, other: Count) -> Count:
    """The larger of two counts, at the start and at the ceiling."""
    most = None if one.most is None or other.most is None else max(one.most, other.most)
    return Count(max(one.least, other.least), most)


def _within(one: Count, bound: Count | None) -> Count:
    """A count no larger than the bound's."""
    if bound is None or bound.most is None:
        return one
    most = bound.most if one.most is None else min(one.most, bound.most)
    return Count(min(one.least, most), most)


def _multiplied(key: str, each: Count, copies: Times) -> Count:
    """`each` device count, so many times; a ceiling beyond what any workload has is no ceiling."""
    if each.most == 0:
        return each
    least = each.least * copies.least
    if least > LARGEST_COUNT:
        shown = f"{least:,}" if least < 10**20 else "A huge number of"
        raise InvalidInput(f"{shown} {key} is more than any workload has.")
    most = None if each.most is None or copies.most is None else max(each.most * copies.most, least)
    return Count(least, most if most is None or most <= LARGEST_COUNT else None)


def _capped(one: Count, other: Count) -> Count:
    """Both together; a ceiling beyond what any workload has is no ceiling."""
    together = one.most + other.most if one.most is not None and other.most is not None else None
    if together is not None and together > LARGEST_COUNT:
        return Count(one.least, None) + other
    return one + other
