"""Screening: hits of parties' names on entries of restrictive lists.

A hit is keyed to what the party is called and what the entry says, by the hash of each: when either changes, the pair
is a new one and open again. An open hit leaves the tier unresolved, for the party and for all that it owns. A true
match puts the party on the list. Only two people can put a hit aside as a false positive; no change of a name or of a
list does it for them, since whoever may rename a party or load a list could otherwise clear it alone. A name that
could not be compared is a hit as well: people compare it, and say what they found in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.list_entry import TEXT_CHARACTERS_MAX, UNSCREENED, ListEntry
from gatekeeper.domain.party import Listing, Party
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import JsonValue, canonical_json

REASON_CHARACTERS_MAX = 1_000


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
    def is_unscreened(self) -> bool:
        """Whether a name could not be compared, rather than being like one on a list."""
        return self.list == UNSCREENED

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


def hit_of(party: Party, entry: ListEntry, score: int, today: date | None = None) -> Hit:
    """A new hit; its id names exactly this party and this entry, as they are now.

    An open hit blocks at once, also where the entry has yet to begin. So the listing of a true match does not wait for
    that day: one person who says "true match" would unblock the party until then.
    """
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
        listed_from=min(entry.begins, today) if entry.begins and today else entry.begins,
        listed_to=entry.ends,
    )


def unscreened_hit(party: Party, names: Iterable[str], lists: Iterable[str]) -> Hit:
    """A hit of a party with names that could not be compared; it stands until people have compared them.

    Keyed to these names and to which lists there are: another list has to be looked through as well, and a new
    version of one that people looked through has only its changes, which they can be told by `gatekeeper list diff`.
    """
    told = tuple(name[:TEXT_CHARACTERS_MAX] for name in names)
    entry = ListEntry(UNSCREENED, UNSCREENED, "name", told, programs=tuple(sorted(lists)))
    return hit_of(party, entry, 0)


def _checked_reason(reason: str) -> str:
    plain = " ".join(reason.split())
    if not plain or len(plain) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"A judgement needs a reason of 1 to {REASON_CHARACTERS_MAX:,} characters.")
    return plain
