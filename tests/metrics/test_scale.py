"""A scrape of a large installation: what it costs, and that the number of series has an end."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.cluster.sight import Waits
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.usage import Usage
from gatekeeper.ports import Transaction
from tests.metering import make_reservation
from tests.metrics.stage import NOW, Seen, Stage, opened, pod

MANY = 10_000


def fill(tx: Transaction) -> None:
    """Ten thousand customers with a run and an open reservation each."""
    for number in range(MANY):
        name = f"c{number}"
        tx.put_party(Party(name, PartyKind.ORG, name, "IN", (), "x"))
        tx.put_customer(Customer(name, name, Standing.APPROVED, "ana", 2, "ben", NOW + timedelta(days=90)))
        tx.put_account(Account(f"undeclared.{name}", 0, Usage(0, number, number * 2), 7))
        tx.put_reservation(make_reservation(f"pod-{number}"))


@pytest.mark.slow
def test_a_scrape_at_ten_thousand_runs_costs_less_than_a_second_of_one_core(tmp_path: Path) -> None:
    with opened(tmp_path) as stores:
        stage = Stage(stores)
        stores.transact(fill)
        gated = [pod(f"gated-{number}") for number in range(MANY)]
        running = [pod(f"pod-{number}", gates=(), started_s=60, deadline_s=3_600) for number in range(MANY)]
        seen = Seen(pods=[*gated, *running], waits={each.uid: Waits.HELD for each in gated}).sight()
        stage.exporter.follow(lambda: seen)
        stage.exporter.page()  # the first one reads who is who; later ones only what changed
        costs_s = []
        for _ in range(3):
            began_at = time.process_time()
            page = stage.exporter.page()
            costs_s.append(time.process_time() - began_at)
    print(f"scrape at {MANY} runs, reservations, gated and running pods: {min(costs_s):.3f} s, {len(page)} bytes")
    assert b"compute_gatekeeper_up_to_date 1.0" in page
    assert b"compute_gatekeeper_runs_left_out 9500.0" in page
    assert min(costs_s) < 1
    assert page.count(b"\n") < 6_000
