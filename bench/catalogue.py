"""What a look-up in the catalogue of accelerators costs: for names seen before, new ones, and hostile ones."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.catalogue import Catalogue

LOOK_UPS = 100_000
LOOK_UP_MAX_US = 1.0
KEY = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for one look-up, by kind of name; one figure for each round."""

    rounds_us: dict[str, list[float]]

    def median_us(self, kind: str) -> float:
        """The middle of the rounds."""
        found = sorted(self.rounds_us[kind])
        return found[len(found) // 2]


def measure(*, rounds: int) -> Cost:
    """Look names up as often as a fleet of 100,000 devices does in one interval."""
    kinds: dict[str, Callable[[Catalogue], Iterator[str]]] = {
        "known, seen before": _known,
        "part, seen before": lambda _: itertools.repeat("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"),
        "unknown, never the same": lambda _: (f"NVIDIA-H{number}" for number in itertools.count(1_000)),
        "of ten megabytes": lambda _: itertools.repeat("L" * 10_000_000),
    }
    return Cost({kind: [_round_us(names) for _ in range(rounds)] for kind, names in kinds.items()})


def _known(catalogue: Catalogue) -> Iterator[str]:
    chips = [chip for chip in catalogue.accelerators if chip.vendor == "nvidia"]
    return itertools.cycle([name for chip in chips for name in chip.product_names])


def _round_us(names: Callable[[Catalogue], Iterator[str]]) -> float:
    catalogue = load_catalogue()
    asked = list(itertools.islice(names(catalogue), LOOK_UPS))
    began = time.perf_counter()
    for name in asked:
        catalogue.find_or_largest(name, KEY)
    return (time.perf_counter() - began) * 1e6 / LOOK_UPS


def facts(cost: Cost) -> dict[str, object]:
    """The measurement as plain data."""
    return {"catalogue_look_up_us": cost.rounds_us}


def show(cost: Cost, console: Console) -> None:
    """Print the measurement, and whether the goal is reached."""
    table = Table(title=f"Catalogue, {LOOK_UPS:,} look-ups a round")
    table.add_column("name")
    table.add_column("us each", justify="right")
    for kind, rounds in cost.rounds_us.items():
        table.add_row(kind, f"{cost.median_us(kind):.2f} ({min(rounds):.2f}-{max(rounds):.2f})")
    console.print(table)
    reached = cost.median_us("known, seen before") < LOOK_UP_MAX_US
    console.print(f"goal: a look-up below {LOOK_UP_MAX_US:g} us: {'reached' if reached else 'missed'}")
