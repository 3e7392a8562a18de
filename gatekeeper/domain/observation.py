"""What a public register says about a party: evidence beside the record, never the record itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    def __post_init__(self) -> None:
        checked_lei(self.lei)
        require_utc(self.at)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where a register and our record say different things about a party.

    Attributes:
        code: headquarters, parent, hidden_parent, successor, status or absent.
        recorded, observed: what each of them says, for people.
        taken: the register's word is the stricter one and took effect at once.
    """

    party_id: str
    lei: str
    code: str
    recorded: str
    observed: str
    taken: bool = False

    @property
    def in_words(self) -> str:
        """What disagrees, for people."""
        effect = "; the stricter one took effect" if self.taken else ""
        return f"{self.code.replace('_', ' ')}: recorded {self.recorded}, GLEIF has {self.observed}{effect}"


_TEXTS = ("lei", "legal_name", "headquarters", "jurisdiction", "status", "registration", "updated", "source")
_LISTS = ("parents", "exceptions", "files", "ultimates", "successors")


def observed_json(observed: Observed) -> dict[str, Any]:
    """The entry as JSON values; when it was read stands beside it."""
    return {name: getattr(observed, name) for name in _TEXTS} | {name: list(getattr(observed, name)) for name in _LISTS}


def observed_of(value: Mapping[str, Any], at: datetime) -> Observed:
    """The entry of what `observed_json` wrote.

    Raises:
        InvalidInput: it is none.
    """
    try:
        texts: dict[str, Any] = {name: value[name] for name in _TEXTS}
        # Entries of before 0.2 have neither ultimates nor successors.
        return Observed(**texts | {name: tuple(value.get(name, ())) for name in _LISTS}, at=at)
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"An observation cannot be read: {error}.") from error
