"""What became of records, or would, in words: differences, tiers that move, groups that part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from gatekeeper.cli.printing import count_of, say, warn

if TYPE_CHECKING:
    from gatekeeper.registry import Applied, KycRecord, Plan, TierChange
    from gatekeeper.registry.consequences import GroupChange


# Of more than this nobody reads every line; `customer diff` shows them all.
SHOWN_MAX = 50
_LEFT_MAX = 20
_WORDS = {
    "enrolled": "enrolled",
    "at_once": "changed",
    "partly": "changed in part",
    "waits": "wait",
    "draft": "drafts",
    "withdrawn": "withdrawn",
    "unchanged": "unchanged",
}


def tell_difference(before: KycRecord | None, after: KycRecord) -> None:
    """Two records line by line, as `diff -u` and kubectl do."""
    import difflib

    from gatekeeper.customer_files import dump

    old, new = ([] if each is None else dump(each).splitlines() for each in (before, after))
    names = ("in effect" if before else "nothing", "applied")
    for line in difflib.unified_diff(old, new, *names, lineterm=""):
        say(line)


def tell_changes(changes: Iterable[TierChange]) -> None:
    """Customers whose tier a change moves."""
    for change in changes:
        when = f" from {change.day} on" if change.day else ""
        say(f"  customer {change.customer_id}: {change.before} becomes {change.after} by {change.pack}{when}")


def tell_groups(groups: Iterable[GroupChange]) -> None:
    """Customers that leave a corporate group, and with it what counts on one budget."""
    for each in groups:
        left = ", ".join(each.left[:_LEFT_MAX]) + (", ..." if len(each.left) > _LEFT_MAX else "")
        say(f"  customer {each.customer_id} no longer shares a budget with {left}")


def tell_all(plans: Sequence[Plan], *, dry_run: bool = False) -> None:
    """What became of each record; of many only of the first that changed."""
    changed = [plan for plan in plans if plan.outcome.value != "unchanged"]
    few = len(changed) <= SHOWN_MAX
    for plan in plans if few else changed[:SHOWN_MAX]:
        if few:
            tell_difference(plan.before, plan.wanted)
        _tell(plan, dry_run=dry_run)
        for name in suspicious_names(plan.wanted):
            warn(f"customer {plan.wanted.customer_id}: {name} mixes letters of several alphabets")
    if not few:
        say(f"and {len(changed) - SHOWN_MAX:,} more; `gatekeeper customer diff` shows each line")
    if len(plans) > 1:
        tell_summary(Counter(plan.outcome.value for plan in plans), dry_run=dry_run)


def tell_open_hits(plans: Iterable[Plan], parties: Collection[str]) -> None:
    """Whose tier is not what its record says: a hit on a name of it waits for people.

    Args:
        parties: ids with a hit that nobody has judged.
    """
    records = [plan.wanted for plan in plans]
    held = sorted({each.customer_id for each in records if any(party.id in parties for party in each.parties)})
    for customer in held[:SHOWN_MAX]:
        warn(
            f"customer {customer} is unresolved until people have judged the hits on its names, whatever its record "
            "says: gatekeeper screening hits --open"
        )
    if len(held) > SHOWN_MAX:
        warn(f"and {len(held) - SHOWN_MAX:,} more customers with open hits")


def suspicious_names(record: KycRecord) -> list[str]:
    """Names of its parties with a word in more than one alphabet: they may be made to look like another name."""
    from gatekeeper.domain.scripts import mixes_scripts

    names = {name for party in record.parties for name in (party.legal_name, *party.other_names)}
    return sorted(name for name in names if mixes_scripts(name))


def _tell(plan: Plan, *, dry_run: bool) -> None:
    """What became of a record, or would."""
    from gatekeeper.registry import Outcome

    customer = plan.wanted.customer_id
    tiers = ", ".join(f"{finding.tier} by {pack}" for pack, finding in plan.shown.items())
    next_step = f"; a second person decides: gatekeeper customer approve {customer}"
    says = {
        Outcome.UNCHANGED: "unchanged",
        Outcome.ENROLLED: f"enrolled ({tiers}){next_step}",
        Outcome.AT_ONCE: f"changed ({tiers}); it is as strict or stricter, so it took effect at once",
        Outcome.PARTLY: f"changed as far as it gets stricter; the rest ({tiers}) waits{next_step}",
        Outcome.WAITS: f"waits ({tiers}){next_step}",
        Outcome.DRAFT: f"kept as a draft ({tiers}); hand it in: gatekeeper customer submit {customer}",
        Outcome.WITHDRAWN: "unchanged; what had waited is withdrawn",
    }
    say(f"customer {customer} {says[plan.outcome]}{' (dry run: nothing was changed)' if dry_run else ''}")
    why = dict.fromkeys(each.deciding.text for each in plan.shown.values() if each.tier.value == "unresolved")
    for text in why if plan.outcome is not Outcome.UNCHANGED else ():
        say(f"  tier unresolved: {text}")
    if plan.replaced is not None:
        say(f"  replaces what {plan.replaced}")
    tell_changes(plan.changes)
    for each in plan.ended:
        was = f"until {each.ends_at:%Y-%m-%d %H:%M} UTC" if each.ends_at else "which waited"
        who = f"{each.requested_by} and {each.approved_by}" if each.approved_by else each.requested_by
        ends = "would end" if dry_run else "ended"
        warn(
            f"override {each.id} of customer {each.customer_id} as {each.tier} {was} {ends} with this: {who} had not "
            "seen what makes it stricter. To ask anew: gatekeeper customer override"
        )


def tell_summary(counts: Counter[str], *, dry_run: bool = False) -> None:
    """How many records became what."""
    told = ", ".join(f"{counts[each]:,} {word}" for each, word in _WORDS.items() if counts[each])
    said = " (dry run: nothing was changed)" if dry_run else ""
    say(f"{count_of(counts.total(), 'customer')}: {told}{said}".replace(" 1 wait,", " 1 waits,"))


def tell_batch(applied: Applied) -> None:
    """How the second person decides on all that wait."""
    waits = sum(applied.counts.get(each, 0) for each in ("enrolled", "partly", "waits"))
    if waits > 1:
        say(f"a second person decides on all that wait: gatekeeper customer approve --batch {applied.batch_id}")
