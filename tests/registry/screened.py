"""What tests of screening share: a list, a party with a name, and what people do with a hit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import Listing, Party
from gatekeeper.domain.screening import Hit
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from tests.registry.office import org, record_of

ENTRY = ListEntry("csl", "Entity List", "77", ("Korvet Dynamics Zavod", "Korvet Works"), begins=date(2024, 5, 1))
OTHER = ListEntry("csl", "Entity List", "78", ("Zarya Rocket Fuel Plant",))


def named(name: str, id_: str = "korvet", hq: str = "US") -> Party:
    return replace(org(id_, hq), legal_name=name)


def renamed(registry: Registry, party: Party) -> None:
    """One person applies it; where something of it waits, another approves."""
    registry.apply(record_of(party), by="ana")
    if registry.review("lab").proposed is not None:
        registry.approve("lab", by="ben")


def loaded(registry: Registry, *entries: ListEntry, by: str = "pia") -> list[Hit]:
    new = NewList("csl", "ab" * 32, date(2026, 11, 20), entries)
    return list(registry.load_list(new, by=by, force="made for a test").hits)


def the_hit(registry: Registry) -> Hit:
    (hit,) = registry.hits()
    return hit


def listed(stores: Stores, party: str = "korvet") -> tuple[Listing, ...]:
    return stores.read(lambda reader: reader.parties()[party].listings)


def cleared(registry: Registry, hit: Hit) -> None:
    registry.judge(hit.id, true_match=False, reason="another company", by="ana")
    registry.confirm(hit.id, by="ben")
