"""What a public register says about a party: evidence beside the record, never the record itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lei import checked_lei
from gatekeeper.domain.units import require_utc

GLEIF = "gleif"
# A parent exists, and is not told (GLEIF reporting exceptions; the last five are the older names of NON_PUBLIC).
HIDDEN = frozenset(
    {
        "NO_LEI",
        "NON_PUBLIC",
        "BINDING_LEGAL_COMMITMENTS",
        "LEGAL_OBSTACLES",
        "CONSENT_NOT_OBTAINED",
        "DETRIMENT_NOT_EXCLUDED",
        "DISCLOSURE_DETRIMENTAL",
    }
)
# An entry in one of these is looked after by nobody, or is no longer about a living entity.
STALE = frozenset({"LAPSED", "MERGED", "RETIRED", "ANNULLED", "CANCELLED", "DUPLICATE"})
# So many words that were overwritten are kept of one entry.
OVERWRITTEN_MAX = 40


@dataclass(frozen=True, slots=True)
class Observed:
    """One entry of a register, as it was read.

    Attributes:
        headquarters, jurisdiction: country codes, "" where the register has none.
        status: of the entity (ACTIVE...); registration: of the entry (ISSUED, LAPSED...).
        parents: LEIs of the direct and the ultimate accounting parent, and of the head office of a branch.
        ultimates: those of the parents that decide in the end: the ultimate one, and the head office of a branch.
        successors: LEIs that the register names in place of this one.
        exceptions: why no parent is told.
        updated: when the entry was last changed, as the register writes it.
        files: SHA-256 of the files that this was read from; at: when.
        overwritten: what was read before and said otherwise, oldest first.
    """

    lei: str
    legal_name: str
    headquarters: str
    jurisdiction: str
    status: str
    registration: str
    parents: tuple[str, ...]
    exceptions: tuple[str, ...]
    updated: str
    files: tuple[str, ...]
    at: datetime
    source: str = GLEIF
    ultimates: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
    overwritten: tuple[Overwritten, ...] = ()

    def __post_init__(self) -> None:
        checked_lei(self.lei)
        require_utc(self.at)

    def after(self, last: Observed | None, by: str, now: datetime) -> Observed:
        """The entry with what it overwrites: who imports a file may have written it, and only what was read before
        tells."""
        if last is None:
            return replace(self, overwritten=())
        known = last.overwritten
        if last.claims != self.claims:
            others = (each for each in known if each.word.claims != last.claims)
            known = (*others, Overwritten(replace(last, overwritten=()), by, now))
        # Of very many the first and the last: a name that is written over so often is seen by that alone.
        half = OVERWRITTEN_MAX // 2
        return replace(self, overwritten=known if len(known) <= OVERWRITTEN_MAX else (*known[:half], *known[-half:]))

    @property
    def claims(self) -> tuple[object, ...]:
        """All of it that a record can disagree with."""
        lists = (self.parents, self.ultimates, self.successors, set(self.exceptions) & HIDDEN)
        return self.headquarters, self.status, self.registration, *(frozenset(each) for each in lists)


@dataclass(frozen=True, slots=True)
class Overwritten:
    """A word of a register in whose place another one was put: by whom, and when."""

    word: Observed
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where a register and our record say different things about a party.

    Attributes:
        code: headquarters, parent, hidden_parent, successor, status or absent.
        recorded, observed: what each of them says, for people.
        taken: the register's word is the stricter one and took effect at once.
        overwritten_by, overwritten_at: who imported another word since, and when; "" where it is the last one.
    """

    party_id: str
    lei: str
    code: str
    recorded: str
    observed: str
    taken: bool = False
    overwritten_by: str = ""
    overwritten_at: datetime | None = None

    @property
    def in_words(self) -> str:
        """What disagrees, for people."""
        effect = "; the stricter one took effect" if self.taken else ""
        told = f"{self.code.replace('_', ' ')}: recorded {self.recorded}, GLEIF"
        if self.overwritten_at is None:
            return f"{told} has {self.observed}{effect}"
        when = _written(self.overwritten_at)
        return f"{told} had {self.observed} until {self.overwritten_by} imported otherwise at {when}"


_TEXTS = ("lei", "legal_name", "headquarters", "jurisdiction", "status", "registration", "updated", "source")
_LISTS = ("parents", "exceptions", "files", "ultimates", "successors")


def observed_json(observed: Observed) -> dict[str, Any]:
    """The entry as JSON values; when it was read stands beside it."""
    told = {name: getattr(observed, name) for name in _TEXTS} | {name: list(getattr(observed, name)) for name in _LISTS}
    before = [
        {"word": observed_json(each.word), "read_at": _written(each.word.at), "by": each.by, "at": _written(each.at)}
        for each in observed.overwritten
    ]
    return told | ({"overwritten": before} if before else {})


def observed_of(value: Mapping[str, Any], at: datetime) -> Observed:
    """The entry of what `observed_json` wrote.

    Raises:
        InvalidInput: it is none.
    """
    try:
        texts: dict[str, Any] = {name: value[name] for name in _TEXTS}
        before = tuple(
            Overwritten(observed_of(each["word"], _read(each["read_at"])), each["by"], _read(each["at"]))
            for each in value.get("overwritten", ())
        )
        # Entries of before 0.2 have neither ultimates nor successors.
        lists: dict[str, Any] = {name: tuple(value.get(name, ())) for name in _LISTS}
        return Observed(**texts | lists, at=at, overwritten=before)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"An observation cannot be read: {error}.") from error


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
