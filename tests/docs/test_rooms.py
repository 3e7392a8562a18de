"""The rooms: every module stands in the import contracts and in docs/architecture.md, and every dependency is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SHIPPED = ("gatekeeper", "admission")
# Distributions whose modules have another name, and those that uvicorn loads by name (admission/server.py).
IMPORTED_AS = {"pyyaml": "yaml"}
LOADED_BY_NAME = {"httptools", "uvloop"}


def rooms() -> set[str]:
    """Modules and packages directly below gatekeeper, as in gatekeeper/gate.py."""
    below = [
        *(ROOT / "gatekeeper").glob("*.py"),
        *(each.parent for each in (ROOT / "gatekeeper").glob("*/__init__.py")),
    ]
    return {each.stem for each in below} - {"__init__"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def imported(path: Path) -> Iterator[str]:
    """First names of what a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_every_room_stands_in_the_order_of_imports() -> None:
    contract = next(each for each in PROJECT["tool"]["importlinter"]["contracts"] if "admission" in each["layers"])
    ordered = {name for layer in contract["layers"] for name in layer.split(" | ")}
    assert ordered == {"admission", *(f"gatekeeper.{each}" for each in rooms())}


def test_every_room_is_told_on_the_page_of_rooms() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    told = {name.removesuffix(".py") for name in re.findall(r"`(?:gatekeeper/)?([a-z_0-9]+(?:\.py|(?=/`)))", table)}
    assert rooms() <= told


def test_the_domain_asks_no_clock() -> None:
    asked = re.compile(r"\.(now|utcnow|today|time|monotonic)\(\)")
    assert [path.name for path in sources("gatekeeper/domain") if asked.search(path.read_text("utf-8"))] == []


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    declared = {re.split(r"[<>=!~;\[ ]", each, maxsplit=1)[0] for each in PROJECT["project"]["dependencies"]}
    names = {IMPORTED_AS.get(each, each.replace("-", "_")) for each in declared}
    used = {name for path in sources(*SHIPPED) for name in imported(path)} - sys.stdlib_module_names - {*SHIPPED}
    assert used | LOADED_BY_NAME == names
