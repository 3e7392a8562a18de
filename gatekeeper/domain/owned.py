"""Who is owned by whom, kept: the question that every change of a party asks is who stands below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatekeeper.domain.party import Party


class Owned:
    """The parties of a registry by those that name them as owners, for whatever day."""

    def __init__(self, parties: Mapping[str, Party]) -> None:
        self._by_owner: dict[str, set[str]] = {}
        for party in parties.values():
            self._add(party)

    def put(self, before: Party | None, after: Party | None) -> None:
        """Take in that a party is another now; None where there was or is no record of it."""
        for owner in before.owners if before else ():
            self._by_owner[owner].discard(before.id if before else "")
        if after is not None:
            self._add(after)

    def below(self, party_ids: Iterable[str]) -> set[str]:
        """Some parties and all that they own or control, over any steps."""
        found = set(party_ids)
        waiting = list(found)
        while waiting:
            fresh = self._by_owner.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return found

    def _add(self, party: Party) -> None:
        for owner in party.owners:
            self._by_owner.setdefault(owner, set()).add(party.id)
