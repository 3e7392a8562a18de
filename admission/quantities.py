"""Kubernetes quantities as whole device counts, exact, without floating point.

Grammar: k8s.io/apimachinery resource.Quantity: a signed decimal number, then a binary suffix (Ki..Ei), a decimal
suffix (n u m k M G T P E) or a decimal exponent (e3, E3). Kubernetes accepts only whole, non-negative numbers for
extended resources, but custom resources are not checked, so everything can arrive here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.workload import LARGEST_COUNT

# Longer texts are not quantities; the limit also keeps int() linear.
_LONGEST_QUANTITY = 64
_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?=\.?[0-9])(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?"
    r"(?:(?P<binary>[KMGTPE]i)|(?P<decimal>[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]+))?",
    re.ASCII,
)
_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60}
_DECIMAL_EXPONENT = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """How many devices a quantity asks for.

    Attributes:
        count: whole devices, rounded up; 1 where nothing is known.
        exact: False for a placeholder, null or fraction: the real number may be higher.
    """

    count: int
    exact: bool


UNKNOWN = DeviceCount(1, exact=False)


def device_count(quantity: object) -> DeviceCount:
    """Read one quantity of an extended resource.

    A placeholder, null or wrong type is unknown (at least one device). A fraction, which Kubernetes refuses,
    rounds up and counts as not exact.

    Raises:
        InvalidInput: negative, or more devices than any workload has.
    """
    if isinstance(quantity, bool) or not isinstance(quantity, (int, str, Decimal)):
        return UNKNOWN
    if isinstance(quantity, int):
        return DeviceCount(_checked(quantity, str(quantity) if abs(quantity) < 10**20 else "a huge number"), exact=True)
    found = _QUANTITY.fullmatch(text) if len(text := str(quantity).strip()) <= _LONGEST_QUANTITY else None
    if found is None:
        if len(text) > _LONGEST_QUANTITY and text.lstrip("+-").replace(".", "", 1).isdigit():
            raise InvalidInput(f"A quantity of {len(text)} digits is not a number of devices.")
        return UNKNOWN
    return _counted(found, text)


def _counted(found: re.Match[str], text: str) -> DeviceCount:
    """The parsed quantity as a count; exponents are clamped first, so that 1e999999999 costs nothing."""
    fraction = found["fraction"] or ""
    digits = int((found["whole"] + fraction) or "0")
    if found["sign"] == "-" and digits:
        raise InvalidInput(f"{text} devices: a quantity cannot be negative.")
    exponent = int(found["exponent"] or 0) + _DECIMAL_EXPONENT.get(found["decimal"] or "", 0) - len(fraction)
    exponent = max(-200, min(exponent, 200))
    numerator = digits * _BINARY.get(found["binary"] or "", 1) * 10 ** max(exponent, 0)
    denominator = 10 ** max(-exponent, 0)
    count = ceil_div(numerator, denominator)
    return DeviceCount(_checked(count, text), exact=numerator % denominator == 0)


def _checked(count: int, shown: str) -> int:
    """The count itself, if a workload can have that many devices."""
    if count < 0:
        raise InvalidInput(f"{shown} devices: a quantity cannot be negative.")
    if count > LARGEST_COUNT:
        raise InvalidInput(
            f"{shown} devices is more than any workload has.", hint=f"The largest count is {LARGEST_COUNT:,}."
        )
    return count
