"""Recorded pages of exporters, as they would be printed some time later."""

from __future__ import annotations

import re
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"
# Counter -> by how much it grows in a second.
PER_S = {
    "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL": 1_500_000_000,
    "DCGM_FI_PROF_SM_CYCLES_ACTIVE_TOTAL": 1_200_000_000,
    "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL": 600_000_000,
}
_SAMPLE = re.compile(r"(?P<series>(?P<name>\w+)(?:\{.*\})?) (?P<value>\S+)(?P<at> \d+)?")


def recorded(name: str) -> str:
    """A page as it was recorded."""
    return (RECORDED / f"{name}.prom").read_text()


def replayed(page: str, *, seconds: float, now_ms: int) -> str:
    """The same page so much later: counters have grown, and what prints its own time prints now."""
    return "".join(f"{_later(line, seconds, now_ms)}\n" for line in page.splitlines())


def _later(line: str, seconds: float, now_ms: int) -> str:
    found = _SAMPLE.fullmatch(line)
    if found is None:
        return line
    grown = PER_S.get(found["name"])
    value = found["value"] if grown is None else str(int(found["value"]) + round(grown * seconds))
    return f"{found['series']} {value}" + (f" {now_ms}" if found["at"] else "")
