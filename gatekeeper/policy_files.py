"""Policy packs as files: `policies/<id>/pack.yaml`, and the table of countries beside the packs.

Reading is strict (`yaml_files`), the format is `policy_format`, what a pack means is `gatekeeper.domain.policy`;
what it must answer stands in its suite and samples (`policy_suites`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import LeaseTerms, Pack, Rule, Threshold
from gatekeeper.domain.tier import Tier, TierRow, TierTable
from gatekeeper.domain.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE, parse_flop
from gatekeeper.policy_format import CountriesFile, PackFile, RulePart, TierRowPart
from gatekeeper.policy_suites import CaseResult, run_cases
from gatekeeper.yaml_files import Document, Place, read

PACK_FILE = "pack.yaml"
SUITE_FILE = "suite.yaml"
SAMPLES_FOLDER = "samples"
COUNTRIES_FILE = "countries.yaml"


def bundled_dir() -> Path:
    """The packs that come with the package: beside the sources, or inside the installed wheel."""
    here = Path(__file__).resolve().parent
    installed = here / "_bundled" / "policies"
    return installed if installed.is_dir() else here.parent / "policies"


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
    beside = folder.parent / COUNTRIES_FILE
    countries = read(beside if beside.exists() else bundled_dir() / COUNTRIES_FILE)
    document = read(folder / PACK_FILE)
    codes = frozenset(countries.check(CountriesFile).countries)
    pack = _Builder(document, codes).pack(_joint_hash(document, countries))
    if pack.id != folder.resolve().name:
        raise document.error(("id",), f"the pack says that it is {pack.id!r}, its folder is {folder.resolve().name!r}.")
    return pack


def run_suite(folder: Path) -> tuple[CaseResult, ...]:
    """Ask a pack every question of its suite and samples.

    Raises:
        InvalidInput: as for `load_pack`, or a case cannot be read, or there is none.
    """
    samples = sorted((folder / SAMPLES_FOLDER).glob("*.yaml"))
    return run_cases(load_pack(folder), read(folder / SUITE_FILE), [read(path) for path in samples])


class _Builder:
    """Turns a pack.yaml into the values of the domain; every refusal of the domain gets its place in the file."""

    def __init__(self, document: Document, countries: frozenset[str]) -> None:
        self._document = document
        self._countries = countries
        self._file = document.check(PackFile)
        self._sources = {each.id: f"{each.document} ({each.date})" for each in self._file.citations}

    def pack(self, sha256: str) -> Pack:
        file = self._file
        self._once(((each.id, ("citations", index)) for index, each in enumerate(file.citations)), "citation")
        self._once(((each.code, ("rules", index)) for index, each in enumerate(file.rules)), "rule")
        tiers, threshold, lease = self._tiers(), self._threshold(), self._lease()
        rules = tuple(self._rule(each, ("rules", index)) for index, each in enumerate(file.rules))
        with self._document.at():
            return Pack(
                id=file.id,
                version=file.version,
                title=file.title,
                legal_status=file.legal_status,
                default_mode=file.default_mode,
                tiers=tiers,
                threshold=threshold,
                rules=rules,
                lease=lease,
                warn_percent=file.warn_percent,
                remedy=file.remedy,
                citations=tuple(f"{each.document} ({each.date}): {each.says}" for each in file.citations),
                sha256=sha256,
            )

    def _tiers(self) -> TierTable:
        rows: dict[str, list[TierRow]] = {}
        for index, part in enumerate(self._file.tiers.rows):
            place: Place = ("tiers", "rows", index)
            self._once(((code, (*place, "countries")) for code in part.countries), "country")
            for position, code in enumerate(part.countries):
                self._known(code, (*place, "countries", position))
                rows.setdefault(code, []).append(self._tier_row(part, code, place))
        with self._document.at("tiers"):
            by_country = {code: tuple(each) for code, each in rows.items()}
            return TierTable(by_country, Tier(self._file.tiers.otherwise), self._countries)

    def _tier_row(self, part: TierRowPart, code: str, place: Place) -> TierRow:
        source = self._source(part.source, place)
        with self._document.at(*place):
            return TierRow(code, Tier(part.tier), part.effective_from, part.effective_to, source)

    def _threshold(self) -> Threshold:
        part = self._file.threshold
        source = self._source(part.source, ("threshold",))
        floor_tflop = 0
        if part.floor is not None:
            self._source(part.floor.source, ("threshold", "floor"))
            with self._document.at("threshold", "floor", "amount"):
                floor_tflop = parse_flop(part.floor.amount)
        with self._document.at("threshold", "amount"):
            return Threshold(parse_flop(part.amount), floor_tflop, part.controlled_when == "reached", source)

    def _rule(self, part: RulePart, place: Place) -> Rule:
        countries = part.data_centre_countries
        for position, code in enumerate(countries or ()):
            self._known(code, (*place, "data_centre_countries", position))
        return Rule(
            tiers=frozenset(Tier(each) for each in part.tiers),
            action=part.action,
            code=part.code,
            text=part.text,
            source=self._source(part.source, place),
            authorizations=None if part.chip_authorizations is None else frozenset(part.chip_authorizations),
            countries=None if countries is None else frozenset(countries),
        )

    def _lease(self) -> LeaseTerms:
        part = self._file.lease
        with self._document.at("lease"):
            return LeaseTerms(_seconds(part.shortest), _seconds(part.longest), part.share_percent)

    def _source(self, citation: str, place: Place) -> str:
        if citation not in self._sources:
            raise self._document.error((*place, "source"), f"{citation!r} is the id of no citation of this pack.")
        return self._sources[citation]

    def _known(self, code: str, place: Place) -> None:
        if code not in self._countries:
            raise self._document.error(place, f"{code!r} is no code of {COUNTRIES_FILE}.")

    def _once(self, names: Iterable[tuple[str, Place]], what: str) -> None:
        seen: set[str] = set()
        for name, place in names:
            if name in seen:
                raise self._document.error(place, f"{what} {name!r} stands twice.")
            seen.add(name)


def _joint_hash(pack: Document, countries: Document) -> str:
    lines = f"{pack.sha256}  {PACK_FILE}\n{countries.sha256}  {COUNTRIES_FILE}\n"
    return hashlib.sha256(lines.encode()).hexdigest()


def _seconds(span: str) -> int:
    unit_s = {"s": 1, "m": SECONDS_PER_MINUTE, "h": SECONDS_PER_HOUR, "d": SECONDS_PER_DAY}
    return int(span[:-1]) * unit_s[span[-1]]
