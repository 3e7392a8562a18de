"""Parties of one name: who approves a second "Hold Ltd" is told that there is a first one, and whether it is on a list.

Names are the same where they are equal as they are read: without legal form, in any order, and with letters that look
alike as one. Looked through are the parties that hold and those that wait. Nothing rests on it but what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.domain.party import Party
from gatekeeper.domain.record import RecordType
from gatekeeper.matching import name_keys
from gatekeeper.ports import Clock, Reader, Stores
from gatekeeper.registry.indexed import names_of
from gatekeeper.registry.rehearsal import BESIDE_IT
from gatekeeper.registry.review import Review

# More of one name tell an approver nothing that these do not.
NAMESAKES_MAX = 20


@dataclass(frozen=True, slots=True, order=True)
class Namesake:
    """A party of a customer, and another one that is called the same.

    Attributes:
        name, other_name: as each of them is written; listed: the lists that the other one stands on.
    """

    party_id: str
    other_id: str
    name: str
    other_name: str
    listed: tuple[str, ...] = ()

    def __str__(self) -> str:
        on = f", which is on the list {', '.join(self.listed)}" if self.listed else ""
        return f"party {self.party_id} ({self.name}) is called like party {self.other_id} ({self.other_name}){on}"


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody's name."""

    party_id: str
    name: str
    listed: tuple[str, ...]


class Names:
    """What everybody is called, kept for one process until somebody may be called otherwise: to read the names of ten
    thousand customers takes most of a second."""

    def __init__(self) -> None:
        self._kept: tuple[int, bytes, Mapping[str, list[_Known]]] = (0, b"", {})

    def of(self, reader: Reader) -> Mapping[str, list[_Known]]:
        """Everybody by what names are compared by, as a reader sees them."""
        size, (seen, last, known) = reader.log_size(), self._kept
        # The same record at that place: a transaction that was undone may have been looked at, too.
        is_before = bool(last) and seen <= size and _leaf(reader, seen) == last
        if not is_before or next(reader.records(types=_RENAMING, begin=seen), None) is not None:
            known = _by_key(_everybody(reader))
        self._kept = (size, _leaf(reader, size), known)
        return known


def _leaf(reader: Reader, size: int) -> bytes:
    """The last of so many records; nothing of none."""
    return next((leaf for _, leaf in reader.records(begin=size - 1, end=size)), b"") if size else b""


_RENAMING = frozenset(RecordType) - BESIDE_IT


class NamesakeRegistry:
    """The use case, over one store."""

    def __init__(self, stores: Stores, clock: Clock, names: Names) -> None:
        self._stores = stores
        self._clock = clock
        self._names = names

    def namesakes(self, reviews: Sequence[Review]) -> dict[str, tuple[Namesake, ...]]:
        """Customer -> the parties of its record that are called like another one; only those that have any."""
        known = self._stores.read(self._names.of)
        found = {each.customer.id: tuple(_of(each, known)) for each in reviews}
        return {customer: each[:NAMESAKES_MAX] for customer, each in found.items() if each}


def _everybody(reader: Reader) -> Iterator[_Known]:
    for party in reader.parties().values():
        listed = tuple(sorted({each.list for each in party.listings}))
        yield from (_Known(party.id, name, listed) for name in names_of(party))
    for text in reader.proposals().values():  # only names are wanted of what may be ten thousand records
        for fields in json.loads(text)["parties"]:
            for name in (fields["legal_name"], *fields.get("other_names", ())):
                yield _Known(fields["id"], name, ())


def _by_key(known: Iterable[_Known]) -> dict[str, list[_Known]]:
    found: dict[str, list[_Known]] = {}
    for each in known:
        for key in name_keys(each.name):
            found.setdefault(key, []).append(each)
    return found


def _of(review: Review, known: Mapping[str, list[_Known]]) -> list[Namesake]:
    found: dict[tuple[str, str], Namesake] = {}
    for party in _parties(review):
        for name in names_of(party):
            for other in (each for key in sorted(name_keys(name)) for each in known.get(key, ())):
                pair = (party.id, other.party_id)
                if other.party_id != party.id and (pair not in found or other.listed):
                    found[pair] = Namesake(*pair, name, other.name, other.listed)
    return sorted(found.values(), key=lambda each: (not each.listed, each))


def _parties(review: Review) -> list[Party]:
    told = [each for each in review.looked_at.parties if each.id in review.told or not review.told]
    own = [each for each in review.looked_at.parties if each.id == review.looked_at.party_id]
    return list({each.id: each for each in (*own, *told)}.values())
