"""Compares the tier of every decision with the customer's owners on that day: milder it may be only under an override
that two people let be, for as long as that held, and never against a list or an open screening.

The graph of parties is put together from what records say was written; each decision's pack is looked up by its
SHA-256. Where the log holds neither, there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.open_screening import with_open_hits
from gatekeeper.domain.override import CODE, HOURS_MAX, Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_of
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.verify.fields import Facts, Wrong, amount_of, moment_of, text_of
from gatekeeper.verify.screening import ScreeningCheck
from gatekeeper.verify.shares import STATES
from gatekeeper.verify.tiers import TierCheck

# After these other names may wait for somebody to look at them.
_OF_HITS = (RecordType.SCREENING_RUN, RecordType.SCREENING_HIT, RecordType.SCREENING_JUDGED)


@dataclass(frozen=True, slots=True)
class _Override:
    """An override as the log tells of it. `begins` is None until two people let it be."""

    id: str
    tier: Tier
    hours: int
    requested_by: str
    begins: datetime | None = None
    ends: datetime | None = None

    def holds_at(self, at: datetime) -> bool:
        return self.begins is not None and self.ends is not None and self.begins <= at < self.ends


@dataclass(frozen=True, slots=True)
class Judged:
    """The tier of a customer by one pack at a moment.

    Attributes:
        ends: end of the override that holds, which may also carry an approval that has ended; lowered: whether the
            tier is its tier, and no longer that of the parties.
    """

    tier: Tier
    ends: datetime | None = None
    lowered: bool = False


class OverrideCheck:
    """A check for `verify_export(checks=[...])`, to stand after the two whose tables and open hits it uses."""

    def __init__(self, tiers: TierCheck, screening: ScreeningCheck) -> None:
        self._tiers, self._screening = tiers, screening
        self._overrides: dict[str, _Override] = {}
        self._parties: dict[str, Party] = {}
        self._party_of: dict[str, str] = {}
        self._resolved: dict[tuple[str, str, date], TierFinding] = {}
        self._blocked: frozenset[str] | None = None
        self._steps = {
            RecordType.OVERRIDE_REQUESTED: self._request,
            RecordType.OVERRIDE_APPROVED: self._approve,
            RecordType.OVERRIDE_ENDED: self._end,
        }

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: an override that one person let be, or a decision that is milder than its customer's owners allow.
        """
        self._learn(record)
        step = self._steps.get(record.type)
        if step is not None:
            step(record)
        decision = record.facts.get("decision")
        if isinstance(decision, Mapping) and isinstance(record.facts.get("customer"), str):
            self._compare(text_of(record.facts, "customer"), decision, record.at)

    def judged(self, customer: str, sha256: str, at: datetime) -> Judged | None:
        """The tier of a customer by a pack as decisions see it at a moment; None where the log does not hold what it
        rests on."""
        found = self._resolve(customer, sha256, at.date())
        known = self._overrides.get(customer)
        if found is None or known is None or not known.holds_at(at) or Override.bars(found):
            return Judged(found.tier) if found else None
        milder = min(found.tier, known.tier, key=lambda each: each.strictness)
        return Judged(milder, known.ends, lowered=milder is not found.tier)

    def _request(self, record: Record) -> None:
        facts, hours = record.facts, amount_of(record.facts, "hours")
        asked = _Override(text_of(facts, "override"), _tier(facts), hours, record.actor.name)
        self._overrides[text_of(facts, "customer")] = asked
        if asked.tier not in (Tier.ONE, Tier.TWO) or not 1 <= hours <= HOURS_MAX:
            raise Wrong(f"Override {asked.id} is for {asked.tier} and {hours} hours.")

    def _approve(self, record: Record) -> None:
        facts, by = record.facts, record.actor.name
        customer, name, ends = text_of(facts, "customer"), text_of(facts, "override"), moment_of(facts, "ends_at")
        asked = self._overrides.get(customer)
        if asked is None or asked.id != name or asked.begins is not None:
            raise Wrong(f"Override {name} of customer {customer} is approved, and nobody had asked for it.")
        if same_person(asked.requested_by, by):
            del self._overrides[customer]
            raise Wrong(f"{by} alone asked for override {name} of customer {customer} and approved it.")
        end = record.at + timedelta(hours=asked.hours)
        self._overrides[customer] = replace(asked, begins=record.at, ends=end)
        if _tier(facts) is not asked.tier or abs(end - ends) > timedelta(seconds=1):
            raise Wrong(f"Override {name} of customer {customer} is not approved as it was asked for.")

    def _end(self, record: Record) -> None:
        customer, name = text_of(record.facts, "customer"), text_of(record.facts, "override")
        known = self._overrides.pop(customer, None)
        if known is None or known.id != name:
            raise Wrong(f"Override {name} of customer {customer} is ended, and there was none.")

    def _compare(self, customer: str, decision: Facts, at: datetime) -> None:
        known = self._overrides.get(customer)
        holds = known if known is not None and known.holds_at(at) else None
        if any(each.get("code") == CODE for each in _reasons(decision)) and holds is None:
            raise Wrong(f"A decision on customer {customer} rests on an override, and none was in force.")
        found = self._decided_by(customer, decision, at.date())
        stated = decision.get("tier")
        if found is None or not isinstance(stated, str):
            return
        milder = _tier(decision).strictness < found.tier.strictness
        if milder and Override.bars(found):
            raise Wrong(f"A decision takes customer {customer} for tier {stated}; no override holds against a list.")
        if milder and (holds is None or holds.tier is not _tier(decision)):
            raise Wrong(f"A decision takes customer {customer} for tier {stated}; its owners make it {found.tier}.")

    def _decided_by(self, customer: str, decision: Facts, day: date) -> TierFinding | None:
        """The finding by the pack that decided; None where the log does not hold what it rests on."""
        packs, pack = decision.get("packs"), next((each.get("pack") for each in _reasons(decision)), None)
        sha256 = packs.get(pack) if isinstance(packs, Mapping) and isinstance(pack, str) else None
        return self._resolve(customer, sha256, day) if isinstance(sha256, str) else None

    def _resolve(self, customer: str, sha256: str, day: date) -> TierFinding | None:
        """The finding by a pack, names whose screening is open included."""
        party, table = self._party_of.get(customer), self._tiers.table(sha256)
        if table is None or party is None or party not in self._parties:
            return None
        key = party, sha256, day
        if key not in self._resolved:
            if self._blocked is None:
                self._blocked = frozenset(self._screening.open_hits.values())
            self._resolved[key] = with_open_hits(
                resolve(self._parties, party, table, day), self._parties, self._blocked
            )
        return self._resolved[key]

    def _learn(self, record: Record) -> None:
        """Parties and customers; whatever wrote a party says so in `written`."""
        if record.type in _OF_HITS:
            self._resolved, self._blocked = {}, None
        place, written = STATES.get(record.type), record.facts.get("written")
        state = record.facts.get(place) if place else None
        # What waits for approval moves nobody who was approved before to another party.
        waits = record.type is RecordType.CUSTOMER_SUBMITTED and record.facts.get("standing") != "submitted"
        if not waits and isinstance(state, Mapping) and isinstance(party := state.get("party"), str):
            self._party_of[text_of(record.facts, "customer")] = party
        if isinstance(written, list | tuple) and written:
            self._resolved = {}
            try:
                self._parties |= {each.id: each for each in map(party_of, written)}
            except (InvalidInput, ValueError) as error:
                raise Wrong(f"A party of the record is none: {error}") from error


def _reasons(decision: Facts) -> list[Mapping[str, object]]:
    """The reasons of a decision; the first is of the pack that decided."""
    value = decision.get("reasons")
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def _tier(facts: Facts) -> Tier:
    try:
        return Tier(text_of(facts, "tier"))
    except ValueError as error:
        raise Wrong("A tier is 1, 2, 3 or unresolved.") from error
