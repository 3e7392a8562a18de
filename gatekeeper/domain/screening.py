"""Screening: entries of restrictive lists, and hits of parties' names on them.

A hit is keyed to what the party is called and what the entry says, by the hash of each: when either changes, the pair
is a new one and open again. An open hit leaves the tier unresolved, for the party and for all that it owns. A true
match puts the party on the list. Only two people can put a hit aside as a false positive; no change of a name or of a
list does it for them, since whoever may rename a party or load a list could otherwise clear it alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import Listing, Party, checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import JsonValue, canonical_json

ENTRY_NAMES_MAX = 500
TEXT_CHARACTERS_MAX = 1_000
REASON_CHARACTERS_MAX = 1_000


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


def identity_sha256(party: Party) -> str:
    """Hash of all of a party by which somebody could be recognised: not its owners, which change for other reasons."""
    seen: JsonValue = {
        "id": party.id,
        "kind": party.kind.value,
        "names": [party.legal_name, *sorted(party.other_names)],
        "headquarters": party.headquarters,
        "nationalities": sorted(party.nationalities),
        "jurisdiction": party.jurisdiction,
        "lei": party.lei,
    }
    return hashlib.sha256(canonical_json(seen)).hexdigest()


class HitState(StrEnum):
    """What is known of a hit."""

    OPEN = "open"
    TRUE_MATCH = "true_match"
    FALSE_POSITIVE = "false_positive"
    SUPERSEDED = "superseded"  # the same party and entry hit again, after one of them changed


@dataclass(frozen=True, slots=True)
class Hit:
    """A party's name is similar to an entry's.

    Attributes:
        score: of 100, how similar they are.
        judged_by: who judged last; with an open hit, who proposes to put it aside. confirmed_by: the second person.
        listed_from: from when on the entry holds, as the listing of a true match does.
    """

    id: str
    party_id: str
    party_sha256: str
    list: str
    entry_key: str
    entry_sha256: str
    score: int
    party_name: str
    entry_name: str
    state: HitState = HitState.OPEN
    proposed: bool = False
    judged_by: str = ""
    reason: str = ""
    confirmed_by: str = ""
    listed_from: date | None = None
    listed_to: date | None = None

    def __post_init__(self) -> None:
        if self.state is HitState.FALSE_POSITIVE and not self.confirmed_by:
            raise InvalidInput(f"Hit {self.id} is put aside by one person alone.")
        if self.confirmed_by and same_person(self.judged_by, self.confirmed_by):
            raise NotPermitted(f"Hit {self.id} was judged by {self.judged_by}, who cannot confirm it.")

    @property
    def pair(self) -> tuple[str, str, str]:
        """What is the same hit after a change of either side."""
        return (self.party_id, self.list, self.entry_key)

    @property
    def blocks(self) -> bool:
        """Whether the tier cannot be told yet."""
        return self.state is HitState.OPEN

    @property
    def counts(self) -> bool:
        """Whether it makes the party stricter: nobody has judged it, or it is the party."""
        return self.state in (HitState.OPEN, HitState.TRUE_MATCH)

    @property
    def listing(self) -> Listing:
        """What a true match puts on the party."""
        return Listing(self.list, self.listed_from, self.listed_to)

    def as_matched(self, before: Hit) -> Hit:
        """The same party and entry as a true match: changing a name unmakes none, two people do."""
        return replace(self, state=HitState.TRUE_MATCH, judged_by=before.judged_by, reason=before.reason)

    def true_match(self, *, by: str, reason: str) -> Hit:
        """It is the same party: one person is enough."""
        self._check_current()
        return replace(
            self,
            state=HitState.TRUE_MATCH,
            proposed=False,
            judged_by=by,
            reason=_checked_reason(reason),
            confirmed_by="",
        )

    def propose_false_positive(self, *, by: str, reason: str) -> Hit:
        """It is another party, says one person; nothing changes until a second one says so too."""
        self._check_current()
        if self.state is HitState.FALSE_POSITIVE:
            raise NotPermitted(f"Hit {self.id} is put aside already.")
        return replace(self, proposed=True, judged_by=by, reason=_checked_reason(reason), confirmed_by="")

    def confirm(self, *, by: str) -> Hit:
        """The second person agrees that it is another party.

        Raises:
            NotPermitted: nobody proposed that, or it is the same person.
        """
        self._check_current()
        if not self.proposed:
            raise NotPermitted(
                f"Nobody says that hit {self.id} is a false positive.",
                hint=f"First: gatekeeper screening judge {self.id} --false-positive --reason TEXT",
            )
        return replace(self, state=HitState.FALSE_POSITIVE, proposed=False, confirmed_by=by)

    def _check_current(self) -> None:
        if self.state is HitState.SUPERSEDED:
            raise NotPermitted(f"Hit {self.id} is of an older record.", hint="Judge the one that took its place.")


def hit_of(party: Party, entry: ListEntry, score: int) -> Hit:
    """A new hit; its id names exactly this party and this entry, as they are now."""
    party_sha256, entry_sha256 = identity_sha256(party), entry.sha256
    return Hit(
        id=hashlib.sha256(f"{party_sha256} {entry_sha256}".encode()).hexdigest()[:16],
        party_id=party.id,
        party_sha256=party_sha256,
        list=entry.list,
        entry_key=entry.key,
        entry_sha256=entry_sha256,
        score=score,
        party_name=party.legal_name,
        entry_name=entry.names[0],
        listed_from=entry.begins,
        listed_to=entry.ends,
    )


def _checked_reason(reason: str) -> str:
    plain = " ".join(reason.split())
    if not plain or len(plain) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"A judgement needs a reason of 1 to {REASON_CHARACTERS_MAX:,} characters.")
    return plain
