"""What GLEIF's files say about some LEIs: entities (LEI2), relationships (RR) and reporting exceptions (REPEX).

Only the entries that were asked for, their parents and their successors are kept. The management of funds is no
ownership and is left out. A row about one of these that cannot be read is an error and never left
out: it may claim an owner. A relationship of a type that nobody here knows counts as a parent. A delta holds what has
changed: the rest of an entry is what was read before, and a row with a time in `DeletedAt` takes back what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gatekeeper.country_files import checked_code, checked_jurisdiction
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lei import checked_lei
from gatekeeper.domain.observation import Observed
from gatekeeper.imports.faults import Faults
from gatekeeper.imports.golden import Tell, sha256_of, wanted_rows

# Owners of owners: nobody stands in a chain of accounting parents as long as this.
CHAIN_MAX = 20
TEXT_CHARACTERS_MAX = 500
REASON_CHARACTERS_MAX = 60
# Who decides in the end: the ultimate parent, and the head office of a branch.
_HEADS = frozenset({"IS_ULTIMATELY_CONSOLIDATED_BY", "IS_INTERNATIONAL_BRANCH_OF"})
# Umbrella and master funds and who manages them (GLEIF RR-CDF 2.1): no parents.
_FUNDS = frozenset({"IS_FUND-MANAGED_BY", "IS_SUBFUND_OF", "IS_FEEDER_TO"})
_CHILD, _PARENT = "Relationship.StartNode.NodeID", "Relationship.EndNode.NodeID"
_TYPE, _STATUS = "Relationship.RelationshipType", "Relationship.RelationshipStatus"
_DELETED = "DeletedAt"
_REPEATED = range(1, 6)
_REASONS = tuple(f"Exception.Reason.{number}" for number in _REPEATED)
_SUCCESSORS = tuple(f"Entity.SuccessorEntity.{number}.SuccessorLEI" for number in _REPEATED)
_REGION = "Entity.HeadquartersAddress.Region"
# Parts of states that others hold (ISO 3166-2; occupied in policies/countries.yaml): judged by themselves.
_PARTS = frozenset({"UA-09", "UA-14", "UA-40", "UA-43", "GE-AB"})
_ENTITY = {
    "legal_name": "Entity.LegalName",
    "headquarters": "Entity.HeadquartersAddress.Country",
    "jurisdiction": "Entity.LegalJurisdiction",
    "status": "Entity.EntityStatus",
    "registration": "Registration.RegistrationStatus",
    "updated": "Registration.LastUpdateDate",
}


@dataclass(frozen=True, slots=True)
class GoldenCopy:
    """GLEIF's files, as CSV or zip.

    Attributes:
        is_delta: they hold what has changed since what was read before, and an entry that is not there is no news.
    """

    lei2: Path
    rr: Path | None = None
    repex: Path | None = None
    is_delta: bool = False

    @property
    def paths(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.lei2, self.rr, self.repex) if path is not None]


@dataclass(slots=True)
class _Entry:
    """What the rows about one LEI say; `gone`: parents and reasons that they take back."""

    parents: set[str] = field(default_factory=set)
    ultimates: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


def read_gleif(
    wanted: Collection[str],
    files: GoldenCopy,
    *,
    at: datetime,
    before: Mapping[str, Observed] | None = None,
    tell: Tell | None = None,
) -> dict[str, Observed]:
    """What the files say about some LEIs and everybody above them.

    Args:
        before: what was said last, for a delta; of a whole golden copy nothing is kept.
        tell: hears how many bytes were read more.

    Raises:
        InvalidInput: a file cannot be read, lacks a column, or says something of one of these LEIs that cannot be
            read; with its name and line.
    """
    known = before if before and files.is_delta else {}
    entries = {each: _Entry() for each in wanted}
    hashes = tuple(sorted(sha256_of(path) for path in files.paths))
    faults = Faults()
    if files.rr is not None:
        _climb(entries, files.rr, faults, tell)
    if files.repex is not None:
        for _, row in wanted_rows(files.repex, "LEI", entries, (_REASONS[0],), tell):
            reasons = {row.get(each, "")[:REASON_CHARACTERS_MAX] for each in _REASONS} - {""}
            told = entries[row["LEI"]]
            (told.gone if row.get(_DELETED) else told.exceptions).update(reasons)
    found = {}
    for row in _entities(files.lei2, entries, faults, tell):
        found[row["LEI"]] = _observed(row, entries[row["LEI"]], known.get(row["LEI"]), hashes, at)
    faults.check()
    for lei, entry in entries.items():
        # A delta may tell a new parent of an entry without repeating the entry.
        if lei in known and lei not in found and (entry.parents or entry.exceptions or entry.gone):
            found[lei] = _related(replace(known[lei], files=hashes, at=at), entry, known[lei])
    return found


def _entities(lei2: Path, entries: dict[str, _Entry], faults: Faults, tell: Tell | None) -> Iterable[Mapping[str, str]]:
    """Rows of the wanted entries, and then of their successors that were not read with them."""
    successors: set[str] = set()
    for number, row in wanted_rows(lei2, "LEI", entries, tuple(_ENTITY.values()), tell):
        named = {each for each in (row.get(column, "") for column in _SUCCESSORS) if each}
        successors.update(filter(_is_lei, named))
        for each in sorted(named - successors):
            faults.add(f"{lei2}:{number}", f"the successor {each!r:.60} of {row['LEI']} is no LEI")
        place = row[_ENTITY["headquarters"]]
        if place and not _country(place):
            faults.add(
                f"{lei2}:{number}", f"the headquarters of {row['LEI']} cannot be read: {place!r:.60} is no country"
            )
        yield row
    missing = successors - entries.keys()
    if missing:
        entries.update({each: _Entry() for each in missing})
        yield from (row for _, row in wanted_rows(lei2, "LEI", missing, tuple(_ENTITY.values()), None))


def _observed(
    row: Mapping[str, str], entry: _Entry, before: Observed | None, files: tuple[str, ...], at: datetime
) -> Observed:
    def text(name: str) -> str:
        return row[_ENTITY[name]][:TEXT_CHARACTERS_MAX]

    region = row.get(_REGION, "")
    successors = {each for each in (row.get(column, "") for column in _SUCCESSORS) if _is_lei(each)} - {row["LEI"]}
    alone = Observed(
        lei=row["LEI"],
        legal_name=text("legal_name"),
        headquarters=region if region in _PARTS else _country(text("headquarters")),
        jurisdiction=_country(text("jurisdiction"), checked_jurisdiction),
        status=text("status"),
        # GLEIF takes an entry out of its files that should never have been one.
        registration="ANNULLED" if row.get(_DELETED) else text("registration"),
        parents=(),
        exceptions=(),
        updated=text("updated"),
        files=files,
        at=at,
        successors=tuple(sorted(successors)),
    )
    return _related(alone, entry, before)


def _related(observed: Observed, entry: _Entry, before: Observed | None) -> Observed:
    """With parents and exceptions: the new ones, and of those of before what was neither taken back nor replaced."""
    parents, ultimates, exceptions = (
        (set(before.parents), set(before.ultimates), set(before.exceptions)) if before else (set(), set(), set())
    )
    if entry.ultimates:
        parents, ultimates = parents - ultimates, set()
    if entry.parents:  # whoever names a parent has no reason any more for naming none
        exceptions = set()
    return replace(
        observed,
        parents=tuple(sorted((parents - entry.gone) | entry.parents)),
        ultimates=tuple(sorted((ultimates - entry.gone) | entry.ultimates)),
        exceptions=tuple(sorted((exceptions - entry.gone) | entry.exceptions)),
    )


def _is_lei(text: str) -> bool:
    try:
        return bool(checked_lei(text))
    except InvalidInput:
        return False


def _country(text: str, checked: Callable[[str], str] = checked_code) -> str:
    """The code, or "" where it is none."""
    try:
        return checked(text)
    except InvalidInput:
        return ""


def _climb(entries: dict[str, _Entry], rr: Path, faults: Faults, tell: Tell | None) -> None:
    """Add the parents of all entries, theirs, and so on: one pass over the file for each step."""
    asked: Collection[str] = set(entries)
    for step in range(CHAIN_MAX):
        above = set()
        for number, row in wanted_rows(rr, _CHILD, asked, (_PARENT, _TYPE, _STATUS), None if step else tell):
            parent, entry = row[_PARENT], entries[row[_CHILD]]
            if row[_TYPE] in _FUNDS:
                continue
            if row.get(_DELETED) or row[_STATUS] not in ("ACTIVE", ""):
                entry.gone.add(parent)
                continue
            if not _is_lei(parent):
                told = f"the parent {parent!r:.60} of {row[_CHILD]} is no LEI: fetch the file again"
                faults.add(f"{rr}:{number}", told)
                continue
            entry.parents.add(parent)
            above.add(parent)
            if row[_TYPE] in _HEADS:
                entry.ultimates.add(parent)
        asked = above - entries.keys()
        if not asked:
            return
        entries.update({each: _Entry() for each in asked})
