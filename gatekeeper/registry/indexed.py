"""All lists as they are loaded, ready for one party to be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import combinations

from gatekeeper.domain.list_entry import ListEntry, ListVersion, entries_sha256
from gatekeeper.domain.names import words_in
from gatekeeper.domain.party import Party
from gatekeeper.domain.screening import Hit, hit_of, identity_sha256, unscreened_hit
from gatekeeper.matching import THRESHOLD, NameIndex, unscreened

# A name like this many entries is of so common words that more hits tell a reviewer nothing more.
HITS_PER_PARTY_MAX = 50
# A name that is spread over two fields is the entry's whole name, not merely within a longer one.
SPREAD_THRESHOLD = 90
SPREAD_NAMES_MAX = 10
# Two of the other names, of the first of them and short ones: there are many pairs.
SPREAD_OTHERS_MAX = 6
SPREAD_WORDS_MAX = 10
# Parties whose hits are remembered: more than the largest batch writes.
REMEMBERED_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Indexed:
    """All lists as loaded, ready to be compared with. `sha256`: list -> hash over the entries that are compared.

    What was found once is remembered by all of the party that it rests on, and by the day: a party is compared beside
    the writer, and what holds the writer only looks it up.
    """

    versions: tuple[ListVersion, ...]
    entries: tuple[ListEntry, ...]
    index: NameIndex
    sha256: Mapping[str, str]
    _found: dict[tuple[str, date], tuple[Hit, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, versions: Iterable[ListVersion], entries: Iterable[ListEntry]) -> Indexed:
        """Index the entries; about a second for 20,000."""
        held, of = tuple(entries), tuple(versions)
        index = NameIndex((at, name) for at, each in enumerate(held) for name in each.names)
        by_list: dict[str, list[ListEntry]] = {each.id: [] for each in of}
        for entry in held:
            by_list.setdefault(entry.list, []).append(entry)
        return cls(of, held, index, {name: entries_sha256(each) for name, each in by_list.items()})

    def hits(self, party: Party, now: datetime) -> list[Hit]:
        """The hits of a party by all its names, best first; and one for the names that cannot be compared, or are like
        more entries than hits are kept."""
        key = (identity_sha256(party), now.date())
        found = self._found.get(key)
        if found is None:
            found = tuple(self._hits(party, now))
            if len(self._found) >= REMEMBERED_MAX:
                self._found.clear()
            self._found[key] = found
        return [*found]

    def knows(self, party: Party, now: datetime) -> bool:
        """Whether the hits of a party are remembered, so that asking for them takes no time."""
        return (identity_sha256(party), now.date()) in self._found

    def _hits(self, party: Party, now: datetime) -> list[Hit]:
        found = [
            hit_of(party, self.entries[place], score, now.date())
            for place, score in self._scores(party).items()
            if not self.entries[place].ended_by(now.date())
        ]
        best = sorted(found, key=lambda each: (-each.score, each.id))[:HITS_PER_PARTY_MAX]
        names = unscreened(names_of(party)) if self.versions else ()
        if len(found) > len(best):  # names that are like so many entries may be there to hide one of them
            names = names_of(party)
        return [*best, unscreened_hit(party, names, (each.id for each in self.versions))] if names else best

    def _scores(self, party: Party) -> dict[int, int]:
        """Place of an entry -> how similar the party's names are to it: each alone, and any two together, over which a
        name may be spread. Put together they have to be the entry's whole name."""
        names, scores = names_of(party), dict[int, int]()
        for name in names:
            _raise(scores, self.index.similar(name, THRESHOLD))
        for other in names[1 : 1 + SPREAD_NAMES_MAX]:
            _raise(scores, self.index.similar(f"{names[0]} {other}", SPREAD_THRESHOLD))
        for pair in combinations(names[1 : 1 + SPREAD_OTHERS_MAX], 2):
            if words_in(both := " ".join(pair)) <= SPREAD_WORDS_MAX:
                _raise(scores, self.index.similar(both, SPREAD_THRESHOLD))
        return scores


def hits_of(found: Mapping[str, list[Hit]], indexed: Indexed, party: Party, now: datetime) -> list[Hit]:
    """The hits of a party as they were found before, or as they are where it was another one then."""
    known = found.get(identity_sha256(party))
    return indexed.hits(party, now) if known is None else known


def names_of(party: Party) -> tuple[str, ...]:
    """All names of a party, the legal one first."""
    return (party.legal_name, *party.other_names)


def _raise(scores: dict[int, int], found: Mapping[int, int]) -> None:
    for place, score in found.items():
        scores[place] = max(score, scores.get(place, 0))
