"""Codes of countries in FollowTheMoney, which has its own for parts of states (rigour 2.6, 2026), and ours."""

from __future__ import annotations

from collections.abc import Iterable

_OURS = {
    "ua-cri": "UA-43",
    "ua-dpr": "UA-14",
    "ua-lpr": "UA-09",
    "ge-ab": "GE-AB",
    "x-so": "GE-SO",
    "cy-trnc": "CY-TRNC",
    # Parts in which nothing differs from their state.
    "cn-xz": "CN",
    "gb-nir": "GB",
    "gb-sct": "GB",
    "gb-wls": "GB",
}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items() if "-" in ours}


def territories(codes: Iterable[str]) -> list[str]:
    """Our codes as FollowTheMoney has them; a part for which it has none is left out, which is unknown."""
    return [_THEIRS.get(each, each.lower()) for each in codes if each and ("-" not in each or each in _THEIRS)]


def our_code(territory: str) -> str:
    """Our code of a territory."""
    return _OURS.get(territory.lower(), territory.upper())
