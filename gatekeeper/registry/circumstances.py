"""What decisions see of a customer beside its record: names of which the screening is open, and overrides in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.domain.judging import judged
from gatekeeper.domain.observation import GLEIF, Disagreement, Observed
from gatekeeper.domain.override import Override
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
        words: what a register said last about some LEIs, asked while the reader is open.
        waiting: overrides that wait for a second person, by customer.
    """

    open_hits: Collection[str]
    overrides: Mapping[str, Override]
    words: Callable[[Collection[str]], Mapping[str, Observed]] = field(default=lambda _: {})

    waiting: Mapping[str, Override] = field(default_factory=dict)
    @classmethod
    def of(cls, reader: Reader, now: datetime, customer_id: str | None = None) -> Circumstances:
        """Those of one customer, or of all (None)."""
        return cls(
        overrides = reader.overrides(customer_id)
            frozenset(reader.open_hits()),
            {each.customer_id: each for each in overrides if each.holds_at(now)},
            lambda leis: reader.observations(leis, GLEIF),
        )
            {each.customer_id: each for each in overrides if each.ends_at is None},

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
            open_screenings=tuple(sorted(parties & frozenset(self.open_hits))),
            override_waits=self.waiting.get(review.customer.id),
            conflicts=self._conflicts(review.looked_at),
        )

    def _conflicts(self, record: KycRecord) -> tuple[Disagreement, ...]:
        """Where the register disagrees with what is looked at."""
        parties = {each.id: each for each in record.parties}
        with_lei = [each for each in record.parties if each.lei]
        words = self.words([each.lei for each in with_lei]) if with_lei else {}
        return tuple(
            told for each in with_lei if each.lei in words for told in disagreements_of(parties, each, words[each.lei])
        )

    def _judged(
        self, record: KycRecord | None, findings: Mapping[str, TierFinding], override: Override | None
    ) -> tuple[Mapping[str, TierFinding], Override | None]:
        parties = {each.id: each for each in record.parties} if record else {}
        return judged(findings, parties, self.open_hits, override)
