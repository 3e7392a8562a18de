"""Restrictive lists: their entries as their publishers have them, versions of a list, and what a new one changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.record import JsonValue, canonical_json

ENTRY_NAMES_MAX = 500
TEXT_CHARACTERS_MAX = 1_000
# No publisher's list: names that could not be compared with any (`screening.unscreened_hit`).
UNSCREENED = "unscreened"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One entry of a list as its publisher has it.

    Attributes:
        list: id that the operator gave the list; source: the publisher's own name of it ("Entity List").
        number: the publisher's number within the source; "" for none.
        names: the name it stands under, then all others.
        begins, ends: from when on it holds, and without which day; None: not said.
    """

    list: str
    source: str
    number: str
    names: tuple[str, ...]
    kind: str = ""
    countries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    begins: date | None = None
    ends: date | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.list, "list")
        if not self.names or len(self.names) > ENTRY_NAMES_MAX:
            raise InvalidInput(f"An entry has 1 to {ENTRY_NAMES_MAX} names.")
        for text in (*self.names, self.source, self.number, self.kind, *self.countries, *self.programs):
            if len(text) > TEXT_CHARACTERS_MAX:
                raise InvalidInput(f"A text of an entry has more than {TEXT_CHARACTERS_MAX} characters.")
        if not all(name.strip() for name in self.names):
            raise InvalidInput("A name of an entry is empty.")

    @property
    def sha256(self) -> str:
        """Of all that it says, in hex."""
        return hashlib.sha256(canonical_json(entry_json(self))).hexdigest()

    @property
    def key(self) -> str:
        """What stays the same when the publisher changes it; numbers are not unique across sources."""
        return f"{self.source} {self.number}" if self.number else f"{self.source} {self.names[0]}"

    def ended_by(self, day: date) -> bool:
        """Whether it holds no longer on that day. One that has yet to begin is screened already."""
        return self.ends is not None and self.ends <= day


def entry_json(entry: ListEntry) -> dict[str, JsonValue]:
    """The entry as JSON values; what is not said is left out."""
    found: dict[str, JsonValue] = {
        "list": entry.list,
        "source": entry.source,
        "number": entry.number,
        "names": list(entry.names),
        "kind": entry.kind,
        "countries": list(entry.countries),
        "programs": list(entry.programs),
        "from": entry.begins.isoformat() if entry.begins else "",
        "to": entry.ends.isoformat() if entry.ends else "",
    }
    return {name: value for name, value in found.items() if value}


def entry_of(fields: Mapping[str, object]) -> ListEntry:
    """The entry of what `entry_json` made."""

    def texts(name: str) -> tuple[str, ...]:
        values = fields.get(name, ())
        return tuple(map(str, values)) if isinstance(values, list | tuple) else ()

    def day(name: str) -> date | None:
        return date.fromisoformat(str(fields[name])) if name in fields else None

    return ListEntry(
        list=str(fields["list"]),
        source=str(fields.get("source", "")),
        number=str(fields.get("number", "")),
        names=texts("names"),
        kind=str(fields.get("kind", "")),
        countries=texts("countries"),
        programs=texts("programs"),
        begins=day("from"),
        ends=day("to"),
    )


def entries_sha256(entries: Iterable[ListEntry]) -> str:
    """Hash over all that a list says, in whatever order: SHA-256 over the sorted hashes of its entries, each once."""
    hashes = sorted({each.sha256 for each in entries})
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A list as it was loaded last.

    Attributes:
        sha256: of the file; published_on: what its publisher says, or the person who loads it.
        matcher: version of the comparison that all parties were last screened with.
    """

    id: str
    sha256: str
    published_on: date
    entries: int
    matcher: int
    loaded_by: str

    def __post_init__(self) -> None:
        checked_identifier(self.id, "list")
        if self.id == UNSCREENED:
            raise InvalidInput(
                f"{UNSCREENED!r} is the list of names that no list was compared with.", hint="Take another id."
            )


@dataclass(frozen=True, slots=True)
class ListDiff:
    """What loading a list changes, by the keys of entries."""

    added: tuple[ListEntry, ...]
    removed: tuple[ListEntry, ...]
    changed: tuple[tuple[ListEntry, ListEntry], ...]

    @classmethod
    def between(cls, before: Iterable[ListEntry], after: Iterable[ListEntry]) -> ListDiff:
        """Compare two versions. Entries that share a key are told apart by their hashes."""
        old, new = _by_hash(before), _by_hash(after)
        gone = _by_key(each for sha256, each in old.items() if sha256 not in new)
        come = _by_key(each for sha256, each in new.items() if sha256 not in old)
        added, removed, changed = list[ListEntry](), list[ListEntry](), list[tuple[ListEntry, ListEntry]]()
        for key in sorted(gone.keys() | come.keys()):
            was, is_now = gone.get(key, []), come.get(key, [])
            both = min(len(was), len(is_now))
            changed += zip(was[:both], is_now[:both], strict=True)
            removed += was[both:]
            added += is_now[both:]
        return cls(tuple(added), tuple(removed), tuple(changed))


def _by_hash(entries: Iterable[ListEntry]) -> dict[str, ListEntry]:
    return {each.sha256: each for each in entries}


def _by_key(entries: Iterable[ListEntry]) -> dict[str, list[ListEntry]]:
    found: dict[str, list[ListEntry]] = {}
    for each in sorted(entries, key=lambda entry: entry.names):
        found.setdefault(each.key, []).append(each)
    return found
