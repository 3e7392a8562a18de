"""Use cases on the past: which versions there were, who made them, and what the registry knew on a day.

Two days are asked apart. *As of* is the day on which something holds: an interest has begun, a row of a tier table is
in force. *Known on* is the day by whose end somebody had told us. A parent that was sold in March and entered in May
owns nothing as of April by what we know today, and all of it by what was known on a day in April.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.errors import InvalidInput, NotFound
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.ports.kyc import Version
from gatekeeper.registry.customers import findings_on
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.kyc_record import owners_of
from gatekeeper.registry.review import Review, existing, review_of


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a customer, of its proposal, or of a party that it is or that owns it, beside the one before.

    Attributes:
        version: the version; its record says who made it, when and by what act.
        changes: field -> what it was and what it is, as JSON values; None for "nothing".
    """

    version: Version
    changes: Mapping[str, tuple[Any, Any]]


class HistoryRegistry(Desk):
    """Use cases on the past, over one store."""

    def history(self, customer_id: str) -> list[Change]:
        """Every version of a customer, of what waited for it, and of all parties that it is or that ever owned it by
        them, in the order in which they were written.

        Raises:
            NotFound: no such customer.
        """
        return self._stores.read(lambda reader: _history(reader, customer_id))

    def review_known(self, customer_id: str, *, known_on: date, as_of: date | None = None) -> Review:
        """A customer as the registry knew it at the end of a day; its tiers as of a day, or as of that one.

        Raises:
            NotFound: nobody had told of it by then. InvalidInput: the day is still to come, or from before versions
                were kept.
        """
        now = self._clock.now()

        def work(reader: Reader) -> Review:
            end = _end_of(known_on, now)
            known = Known.at(reader, end)
            return review_of(known, existing(known, customer_id), self._yardstick(_midnight(as_of or known_on)), end)

        return self._stores.read(work)

    def explain_known(self, customer_id: str, *, known_on: date, as_of: date | None = None) -> dict[str, TierFinding]:
        """Tier of a customer by what the registry knew at the end of a day, as of a day, or as of that one.

        The packs are those of today, whose tables are dated themselves. Errors as for `review_known`.
        """
        now = self._clock.now()

        def work(reader: Reader) -> dict[str, TierFinding]:
            known = Known.at(reader, _end_of(known_on, now))
            return findings_on(known, customer_id, self._yardstick(now), as_of or known_on)

        return self._stores.read(work)


@dataclass(frozen=True, slots=True)
class Known:
    """The registry as it was known when the log had some number of records; a `KycReader`."""

    reader: Reader
    size: int

    @classmethod
    def at(cls, reader: Reader, moment: datetime) -> Known:
        """What was known at a moment.

        Raises:
            InvalidInput: from before versions were kept: only the log can say.
        """
        size, begins = reader.known_size(moment), reader.versions_from()
        if size < begins:
            raise InvalidInput(
                f"What was known on {moment:%Y-%m-%d} is older than the versions here.",
                hint="The log has it: gatekeeper log list",
            )
        return cls(reader, size)

    def customer(self, customer_id: str) -> Customer | None:
        return self.reader.customers_known(self.size).get(customer_id)

    def customers(self) -> list[Customer]:
        return list(self.reader.customers_known(self.size).values())

    def parties(self) -> dict[str, Party]:
        return self.reader.parties_known(self.size)

    def proposal(self, customer_id: str) -> str | None:
        return self.reader.proposal_known(customer_id, self.size)

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        known = self.reader.proposals_known(self.size)
        return {each: text for each, text in known.items() if customer_ids is None or each in customer_ids}


def _history(reader: Reader, customer_id: str) -> list[Change]:
    own = reader.versions("customer", customer_id)
    if not own:
        raise NotFound(f"There is no customer {customer_id!r:.80}.", hint="See `gatekeeper customer list`.")
    proposals = reader.versions("proposal", customer_id)
    found = [*_changes(own), *_changes(proposals)]
    waiting = {each.body["party_id"] for each in own if each.body}
    for each in proposals:
        waiting |= _parties_of(each)
    seen: set[str] = set()
    parties = reader.parties()
    while waiting:
        party_id = waiting.pop()
        if party_id in seen:
            continue
        seen.add(party_id)
        versions = reader.versions("party", party_id)
        found += _changes(versions)
        waiting |= owners_of(parties, party_id).keys()
        for version in versions:
            body = version.body or {}
            waiting |= {*body.get("parents", ()), *(each["owner"] for each in body.get("interests", ()))}
    return sorted(found, key=lambda each: (each.version.seq, _ORDER[each.version.kind], each.version.id))


_ORDER = {"customer": 0, "proposal": 1, "party": 2}


def _parties_of(version: Version) -> set[str]:
    """The parties that a proposal names."""
    if version.body is None:
        return set()
    return {party["id"] for party in version.body["parties"]}


def _changes(versions: list[Version]) -> list[Change]:
    """Each version beside the one before it."""
    found, before = [], dict[str, Any]()
    for version in versions:
        body = version.body or {}
        keys = sorted(before.keys() | body.keys())
        pairs = {key: (before.get(key), body.get(key)) for key in keys if before.get(key) != body.get(key)}
        found.append(Change(version, pairs))
        before = body
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _end_of(day: date, now: datetime) -> datetime:
    """The last moment of a day, or now where it is today.

    Raises:
        InvalidInput: it is still to come.
    """
    if day > now.date():
        raise InvalidInput(f"Nobody can say what will be known on {day}.", hint="Use --as-of for a day to come.")
    return min(_midnight(day) + timedelta(days=1) - timedelta(microseconds=1), now)
