"""What decisions see of a customer beside its record: names of which the screening is open, and overrides in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.domain.judging import judged
from gatekeeper.domain.observation import GLEIF, Disagreement, Observed
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.registry.conflicts import disagreements_of
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.registry.review import Review


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of some customers at a moment.

    Attributes:
        open_hits: ids of the parties with hits that nobody has judged; overrides: those in force, by customer.
        waiting: overrides that wait for a second person, by customer.
        words: what a register said last about some LEIs, asked while the reader is open.
    """

    open_hits: Collection[str]
    overrides: Mapping[str, Override]
    words: Callable[[Collection[str]], Mapping[str, Observed]] = field(default=lambda _: {})
    waiting: Mapping[str, Override] = field(default_factory=dict)

    @classmethod
    def of(cls, reader: Reader, now: datetime, customer_id: str | None = None) -> Circumstances:
        """Those of one customer, or of all (None)."""
        overrides = reader.overrides(customer_id)
        return cls(
            frozenset(reader.open_hits()),
            {each.customer_id: each for each in overrides if each.holds_at(now)},
            lambda leis: reader.observations(leis, GLEIF),
            {each.customer_id: each for each in overrides if each.ends_at is None},
        )

    def seen(self, review: Review) -> Review:
        """The review with the tiers that decisions use."""
        override = self.overrides.get(review.customer.id)
        decided, held = self._judged(review.in_effect, review.findings_in_effect, override)
        if_approved, holds_then = self._judged(review.looked_at, review.findings, override)
        parties = {
            each.id for record in (review.in_effect, review.looked_at) for each in (record.parties if record else ())
        }
        return replace(
            review,
            decided=decided,
            decided_if_approved=if_approved,
            override=held or holds_then,
            override_waits=self.waiting.get(review.customer.id),
            open_screenings=tuple(sorted(parties & frozenset(self.open_hits))),
            conflicts=self._conflicts(review.looked_at, review.in_effect),
        )

    def _conflicts(self, record: KycRecord, in_effect: KycRecord | None) -> tuple[Disagreement, ...]:
        """Where the register disagrees with what is looked at, and where it did until somebody imported another word.

        Of those that were overwritten only what two people have not approved already: what is in effect says it too.
        """
        with_lei = [each for each in record.parties if each.lei]
        words = self.words([each.lei for each in with_lei]) if with_lei else {}
        parties, approved = _by_id(record), _by_id(in_effect)
        found = [
            told for each in with_lei if each.lei in words for told in disagreements_of(parties, each, words[each.lei])
        ]
        for each in with_lei:
            for before in words[each.lei].overwritten if each.lei in words else ():
                held = approved.get(each.id)
                known = [*found, *(disagreements_of(approved, held, before.word) if held is not None else ())]
                said = {(one.party_id, one.code, one.recorded, one.observed) for one in known}
                found += (
                    replace(told, overwritten_by=before.by, overwritten_at=before.at)
                    for told in disagreements_of(parties, each, before.word)
                    if (told.party_id, told.code, told.recorded, told.observed) not in said
                )
        return tuple(found)

    def _judged(
        self, record: KycRecord | None, findings: Mapping[str, TierFinding], override: Override | None
    ) -> tuple[Mapping[str, TierFinding], Override | None]:
        parties = {each.id: each for each in record.parties} if record else {}
        return judged(findings, parties, self.open_hits, override)


def _by_id(record: KycRecord | None) -> dict[str, Party]:
    return {each.id: each for each in record.parties} if record else {}
