"""Who reads which format into a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gatekeeper.imports.bods import read_bods
from gatekeeper.imports.ftm import read_ftm
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.tables import read_csv, read_jsonl

READERS: Mapping[str, Callable[[Graph, Iterable[Path]], None]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "bods": read_bods,
    "ftm": read_ftm,
}
