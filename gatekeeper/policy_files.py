"""Policy packs as files: `policies/<id>/pack.yaml`, and the table of countries beside the packs.

Reading is strict (`yaml_files`), the format is `policy_format`, what a pack means is `gatekeeper.domain.policy`;
what it must answer stands in its suite and samples (`policy_suites`).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from gatekeeper.country_files import COUNTRIES_FILE, bundled_dir, countries_file, parse_countries
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Pack
from gatekeeper.policy_building import PackBuilder, sources_of
from gatekeeper.policy_format import PackFile
from gatekeeper.policy_suites import CaseResult, run_cases
from gatekeeper.yaml_files import Document, content_of, parse, read

__all__ = ["COUNTRIES_FILE", "bundled_dir", "load_pack", "load_packs", "run_suite"]

PACK_FILE = "pack.yaml"
SUITE_FILE = "suite.yaml"
SAMPLES_FOLDER = "samples"


def load_packs(folder: Path) -> tuple[Pack, ...]:
    """All packs of a folder, by id.

    Raises:
        InvalidInput: as for `load_pack`, or there is none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{PACK_FILE}"))
    if not found:
        raise InvalidInput(f"{folder} holds no policy pack.", hint=f"A pack is a folder with a {PACK_FILE}.")
    return tuple(load_pack(path) for path in found)


def load_pack(folder: Path) -> Pack:
    """One pack; `countries.yaml` stands beside its folder, or is the one that comes with the package.

    Its SHA-256 is over the lines "<sha256>  pack.yaml" and "<sha256>  countries.yaml", as sha256sum prints them.

    Raises:
        InvalidInput: one line per error, `file:line:column: message`.
    """
    path = folder / PACK_FILE
    countries = countries_file(folder.parent)
    document, pack = _parsed(content_of(path), str(path), content_of(countries), str(countries))
    if pack.id != folder.resolve().name:
        raise document.error(("id",), f"the pack says that it is {pack.id!r}, its folder is {folder.resolve().name!r}.")
    return pack


def run_suite(folder: Path) -> tuple[CaseResult, ...]:
    """Ask a pack every question of its suite and samples.

    Raises:
        InvalidInput: as for `load_pack`, or a case cannot be read, or there is none.
    """
    if not (folder / SUITE_FILE).is_file():
        raise InvalidInput(f"{folder / SUITE_FILE} is missing.", hint="A pack has a suite: policies/README.md.")
    samples = sorted((folder / SAMPLES_FOLDER).glob("*.yaml"))
    sources = sources_of(read(folder / PACK_FILE).check(PackFile))
    return run_cases(load_pack(folder), sources, read(folder / SUITE_FILE), [read(path) for path in samples])


@lru_cache(maxsize=64)
def _parsed(content: bytes, name: str, countries: bytes, countries_name: str) -> tuple[Document, Pack]:
    """The pack in the bytes of two files, which are read once as long as they stay the same."""
    said, table = parse_countries(countries, name=countries_name)
    document = parse(content, name=name)
    return document, PackBuilder(document, table).pack(_joint_hash(document, said))


def _joint_hash(pack: Document, countries: Document) -> str:
    lines = f"{pack.sha256}  {PACK_FILE}\n{countries.sha256}  {COUNTRIES_FILE}\n"
    return hashlib.sha256(lines.encode()).hexdigest()
