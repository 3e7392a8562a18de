"""A customer as people and programs are shown it: in words, as a row of a list, and in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gatekeeper.cli.customer_told import suspicious_names, tell_changes, tell_difference, tell_groups
from gatekeeper.cli.printing import say

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.domain.customer import Customer
    from gatekeeper.domain.tier import TierFinding
    from gatekeeper.registry import KycRecord, Review
    from gatekeeper.registry.lifting import Interrupted
    from gatekeeper.registry.namesakes import Namesake


def tell_review(review: Review, namesakes: Iterable[Namesake]) -> None:
    """A customer as an approver sees it, in words."""
    from gatekeeper.customer_files import dump
    from gatekeeper.registry.kyc_record import PARTIES_MAX

    customer = review.customer
    until = f" until {customer.expires_at:%Y-%m-%d}" if customer.expires_at else ""
    say(f"customer {customer.id}: {review.standing.value}{until}, version {customer.version}")
    approved = f", approved by {customer.approved_by}" if customer.approved_by else ""
    say(f"prepared by {customer.prepared_by}{approved}")
    if customer.reason:
        say(f"reason: {customer.reason}")
    _tell_tiers(review.shown)
    _tell_open(review)
    say()
    shown = review.in_effect or review.looked_at
    say(dump(shown, first=review.told, at_most=PARTIES_MAX).rstrip())
    if len(shown.parties) > PARTIES_MAX:
        say(f"and {len(shown.parties) - PARTIES_MAX:,} more parties; `--output json` has all of them")
    say()
    if review.proposed is not None and review.in_effect is not None:
        say(f"{_asked(review)}, and waits for a second person:")
        tell_difference(review.in_effect, review.proposed)
        say("If approved:")
        _tell_tiers(review.shown_if_approved)
    tell_changes(review.changes)
    tell_groups(review.groups)
    if review.stale:
        say(f"Changed by others since, so that it has to be applied again: {', '.join(review.stale)}")
    for name in suspicious_names(review.looked_at):
        say(f"Look closely: {name} mixes letters of several alphabets.")
    for each in namesakes:
        say(f"Look closely: {each}.")
    say(f"fingerprint: {review.fingerprint}")


def tell_end(ends: datetime, stands: Interrupted | None, now: datetime, *, before: str = "") -> None:
    """When the approval ends that somebody is asked for, before the answer."""
    if stands is None:
        say(f"{before}If approved: approved until {ends:%Y-%m-%d}")
        return
    hands = f"prepared by {stands.prepared_by}, approved by {stands.approved_by}"
    say(f"{before}If approved: {_as_before(ends, now)}, {hands}")


def tell_approved(customer: Customer, stands: Interrupted | None, now: datetime) -> None:
    """What an approval did."""
    ends = customer.expires_at or now
    if stands is None:
        say(f"customer {customer.id} approved by {customer.approved_by} until {ends:%Y-%m-%d}")
        return
    say(f"customer {customer.id}: {customer.reason}; it is {_as_before(ends, now)}")
    if ends <= now:
        say(f"It has to be verified again: gatekeeper customer renew {customer.id}")


def _as_before(ends: datetime, now: datetime) -> str:
    return f"approved until {ends:%Y-%m-%d} as before" if ends > now else f"expired since {ends:%Y-%m-%d} as before"


def _asked(review: Review) -> str:
    """What waits besides a changed record, and who wrote it."""
    waiting = review.waiting
    others = [each for each in waiting.authors if each != review.prepared_by] if waiting else []
    if waiting is None or waiting.ask.value == "change":
        return f"Prepared by {review.prepared_by}" + (f" after {', '.join(others)}" if others else "")
    what = {"reinstate": "asks to lift the suspension", "renew": "says that it stands"}[waiting.ask.value]
    change = f", with a change by {', '.join(others)}" if others else ""
    return f"{review.prepared_by} {what} ({waiting.reason}){change}"


def in_full(review: Review) -> dict[str, Any]:
    """What an approver looks at besides the row of a list."""
    return {
        "record": _json(review.in_effect),
        "proposed": _json(review.proposed),
        "ask": review.ask.value,
        "ask_reason": review.waiting.reason if review.waiting else "",
        "authors": list(review.waiting.authors) if review.waiting else [],
        "stale": list(review.stale),
        "changes": [
            {
                "customer": each.customer_id,
                "pack": each.pack,
                "before": each.before.value,
                "after": each.after.value,
                "day": each.day,
            }
            for each in review.changes
        ],
        "groups": [{"customer": each.customer_id, "left": list(each.left)} for each in review.groups],
        "conflicts": [
            {
                "party": each.party_id,
                "code": each.code,
                "recorded": each.recorded,
                "observed": each.observed,
                "overwritten_by": each.overwritten_by or None,
                "overwritten_at": each.overwritten_at,
            }
            for each in review.conflicts
        ],
        "fingerprint": review.fingerprint,
    }


def _tell_tiers(findings: Mapping[str, TierFinding]) -> None:
    for pack, finding in findings.items():
        say(f"{finding.tier} by {pack}: {finding.deciding.text}")


def _tell_open(review: Review) -> None:
    """What stands beside the record, and decides with it."""
    for each in review.open_screenings:
        say(f"Screening open: a hit on the name of {each} waits to be judged: gatekeeper screening hits --open")
    for told in review.conflicts:
        say(f"Register: party {told.party_id}, {told.in_words} [kyc.conflict.{told.code}]")
    if review.override is not None:
        say(f"Override {review.override.id} in force: {review.override.told}")
    if (asked := review.override_waits) is not None:
        say(
            f"Override {asked.id} waits for a second person: {asked.requested_by} asks to treat {asked.customer_id} as "
            f"{asked.tier} for {asked.hours} h ({' '.join(asked.reason.split())}): "
            f"gatekeeper customer approve-override {asked.customer_id}"
        )


def _words(review: Review) -> str:
    words = {
        "screening open": review.open_screenings,
        "register": review.conflicts,
        "override": review.override,
        "override waits": review.override_waits,
    }
    return ", ".join(word for word, found in words.items() if found)


def row_of(review: Review) -> dict[str, Any]:
    """A customer as a row of a list."""
    customer = review.customer
    return {
        "customer": customer.id,
        "standing": review.standing.value,
        "tiers": {pack: each.tier.value for pack, each in review.shown.items()},
        "tiers_if_approved": {pack: finding.tier.value for pack, finding in review.shown_if_approved.items()},
        "open_screenings": list(review.open_screenings),
        "override": review.override.id if review.override else None,
        "override_waits": review.override_waits.id if review.override_waits else None,
        "look": _words(review),
        "party": review.looked_at.party_id,
        "version": customer.version,
        "prepared_by": review.prepared_by,
        "approved_by": customer.approved_by,
        "expires": customer.expires_at.date() if customer.expires_at else None,
        "reason": customer.reason,
        "waits": "yes" if review.proposed else "no",
    }


def _json(record: KycRecord | None) -> Mapping[str, object] | None:
    from gatekeeper.registry.kyc_record import record_json

    return None if record is None else record_json(record)


def finding_json(finding: TierFinding) -> dict[str, object]:
    """A tier with every reason, for programs."""
    return {
        "tier": finding.tier.value,
        "as_of": finding.as_of,
        "reasons": [
            {"tier": each.tier.value, "code": each.code, "path": list(each.path), "text": each.text}
            for each in finding.reasons
        ],
    }
