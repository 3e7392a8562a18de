"""Customers for round trips through the formats of others."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from hypothesis import strategies as st

from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Listing, Party, PartyKind
from gatekeeper.imports.graph import Graph
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import owners_of
from tests.leis import with_check_digits

IDS = ["lab", "fund", "ana", "state.xx", "group-1"]
LETTERS = st.characters(whitelist_categories=["Lu", "Ll", "Lo", "Nd", "Pd", "Po", "Sm"], blacklist_characters="\x00")
NAMES = st.text(LETTERS, min_size=1, max_size=20).filter(lambda name: name.strip() == name)
COUNTRIES = st.sampled_from(["", "US", "DE", "UA-43", "CN"])
LEIS = st.just("") | st.text(string.digits + "ABC", min_size=18, max_size=18).map(with_check_digits)
PERCENT = 1_000_000


@st.composite
def interests(draw: st.DrawFn, owner: str) -> Interest:
    least = draw(st.integers(0, 20 * PERCENT))
    most = draw(st.sampled_from([None, least, 100 * PERCENT, least + 1]))
    begins = draw(st.none() | st.dates(date(2015, 1, 1), date(2020, 1, 1)))
    ends = draw(st.none() | st.dates(date(2021, 1, 1), date(2030, 1, 1)))
    return Interest(owner, least, most, begins, ends)


@st.composite
def records(draw: st.DrawFn, *, plain: bool = False) -> KycRecord:
    """A customer and its owners; `plain` without what only our own formats can say."""
    parties = {}
    for id_ in IDS:
        kind = PartyKind.PERSON if id_ == "ana" else PartyKind.STATE if id_ == "state.xx" else PartyKind.ORG
        others = [each for each in IDS if each != id_]
        is_org = kind is PartyKind.ORG
        owners = draw(st.sets(st.sampled_from(others), max_size=2)) if is_org else set()
        parents = tuple(sorted(draw(st.sets(st.sampled_from(others), max_size=2)))) if is_org else ()
        reason = draw(st.sampled_from(["", "=listed", "held | by all"])) if not (parents or plain) else ""
        listings = (
            () if plain else draw(st.sampled_from([(), (Listing("us-sdn", date(2024, 2, 1)), Listing("x-list"))]))
        )
        parties[id_] = Party(
            id=id_,
            kind=kind,
            legal_name=draw(NAMES),
            headquarters=draw(COUNTRIES),
            parents=parents,
            no_parent_reason=reason,
            interests=tuple(draw(interests(each)) for each in sorted(owners)),
            listings=listings,
            nationalities=tuple(sorted(draw(st.sets(COUNTRIES.filter(bool), max_size=2)))) if id_ == "ana" else (),
            other_names=tuple(sorted(draw(st.sets(NAMES, max_size=2)))),
            lei=draw(LEIS) if is_org else "",
            jurisdiction=draw(COUNTRIES) if is_org else "",
        )
    return KycRecord("account", "lab", tuple(owners_of(parties, "lab").values()))


def read(reader: Callable[[Graph, Iterable[Path]], None], *files: Path, customer: str = "") -> Graph:
    graph = Graph()
    reader(graph, files)
    if customer:
        graph.customer("test", "account", customer)
    return graph
