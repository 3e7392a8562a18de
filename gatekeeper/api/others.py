"""Policy packs and parties over HTTP: what tiers rest on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from gatekeeper.api.asking import Reading, Writing
from gatekeeper.api.graphs import findings
from gatekeeper.api.shapes import GraphFinding, GraphReason, PackShown, PacksShown, PartyShown
from gatekeeper.customer_files.format import party_part
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.tier import TierFinding
from gatekeeper.graph_files import graph_of
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


@router.post(
    "/tiers/resolve",
    response_model=dict[str, GraphFinding],
    tags=["tiers"],
    openapi_extra={"x-body": "Graph"},
)
def resolve_tiers(
    asked: Writing,
    as_of: Annotated[date | None, Query(description="A day; left out: today (UTC).")] = None,
    pack: Annotated[str, Query(max_length=63, description="Whose table of countries.")] = "us-ai-diffusion",
    party: Annotated[str | None, Query(max_length=200, description="Only this party.")] = None,
) -> dict[str, GraphFinding]:
    """Resolve the tiers of an ownership graph that has nothing to do with the registry: the JSON of
    `gatekeeper tier resolve`, and its answer. Nothing is stored. A request may cost about a second: of more than 2,000
    parties only one is told, and graphs with large circles of owners are for the command line."""
    active = next((each.pack for each in asked.office.packs if each.pack.id == pack), None)
    if active is None:
        raise NotFound(f"There is no policy pack {pack!r:.80}.", hint="GET /v1/packs lists them.")
    parties = graph_of(asked.content, "the body")
    if party is not None and party not in parties:
        raise NotFound(f"The graph has no party {party!r:.80}.")
    wanted = list(parties) if party is None else [party]
    day = as_of or asked.office.clock.now().date()
    return {each: _found(finding) for each, finding in findings(parties, wanted, active.tiers, day).items()}


def _found(finding: TierFinding) -> GraphFinding:
    tier = int(finding.tier.value) if finding.tier.value.isdigit() else finding.tier.value
    reasons = [GraphReason(code=each.code, path=list(each.path), text=each.text) for each in finding.reasons]
    return GraphFinding(tier=tier, reasons=reasons)


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
