"""How similar two names are, and which of many are similar to one: rapidfuzz on what `domain.names` reads.

Two steps. The first compares whole texts, all of them, in C, and keeps what is at all near, and whatever shares a rare
word. The second compares word by word: a word that many names have ("technology", a city) says little, a rare one much,
and a number that differs says that it is another plant or fund of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from gatekeeper.domain.names import NameReader, ReadName
from gatekeeper.domain.sounding import consonants, sound
from gatekeeper.domain.unread import unread
from gatekeeper.name_files import name_tables

# Of 100. Chosen on bench/names/tuned.csv for a recall of at least 0.95; `python -m bench` prints what it finds there
# and on names that were held out.
THRESHOLD = 82
# A change of anything that a score rests on is a new number, which stands in every record of a screening.
VERSION = 4

_SAME = 100
_COMMON_WEIGHT = 0.3
_INITIAL_WEIGHT = 0.4
# The first step keeps texts this near, the nearest ones of them, and names with a word that not many have.
_NEAR = 60
_NEAREST_MAX = 300
_SHARED_MAX = 60
# As one word, names this near are the same words joined or split otherwise.
_JOINED = 92
# The same with one rare word, where what is left out are only common ones and numbers.
_ALONE = 84
# The shorter name is all of the longer one but for words that are left out.
_CONTAINED = 88
_OTHER_NUMBER_MAX = 60
# Two words that are written and sound less alike are other words, unless they share their consonants or their looks.
_ALIKE = 78


_READER = NameReader(name_tables())
_COMMON = name_tables().common
readings, skeleton, forget = _READER.readings, _READER.skeleton, _READER.forget


def unscreened(names: Sequence[str]) -> tuple[str, ...]:
    """Those of a party's names that cannot be compared whole, so that a person has to look at them."""
    return unread(names, _READER)


def name_keys(name: str) -> frozenset[str]:
    """What two names have in common that are equal as they are read, whatever they look like; none for no words."""
    return frozenset(" ".join(sorted(map(skeleton, read.words))) for read in readings(name) if read.words)


def score(left: str, right: str) -> int:
    """How similar two names are: 0 to 100, the best of all ways to read them. Symmetric."""
    return max(_score(one, other) for one in readings(left) for other in readings(right))


@dataclass(frozen=True, slots=True)
class _Indexed:
    """One way to read one of the names."""

    place: int
    read: ReadName


class NameIndex:
    """Many names, each with the place that the caller gave it in a list, ready to be compared with one."""

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        self._rows = [_Indexed(place, read) for place, name in names for read in readings(name) if read.words]
        self._texts = [_sorted(each.read) for each in self._rows]
        self._by_word: dict[str, list[int]] = {}
        for row, each in enumerate(self._rows):
            for key in _keys(each.read):
                self._by_word.setdefault(key, []).append(row)

    def similar(self, name: str, cutoff: int = THRESHOLD) -> dict[int, int]:
        """Place -> best score of the names at least as similar as the cutoff."""
        found: dict[int, int] = {}
        for read in readings(name):
            reach = _Reach(read, cutoff)
            for row in self._near(read):
                each = self._rows[row]
                if reach.may_reach(each.read, self._texts[row]) and (reached := _score(read, each.read)) >= cutoff:
                    found[each.place] = max(reached, found.get(each.place, 0))
        return found

    def _near(self, read: ReadName) -> set[int]:
        texts = process.extract(
            _sorted(read), self._texts, scorer=fuzz.ratio, processor=None, score_cutoff=_NEAR, limit=_NEAREST_MAX
        )
        near = {row for _, _, row in texts}
        for key in _keys(read):
            rows = self._by_word.get(key, ())
            if len(rows) <= _SHARED_MAX:
                near.update(rows)
        return near


class _Reach:
    """Whether another name can reach the cutoff at all, asked before every word is compared with every other.

    A name of forty words shares a word with hundreds of others, and the time to compare grows with the words of both.
    Nearly all of them are ruled out by one word that is like none of the name's. Nothing is lost: what is told is an
    upper bound of the score, which a test compares.
    """

    def __init__(self, read: ReadName, cutoff: int) -> None:
        self._words = tuple(dict.fromkeys(read.words))
        self._sounds = [*map(sound, self._words)]
        self._seen = {skeleton(each) for each in self._words}
        self._bones = {consonants(each) for each in self._words}
        self._initials = {each[0] for each in self._words if len(each) == 1}
        self._abbreviated = any(word in _COMMON for word in self._words)
        self._count = len(read.words)
        self._heaviest = sorted(map(_weight, read.words), reverse=True)
        self._weight = sum(self._heaviest)
        self._letters = sum(map(len, map(sound, read.words)))
        self._needed = (cutoff - 0.5) / 100 - 1e-9
        self._known = dict.fromkeys(self._words, True)

    def may_reach(self, other: ReadName, text: str) -> bool:
        """Whether the score may be the cutoff or more; `text`: the other's sorted words as they sound."""
        letters = len(text) - len(other.words) + 1
        if 200 * min(letters, self._letters) >= _JOINED * (letters + self._letters):
            return True  # the same words, joined or split otherwise
        weights = [*map(_weight, other.words)]
        matched, whole = len(weights), sum(weights)
        missing = 0.0
        for word, weight in sorted(zip(other.words, weights, strict=True), key=lambda each: each[0] in self._known):
            if not self._is_like_any(word):
                missing += weight
                matched -= 1
                if self._count > matched and self._bound(matched, whole, missing) < self._needed:
                    return False
        return True

    def _bound(self, matched: int, weight: float, missing: float) -> float:
        """The most that words in pairs come to where both names have words left: see `_by_words`."""
        paired = sum(self._heaviest[:matched])
        rest = self._weight - paired
        return (paired + weight - missing - 2 * min(rest, missing)) / (self._weight + weight)

    def _is_like_any(self, word: str) -> bool:
        """Whether any of the name's words may be like a word: whether `_likeness` may be more than nothing."""
        if word not in self._known:
            self._known[word] = self._may_be_like_any(word)
        return self._known[word]

    def _may_be_like_any(self, word: str) -> bool:
        if word.isdigit():
            return False
        if len(word) == 1 or word[0] in self._initials:
            return True
        if skeleton(word) in self._seen or consonants(word) in self._bones:
            return True
        if (self._abbreviated or word in _COMMON) and any(
            word.startswith(each) or each.startswith(word) for each in self._words
        ):
            return True
        near = process.extractOne(sound(word), self._sounds, scorer=fuzz.ratio, processor=None, score_cutoff=_ALIKE)
        return near is not None or (
            process.extractOne(word, self._words, scorer=fuzz.ratio, processor=None, score_cutoff=_ALIKE) is not None
        )


