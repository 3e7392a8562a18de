"""Policy packs and parties over HTTP: what tiers rest on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gatekeeper.api.asking import Reading
from gatekeeper.api.shapes import PackShown, PacksShown, PartyShown
from gatekeeper.customer_files.format import party_part
from gatekeeper.domain.errors import NotFound
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter()


@router.get("/packs", response_model=PacksShown, tags=["packs"])
def list_packs(asked: Reading) -> PacksShown:
    """List the policy packs that are loaded, and the mode of each."""
    items = [
        PackShown(
            pack=each.pack.id,
            title=each.pack.title,
            version=each.pack.version,
            mode=each.mode.value,
            legal_status=each.pack.legal_status.value,
            sha256=each.pack.sha256,
            citations=list(each.pack.citations),
        )
        for each in sorted(asked.office.packs, key=lambda each: each.pack.id)
    ]
    return PacksShown(items=items)


@router.get("/parties/{party_id}", response_model=PartyShown, tags=["parties"])
def show_party(party_id: Annotated[str, Path(max_length=63)], asked: Reading) -> PartyShown:
    """Look at a party that is in effect, and whom it owns."""

    def work(_: Registry, reader: Reader) -> PartyShown:
        parties = reader.parties()
        party = parties.get(party_id)
        if party is None:
            raise NotFound(f"There is no party {party_id!r:.80}.", hint="A party enters with an approved record.")
        owns = sorted(each.id for each in parties.values() if party_id in each.owners)
        return PartyShown(party=party_part(party), owns=owns)

    return asked.read(work)
