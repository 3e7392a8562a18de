"""What tests of the registry share: customers, people and the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.tier import Tier
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.ports import Stores
from gatekeeper.registry import KycRecord, Registry

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "us-ai-diffusion"
PACKS = (ActivePack(load_pack(bundled_dir() / PACK), Mode.ENFORCE),)


class HandClock:
    """A clock that a test sets by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


def org(id_: str, hq: str, *parents: str, reason: str = "listed company") -> Party:
    return Party(id_, PartyKind.ORG, id_.title(), hq, parents, "" if parents else reason)


def record_of(*parties: Party, customer: str = "lab") -> KycRecord:
    """A customer whose own party is the first of the parties."""
    return KycRecord(customer, parties[0].id, parties)


def enrol(registry: Registry, *parties: Party, customer: str = "lab") -> Customer:
    registry.apply(record_of(*parties, customer=customer), by="ana")
    return registry.approve(customer, by="ben")


def bind(registry: Registry, namespace: str, customer: str = "lab", run: str | None = None) -> None:
    """One person proposes, another approves."""
    registry.bind(namespace, customer, by="ana", run_id=run)
    registry.approve_binding(namespace, by="ben")


def tier(registry: Registry, customer: str = "lab") -> Tier:
    return registry.explain(customer)[PACK].tier


def log(stores: Stores) -> list[dict[str, Any]]:
    return [json.loads(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def log_types(stores: Stores) -> list[str]:
    return [each["type"] for each in log(stores)]


def declare(registry: Registry, run_id: str = "llm", customer: str = "lab", **changes: Any) -> None:
    registry.declare_run(run_id, customer, **{"by": "ana", "title": "A model", **changes})