def _score(left: ReadName, right: ReadName) -> int:
    if left.words == right.words:
        return _SAME if left.words else 0
    by_words = _by_words(left.words, right.words)
    joined = max(fuzz.ratio(_joined(left), _joined(right)), fuzz.ratio(_joined_sorted(left), _joined_sorted(right)))
    best = max(by_words, joined if joined >= _JOINED else 0)
    other_number = left.numbers and right.numbers and left.numbers != right.numbers
    return round(min(best, _OTHER_NUMBER_MAX) if other_number else best)


def _by_words(left: Sequence[str], right: Sequence[str]) -> float:
    """The share of the weight of all words that has its counterpart, less what each side says that the other denies."""
    pairs = sorted(
        (-alike, i, j)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if (alike := _likeness(one, other))  # most are not at all
    )
    lefts, rights = dict(enumerate(map(_weight, left))), dict(enumerate(map(_weight, right)))
    whole = sum(lefts.values()) + sum(rights.values())
    matched = distinct = 0.0
    for negative, i, j in pairs:
        if i in lefts and j in rights:
            weight = lefts.pop(i) + rights.pop(j)
            matched -= negative * weight
            distinct += weight >= 1.5  # not two common ones
    apart = min(sum(lefts.values()), sum(rights.values()))
    reached = (matched - 2 * apart) / whole
    if distinct and apart == 0:
        rest = [(left, i) for i in lefts] + [(right, j) for j in rights]
        covered = whole - sum(lefts.values()) - sum(rights.values())
        if distinct >= 2:
            reached = max(reached, matched / covered * _CONTAINED / 100)
        elif all(name[at] in _COMMON or name[at].isdigit() for name, at in rest):
            reached = max(reached, matched / covered * _ALONE / 100)
    return 100 * max(0.0, reached)


@lru_cache(maxsize=500_000)
def _likeness(one: str, other: str) -> float:
    """0 or 0.5 to 1: how much of one word the other is."""
    if one == other:
        return 1
    if one.isdigit() or other.isdigit():
        return 0
    if min(len(one), len(other)) == 1:
        return 0.9 if one[0] == other[0] and one[0].isascii() else 0  # an initial
    if sound(one) == sound(other) or skeleton(one) == skeleton(other):
        return 0.97
    return _nearness(one, other)


def _nearness(one: str, other: str) -> float:
    """Of two words that are written and sound otherwise."""
    near = max(fuzz.ratio(one, other), fuzz.ratio(sound(one), sound(other))) / 100
    bones = consonants(one)
    if len(bones) > 1 and near >= 0.6 and bones == consonants(other):
        if len(bones) > 2:
            return max(0.92, near)
        if near >= 0.74:
            return max(0.82, near)
    if near >= 0.88:
        return near
    if min(len(one), len(other)) > 2 and (one.startswith(other) or other.startswith(one)) and _is_common(one, other):
        return 0.85  # an abbreviation of a word that everybody abbreviates
    return near - 0.2 if near >= _ALIKE / 100 else 0


def _is_common(one: str, other: str) -> bool:
    return max(one, other, key=len) in _COMMON


@lru_cache(maxsize=500_000)
def _weight(word: str) -> float:
    if len(word) == 1 and word.isascii() and not word.isdigit():
        return _INITIAL_WEIGHT
    return _COMMON_WEIGHT if word in _COMMON else 1


def _keys(read: ReadName) -> set[str]:
    """What names that share a rare word are found by, how it sounds and how it looks in print; and all of the name as
    one word, since it may be split otherwise."""
    rare = [word for word in read.words if _weight(word) == 1]
    found = {_heard(word) for word in rare} | {f"~{skeleton(word)}" for word in rare}
    return found | {f"={_joined(read)}"} if read.words else found


def _heard(word: str) -> str:
    return consonants(word) if len(word) > 4 else sound(word)


def _sorted(read: ReadName) -> str:
    return " ".join(sorted(map(sound, read.words)))


def _joined(read: ReadName) -> str:
    return "".join(map(sound, read.words))


def _joined_sorted(read: ReadName) -> str:
    return "".join(sorted(map(sound, read.words)))
