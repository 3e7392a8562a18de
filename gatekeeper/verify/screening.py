"""Follows screening through the records: a hit is put aside only after it was found, and only by two people.

    list.loaded       the lists and their SHA-256; a screening names exactly those that were loaded last
    screening.run     when everybody, or somebody, was compared with them, and with which entries by their hash
    screening.hit     a party's name that is similar to an entry's: open, or the match that it was before (`state`);
                      on the list `unscreened`, names that could not be compared
    screening.judged  who says what it is; `state` false_positive needs `confirmed_by`, another person than `judged_by`

The names on a list are its publisher's; who holds the file with the SHA-256 of `list.loaded` can compare them again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gatekeeper.domain.list_entry import UNSCREENED
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.fields import Wrong, amount_of, flag_of, text_of, texts_of
from gatekeeper.verify.shares import STATES
from gatekeeper.verify.unchecked import Unchecked

_SHA256 = re.compile(r"[0-9a-f]{64}")
_OPEN, _TRUE, _FALSE, _SUPERSEDED = "open", "true_match", "false_positive", "superseded"


class ScreeningCheck:
    """A check for `verify_export(checks=[...])`.

    Attributes:
        open_hits: hit -> party, of those that nobody has judged.
    """

    def __init__(self, unchecked: Unchecked | None = None) -> None:
        self._unchecked = unchecked or Unchecked()
        self._entries: dict[str, str] = {}
        self._unscreened: set[str] = set()
        self.open_hits: dict[str, str] = {}
        self._state: dict[str, str] = {}
        self._party: dict[str, str] = {}
        self._pair: dict[str, tuple[str, str, str]] = {}
        self._hits: dict[tuple[str, str, str], list[str]] = {}
        self._proposed: dict[str, str] = {}
        self._lists: dict[str, str] = {}

    def is_screened(self, customer: str) -> bool:
        """Whether what was written for a customer was compared with the lists since; so it is where the log does not
        tell the entries of any list."""
        return customer not in self._unscreened

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it does not follow from the records before it.
        """
        if record.type in STATES and self._entries:
            self._unscreened.add(text_of(record.facts, "customer"))
        if record.type is RecordType.LIST_LOADED:
            self._load(record.facts)
        elif record.type is RecordType.SCREENING_RUN:
            self._run(record.facts)
        elif record.type is RecordType.SCREENING_HIT:
            self._hit(record.facts)
        elif record.type is RecordType.SCREENING_JUDGED:
            self._judge(record.facts, record.actor.name)

    def _load(self, facts: Mapping[str, object]) -> None:
        name, sha256 = text_of(facts, "list"), text_of(facts, "sha256")
        if not _SHA256.fullmatch(sha256):
            raise Wrong(f"sha256 of the list {name} is none.")
        before = facts.get("before")
        known = self._lists.get(name)
        self._lists[name] = sha256
        self._entries.pop(name, None)
        if "entries_sha256" in facts:
            self._entries[name] = text_of(facts, "entries_sha256")
        if before != known:
            raise Wrong(f"The list {name} is loaded in place of {before}, and {known} was loaded before.")

    def _run(self, facts: Mapping[str, object]) -> None:
        lists = facts.get("lists")
        if not isinstance(lists, Mapping) or dict(lists) != self._lists:
            raise Wrong("A screening names other lists than those that were loaded last.")
        if not 0 < amount_of(facts, "threshold") <= 100:
            raise Wrong("A screening's threshold is a number from 1 to 100.")
        self._check_entries(facts)
        for gone in texts_of(facts, "superseded") if "superseded" in facts else ():
            self._supersede_quietly(gone)

    def _check_entries(self, facts: Mapping[str, object]) -> None:
        """What was compared is what was loaded: a list may be changed where it is kept, and not in the log."""
        if facts.get("why") == "customers":
            self._unscreened.clear()  # it stands after the records of all whom its transaction wrote
        if self._lists.keys() - self._entries.keys():
            self._unchecked.add("screenings against lists whose entries the log does not tell by their hash")
        compared = facts.get("entries_sha256")
        compared = compared if isinstance(compared, Mapping) else {}
        other = sorted(name for name, sha256 in self._entries.items() if compared.get(name) != sha256)
        if other:
            raise Wrong(f"A screening compared with other entries of the list {other[0]} than were loaded.")

    def _supersede_quietly(self, gone: str) -> None:
        """An older hit ends without a new one where its pair still counts by another."""
        before, pair = self._state.get(gone), self._pair.get(gone)
        self._set(gone, _SUPERSEDED)
        others = [self._state[each] for each in self._hits.get(pair, ()) if each != gone] if pair else []
        if before != _OPEN or not {_OPEN, _TRUE} & {*others}:
            raise Wrong(f"Hit {gone} is superseded, and nothing of its party and entry takes its place.")

    def _hit(self, facts: Mapping[str, object]) -> None:
        hit = text_of(facts, "hit")
        before = self._state.get(hit)
        self._party[hit] = text_of(facts, "party")
        state = text_of(facts, "state") if "state" in facts else _OPEN
        pair = self._pair[hit] = (self._party[hit], text_of(facts, "list"), text_of(facts, "entry"))
        same = self._hits.setdefault(pair, [])
        was_match = any(self._state.get(each) == _TRUE for each in same)
        same += [hit] if hit not in same else []
        for past in texts_of(facts, "supersedes"):
            self._set(past, _SUPERSEDED)
        self._set(hit, state)
        if state != _OPEN and not (state == _TRUE and was_match):
            raise Wrong(f"Hit {hit} is found to be {state}, which nobody has said of this party and entry.")
        if before not in (None, _SUPERSEDED):
            raise Wrong(f"Hit {hit} is found again, and was {before} already.")
        if text_of(facts, "list") not in (*self._lists, UNSCREENED):
            raise Wrong(f"Hit {hit} is on a list that was never loaded.")

    def _judge(self, facts: Mapping[str, object], actor: str) -> None:
        hit, state = text_of(facts, "hit"), text_of(facts, "state")
        before, first = self._state.get(hit), self._proposed.get(hit)
        self._set(hit, state)
        if flag_of(facts, "proposed"):
            self._proposed[hit] = actor
        if before is None or before == _SUPERSEDED or facts.get("before") != before:
            raise Wrong(f"Hit {hit} is judged as if it were {facts.get('before')}, and it was {before}.")
        if state not in (_OPEN, _TRUE, _FALSE):
            raise Wrong(f"Hit {hit} is judged to be {state}, which is nothing that a hit can be.")
        if state == _FALSE and (first is None or same_person(first, actor) or facts.get("confirmed_by") != actor):
            raise Wrong(f"Hit {hit} is put aside by one person alone.")
        if facts.get("judged_by") != (first if state == _FALSE else actor):
            raise Wrong(f"Hit {hit} was judged by {first if state == _FALSE else actor}; the record says another one.")
        if state == _OPEN and before != _OPEN:
            raise Wrong(f"Hit {hit} was {before} and is open again, which no judgement can do.")

    def _set(self, hit: str, state: str) -> None:
        self._state[hit] = state
        self._proposed.pop(hit, None)
        if state == _OPEN:
            self.open_hits[hit] = self._party.get(hit, "")
        else:
            self.open_hits.pop(hit, None)
