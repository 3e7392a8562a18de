"""Where accelerators stand, and how the provider got them: what it promised for them decides what it may allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChipAuthorization(StrEnum):
    """How the provider got the chips of a site: what it promised for them decides what it may allow."""

    US_DOMESTIC = "us_domestic"
    AIA = "aia"
    UVEU = "uveu"
    NVEU = "nveu"
    LICENCE = "licence"
    LPP = "lpp"
    PRE_RULE = "pre_rule"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the accelerators of a cluster stand, and under which authorization they came."""

    country: str = ""
    chip_authorization: ChipAuthorization = ChipAuthorization.UNKNOWN
