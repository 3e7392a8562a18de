"""What the log tells of policy packs: terms by SHA-256, the site they were applied to, and which mode held when.

The terms of a pack stand in its `policy.loaded` record. A log without them (packs before 2026-11-22) has nothing to
compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import InquiryKind, InquiryTerms, Mode
from gatekeeper.domain.policy_facts import Terms, site_of, terms_of
from gatekeeper.domain.record import ActorKind, Record, RecordType
from gatekeeper.domain.site import Site
from gatekeeper.verify.fields import Facts, Wrong, text_of

# While one process takes over from another, both decide for a while: the old one by what held before.
TAKING_OVER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A pack in a mode at a site, from a moment on."""

    since: datetime
    sha256: str
    mode: Mode
    site: Site


class PackCheck:
    """A check for `verify_export(checks=[...])`, to stand before those that ask it."""

    def __init__(self) -> None:
        self._terms: dict[str, Terms] = {}
        self._sites: dict[tuple[str, str], Site] = {}
        self._held: dict[str, dict[str, list[Held]]] = {}

    def terms(self, cluster: str, sha256: str) -> tuple[Terms, Site] | None:
        """The terms of a pack, and the site that they were applied to last; None where the log does not tell them."""
        if (cluster, sha256) not in self._sites:
            return None
        return self._terms[sha256], self._sites[cluster, sha256]

    def held(self, cluster: str, pack: str, at: datetime) -> tuple[Held, ...]:
        """As what a pack may have decided at a moment: as it was said last, and before where that is not long ago.

        Only what served says so: a person's command may read other settings.
        """
        found: list[Held] = []
        for each in reversed(self._held.get(cluster, {}).get(pack, [])):
            found.append(each)
            if at - each.since > TAKING_OVER:
                break
        return tuple(found)

    def surely_held(self, cluster: str, at: datetime) -> Iterator[tuple[str, Held]]:
        """The packs that had to be asked at a moment, whichever process decided: pack, and as what. Those that the
        first one to serve said are sure at once: there was none before it."""
        held = self._held.get(cluster, {})
        first = min((said[0].since for said in held.values()), default=at)
        for pack, said in held.items():
            if at - said[-1].since > TAKING_OVER or said[-1].since == first:
                yield pack, said[-1]

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: terms that cannot be read, or others than are known by the SHA-256.
        """
        if record.type is RecordType.POLICY_LOADED and "terms" in record.facts:
            self._load(record.facts, record)

    def _load(self, facts: Facts, record: Record) -> None:
        pack = text_of(facts, "pack")
        try:
            where, terms = site_of(facts.get("site")), terms_of(facts["terms"])
            mode = Mode(text_of(facts, "mode"))
        except (InvalidInput, ValueError) as error:
            raise Wrong(f"The terms of pack {pack} cannot be read: {error}") from error
        cluster, sha256 = text_of(facts, "cluster"), text_of(facts, "sha256")
        known = self._terms.get(sha256)
        self._terms[sha256] = terms
        self._sites[cluster, sha256] = where
        if record.actor.kind is not ActorKind.PERSON:
            said = self._held.setdefault(cluster, {}).setdefault(pack, [])
            said.append(Held(record.at, sha256, mode, where))
        if known is not None and _comparable(known, terms) != _comparable(terms, known):
            raise Wrong(f"The terms of pack {pack} are not those known by its SHA-256.")


def told_questions(terms: Terms) -> Terms:
    """The terms with the one question that a rule named before packs told theirs: any answer is to it."""
    named = {asks for rule in terms.rules for asks in rule.inquiries}
    if terms.inquiries or not named:
        return terms
    return replace(terms, inquiries=tuple(InquiryTerms(each, InquiryKind.LICENCE, "", "") for each in sorted(named)))


def _comparable(terms: Terms, other: Terms) -> Terms:
    """Records of before packs could ask several questions hold none of them."""
    return terms if other.inquiries else replace(terms, inquiries=())
