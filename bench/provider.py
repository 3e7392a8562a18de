"""A provider for measurements: real pack, catalogue, gate and database; one of its customers is at its limit."""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, Mode, Site
from gatekeeper.domain.run import undeclared_run_id
from gatekeeper.domain.usage import Usage
from gatekeeper.gate import Gate
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.ports import Stores, Transaction
from gatekeeper.view import Provider
from gatekeeper.wiring import SystemClock

CLUSTER = "bench"
BUDGETED, SPENT = "lab", "spent"  # namespaces
SPENT_TFLOP = 10**14 - 1


def make_gate(stores: Stores, *, customers: int) -> Gate:
    """The gate over a fleet of H100, with the pack of the diffusion rule enforced, and that many customers."""
    clock = SystemClock()
    stores.transact(lambda tx: _enrol(tx, clock.now(), customers))
    fleet = Fleet.of(load_catalogue(), [NodeOffer("node-1", "nvidia.com/gpu", "NVIDIA-H100-80GB-HBM3", 8)])
    pack = ActivePack(load_pack(bundled_dir() / "us-ai-diffusion"), Mode.ENFORCE)
    site = Site()  # of a place that nobody named, the end of a budget refuses; elsewhere it may ask
    return Gate(stores, Provider(CLUSTER, site, (pack,), lambda: fleet, grace_s=120), clock)


def _enrol(tx: Transaction, now: datetime, customers: int) -> None:
    """Customers of a country on no list: all have a budget, and one has used it up."""
    for name in (BUDGETED, SPENT, *(f"other-{index}" for index in range(customers - 2))):
        party = Party(f"{name}-party", PartyKind.ORG, f"{name} Ltd", "IN", no_parent_reason="natural persons only")
        tx.put_party(party)
        tx.put_customer(
            Customer(
                name,
                party.id,
                Standing.APPROVED,
                prepared_by="ana",
                approved_by="ben",
                expires_at=now + timedelta(days=30),
            )
        )
        tx.put_binding(Binding(CLUSTER, name, name))
    tx.put_account(Account(undeclared_run_id(SPENT), settled=Usage(0, 0, SPENT_TFLOP)))
