"""`python -m bench`: measure, and print what it costs as ratios. About seven minutes. See bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import batch, catalogue, inspect, releases, screening, settling, telemetry, tiers, webhook
from bench.tools import Missing, file_system, programs

# Goals of the project: no more than four times nginx's CPU, and two hundred durable releases a second.
CPU_RATIO_MAX = 4.0
RELEASES_PER_S_MIN = 200.0


def main() -> int:
    """The command line: 0 measured, 1 what was measured answers wrongly, 2 a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What deciding, counting and reading cost.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are kept (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load for each server in a round (default 2)")
    parser.add_argument("--customers", type=int, default=1_000, help="of the provider (default 1000, at least 2)")
    parser.add_argument("--devices", type=int, default=1_000_000, help="of the largest fleet (default 1000000)")
    parser.add_argument("--batch", type=int, default=10_000, help="customers applied at once (default 10000)")
    parser.add_argument("--folder", type=Path, default=Path("out"), help="where databases are written (default ./out)")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    chosen = parser.parse_args()
    try:
        found = programs()
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder.resolve()) as name:
        folder = Path(name)
        plan = {"rounds": chosen.rounds, "seconds": chosen.seconds, "customers": chosen.customers}
        try:
            load = webhook.measure(
                found, folder, rounds=chosen.rounds, seconds=chosen.seconds, customers=chosen.customers
            )
        except webhook.Broken as error:
            print(error, file=sys.stderr)
            return 1
        durable = releases.measure(folder, **{**plan, "seconds": chosen.seconds / 2})
        settled = settling.measure(folder, rounds=chosen.rounds)
        read = inspect.measure(folder, rounds=chosen.rounds)
        found_chips = catalogue.measure(rounds=chosen.rounds)
        resolved = tiers.measure(rounds=chosen.rounds)
        screened = screening.measure()
        batched = batch.measure(folder, customers=chosen.batch)
        facts = {"customers": chosen.customers, **_facts(load, durable, file_system(folder)), **inspect.facts(read)}
        counted = telemetry.measure(folder, sizes=telemetry.up_to(chosen.devices))
        facts |= (
            telemetry.facts(counted) | catalogue.facts(found_chips) | settling.facts(settled) | tiers.facts(resolved)
        )
        facts |= screening.facts(screened) | batch.facts(batched)
    if chosen.output == "json":
        print(json.dumps(facts, indent=2))
    else:
        _print(load, durable, facts)
        settling.show(settled, Console())
        inspect.show(read, Console())
        telemetry.show(counted, Console())
        catalogue.show(found_chips, Console())
        tiers.show(resolved, Console())
        screening.show(screened, Console())
        batch.show(batched, Console())
    return 0


def _facts(load: webhook.WebhookResult, durable: releases.ReleaseResult, disk: str) -> dict[str, object]:
    return {
        "machine": f"{len(os.sched_getaffinity(0))} CPUs, load {os.getloadavg()[0]:.1f}, {disk}, "
        f"Python {platform.python_version()}",
        "review_bytes": load.review_bytes,
        "webhook": {name: [vars_of(each) for each in rounds] for name, rounds in load.rounds.items()},
        "appends_per_s": durable.appends,
        "releases_per_s": durable.releases,
    }


def vars_of(load: webhook.Load) -> dict[str, float]:
    """One round as plain numbers."""
    return {"cpu_us": load.cpu_us, "per_s": load.per_s, "p50_us": load.p50_us}


def _print(load: webhook.WebhookResult, durable: releases.ReleaseResult, facts: dict[str, object]) -> None:
    console = Console()
    console.print(
        f"{facts['machine']}, {facts['customers']} customers; medians, and the span over the rounds in brackets"
    )
    table = Table(title=f"One review of {load.review_bytes:,} bytes over HTTPS, {webhook.CONNECTIONS} connections")
    for column in ("server", "CPU us", "against nginx", "reviews/s", "p50 us"):
        table.add_column(column, justify="left" if column == "server" else "right")
    for name in load.rounds:
        one = load.median(name)
        ratio = "1" if name == "nginx" else _span(load.ratios(name))
        table.add_row(name, f"{one.cpu_us:.0f}", ratio, f"{one.per_s:,.0f}", f"{one.p50_us:,}")
    console.print(table)
    table = Table(title="Durable releases on SQLite (WAL, FULL)")
    for column in ("in flight", "releases/s", "for each raw append"):
        table.add_column(column, justify="right")
    table.add_row("raw append + fdatasync", _span(durable.appends, digits=0), "1")
    for in_flight, found in durable.releases.items():
        table.add_row(str(in_flight), _span(found, digits=0), _span(durable.ratios(in_flight)))
    console.print(table)
    best = max(durable.median(each) for each in durable.releases)
    cheap = _median(load.ratios("webhook, allowed")) <= CPU_RATIO_MAX
    console.print(f"goal: CPU at most {CPU_RATIO_MAX:g}x nginx: {_met(cheap)}")
    console.print(f"goal: at least {RELEASES_PER_S_MIN:g} durable releases/s: {_met(best >= RELEASES_PER_S_MIN)}")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _span(values: list[float], *, digits: int = 2) -> str:
    return f"{_median(values):,.{digits}f} [{min(values):,.{digits}f}-{max(values):,.{digits}f}]".replace("[", r"\[")


def _met(reached: bool) -> str:
    return "reached" if reached else "missed"


if __name__ == "__main__":
    sys.exit(main())
