"""Interests of a graph file: who owns how much of whom, and when."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from gatekeeper.domain.interest import Interest
from gatekeeper.graph_files.place import Place

KEYS = frozenset({"owner", "asset", "share", "share_min", "share_max", "from", "to"})
BESIDE = frozenset({"id", "comment", "note", "source"})


def interests_by_asset(interests: list[Any], parties: Container[str], place: Place) -> dict[str, list[Interest]]:
    """Asset -> interests in it. Two shares of one owner add up.

    Raises:
        InvalidInput: something in them is wrong; the message names the place.
    """
    found: dict[str, list[Interest]] = {}
    for index, each in enumerate(interests):
        here = place / index
        fields = here.fields(each, KEYS, BESIDE)
        owner, asset = here.id(fields, "owner"), here.id(fields, "asset")
        if owner is None or asset is None:
            raise here.wrong("an interest needs an owner and an asset.")
        if asset not in parties:
            raise (here / "asset").wrong(
                f"{asset!r} is no party of the graph.", "Add the party, or the interest's own."
            )
        if owner == asset:
            raise here.wrong(f"{owner!r} cannot own itself.", "Leave treasury shares out.")
        found.setdefault(asset, []).append(_interest(fields, owner, here))
    return found


def _interest(fields: Mapping[str, Any], owner: str, place: Place) -> Interest:
    exact = place.share(fields, "share")
    least, most = place.share(fields, "share_min"), place.share(fields, "share_max")
    if exact is not None and (least, most) != (None, None):
        low, high = least or (0, 0), most or exact
        if not low[0] <= exact[1] or not exact[0] <= high[1]:
            raise (place / "share").wrong("lies outside of share_min and share_max.")
    least, most = (exact, exact) if exact is not None else (least or (0, 0), most)
    begins, ends = place.day(fields, "from"), place.day(fields, "to")
    if begins is not None and ends is not None and ends <= begins:
        when = "on the day it begins" if ends == begins else f"on {ends}, before it begins on {begins}"
        raise (place / "to").wrong(f"the interest ends {when}.")
    if most is not None and most[1] < least[0]:
        raise (place / "share_max").wrong("is smaller than share_min.")
    return Interest(owner, least[0], most[1] if most is not None else None, begins, ends)
