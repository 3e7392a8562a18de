"""Follows whose each namespace is, and that two people said so wherever a binding gave anything.

A record of a binding names both people (`approved_by`) since 2026-11-22; those before it are accepted as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.fields import Facts, Wrong, flag_of, text_of, texts_of

Place = tuple[str, str]
_SAME = ("customer", "run", "uid", "proposed_by")


@dataclass(frozen=True, slots=True)
class _Bound:
    """A namespace as it is bound."""

    customer: str
    run: object
    uid: str
    holds: bool = True


class Bindings:
    """Bindings in effect, those that wait, and what approved runs name."""

    def __init__(self) -> None:
        self._bound: dict[Place, _Bound] = {}
        self._waits: dict[Place, Mapping[str, object]] = {}
        self._named: dict[str, tuple[str, str, frozenset[Place]]] = {}
        self._tells_people = False

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a binding gives something and does not rest on two people.
        """
        facts = record.facts
        if record.type is RecordType.RUN_APPROVED and "declared_by" in facts and "cluster" in facts:
            places = frozenset((text_of(facts, "cluster"), each) for each in texts_of(facts, "namespaces"))
            self._named[text_of(facts, "run")] = text_of(facts, "declared_by"), record.actor.name, places
        elif record.type is RecordType.NAMESPACE_PROPOSED:
            self._waits[_place(facts)] = facts
            if facts.get("proposed_by") != record.actor.name:
                raise Wrong(f"A binding is proposed by {record.actor.name}; its record names somebody else.")
        elif record.type is RecordType.NAMESPACE_REJECTED:
            self._waits.pop(_place(facts), None)
        elif record.type is RecordType.NAMESPACE_UNBOUND:
            self._waits.pop(_place(facts), None)
            if self._bound.pop(_place(facts), None) is None and self._tells_people:
                raise Wrong(f"Namespace {facts.get('namespace')} is unbound, and was bound to nobody.")
        elif record.type is RecordType.NAMESPACE_IDENTIFIED:
            self._identify(facts)
        elif record.type is RecordType.NAMESPACE_BOUND:
            self._bind(facts, record.actor.name)

    def _bind(self, facts: Facts, by: str) -> None:
        place, before = _place(facts), self._bound.get(_place(facts))
        uid = facts.get("uid")
        bound = _Bound(text_of(facts, "customer"), facts.get("run"), uid if isinstance(uid, str) else "")
        waits = self._waits.pop(place, None)
        self._bound[place] = bound
        if "approved_by" not in facts:
            if self._tells_people:
                raise Wrong(f"The binding of namespace {place[1]} names no people, as records before it do.")
            return
        self._tells_people = True
        if facts["approved_by"] is None:
            same = before is not None and before.holds and before.customer == bound.customer and before.uid == bound.uid
            if not same or bound.run not in (None, before.run if before else None):
                raise Wrong(f"Namespace {place[1]} is bound by {by} alone, and that gives it something.")
            return
        proposed_by = text_of(facts, "proposed_by")
        if facts["approved_by"] != by or same_person(proposed_by, by):
            raise Wrong(f"The binding of namespace {place[1]} was not approved by a second person.")
        if not self._is_proposed(facts, place, waits, by):
            raise Wrong(f"Namespace {place[1]} is bound otherwise than it was proposed.")

    def _is_proposed(self, facts: Facts, place: Place, waits: Facts | None, by: str) -> bool:
        """Whether it waited as it takes effect, but for a uid that was seen meanwhile; or an approved run names it."""
        if waits is not None and all(
            facts.get(name) == waits.get(name) or (name == "uid" and not waits.get(name)) for name in _SAME
        ):
            return True
        declared_by, approved_by, places = self._named.get(str(facts.get("run")), ("", "", frozenset[Place]()))
        return place in places and declared_by == facts.get("proposed_by") and approved_by == by

    def _identify(self, facts: Facts) -> None:
        place = _place(facts)
        before, uid, holds = self._bound.get(place), text_of(facts, "uid"), flag_of(facts, "holds")
        if before is None or (before.uid and before.uid != uid):
            raise Wrong(f"Namespace {place[1]} is identified otherwise than it was bound.")
        self._bound[place] = _Bound(before.customer, before.run, uid, holds)
        if holds and not before.holds:
            raise Wrong(f"Namespace {place[1]} was made anew, and its binding holds again without anybody's word.")


def _place(facts: Facts) -> Place:
    return text_of(facts, "cluster"), text_of(facts, "namespace")
