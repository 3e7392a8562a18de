"""Who was the first hand stands in records twice: in its own, and in that of the second. The verifier holds one to the
other, as it asks of the names in the second whether both hands are one person's."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.record import Record, decode, encode
from gatekeeper.domain.two_hands import first_hands
from gatekeeper.registry import Registry
from gatekeeper.verify import verify_totals_and_tiers
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock
from tests.registry.test_logins import WAYS, Way, ready
from tests.verify.books import KEY, export_of

ANA, BEN = (Caller(name, Method.OIDC, frozenset(Role)) for name in ("ana#s-1", "ben#s-2"))


def instead(told: Any, name: str, other: str) -> Any:
    """What is told, with another name wherever one stands."""
    if isinstance(told, dict):
        return {key: instead(each, name, other) for key, each in told.items()}
    if isinstance(told, list | tuple):
        return [instead(each, name, other) for each in told]
    return other if told == name else told


def problems(records: list[Record]) -> list[str]:
    report = verify_totals_and_tiers(BytesIO(export_of([encode(each) for each in records])), KEY)
    return [str(each) for each in report.problems]


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_another_name_in_place_of_the_first_hand_is_found(tmp_path: Path, way: Way) -> None:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        ready(registry, way)
        way.ask(registry, ANA)
        way.approve(registry, BEN)
        records = [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]
    assert problems(records) == []
    at = max(at for at, each in enumerate(records) if ANA.name in first_hands(each))
    records[at] = replace(records[at], facts=instead(dict(records[at].facts), ANA.name, "zoe"))
    assert problems(records)
