"""`gatekeeper customer`: enrol, look at, approve, suspend and explain customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli import customer_apply
from gatekeeper.cli.customer_apply import suspicious_names, tell_changes, tell_difference, tell_groups
from gatekeeper.cli.options import (
    Config,
    Data,
    Output,
    Person,
    Printed,
    caller_of,
    day_of,
    opened,
    record_packs,
    start_of,
)
from gatekeeper.cli.printing import confirm, say, say_json, show
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Right, same_person

if TYPE_CHECKING:
    from gatekeeper.domain.tier import TierFinding
    from gatekeeper.registry import KycRecord, Review
    from gatekeeper.registry.namesakes import Namesake

_ALIKE = "its rules are the same for every tier"
app = typer.Typer(help="Enrol, approve, suspend and explain customers.", no_args_is_help=True)
Customer = Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Day on which it holds. Default: today.", metavar="YYYY-MM-DD")
]
KnownOn = Annotated[
    str | None,
    typer.Option("--known-on", help="By what was known at the end of this day. Default: now.", metavar="YYYY-MM-DD"),
]


app.command("apply", epilog=customer_apply.APPLY_EXAMPLE)(customer_apply.apply)
app.command("diff", epilog=customer_apply.DIFF_EXAMPLE)(customer_apply.diff)


@app.command("list", epilog="Example: gatekeeper customer list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all customers with their standing and tier."""
    with opened(config, data) as wiring:
        rows = [_row(review) for review in wiring.registry.reviews()]
    tiers = sorted({pack for row in rows for pack in row["tiers"]})
    flat = [{**row, **{pack: row["tiers"].get(pack) for pack in tiers}} for row in rows]
    told = ["look"] if any(row["look"] for row in rows) else []
    columns = ["customer", "standing", *tiers, "expires", "waits", *told]
    shown = rows if output is Output.JSON else flat
    show(shown, columns, output, nothing="No customers yet. Enrol one: gatekeeper customer apply -f FILE")


@app.command("show", epilog="Example: gatekeeper customer show bharat-models")
def show_(
    customer: Customer,
    *,
    as_of: AsOf = None,
    known_on: KnownOn = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show a customer's record, its tier and what waits for approval; or what was known of it on a day."""
    day, known = _day(as_of, "--as-of"), _day(known_on, "--known-on")
    with opened(config, data) as wiring:
        registry = wiring.registry
        if known is None and day is None:
            review = registry.review(customer)
        else:
            review = registry.review_known(customer, known_on=known or wiring.clock.now().date(), as_of=day)
        namesakes = registry.namesakes([review]).get(customer, ())
    if output is Output.JSON:
        say_json(_row(review) | _in_full(review) | {"namesakes": [asdict(each) for each in namesakes]})
        return
    _tell_review(review, namesakes)


@app.command(epilog="Example: gatekeeper customer approve bharat-models --as ben@provider.example")
def approve(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer.", show_default=False)] = None,
    *,
    batch: Annotated[
        str | None, typer.Option("--batch", help="All that waits of a batch that was applied together.", metavar="ID")
    ] = None,
    all_waiting: Annotated[bool, typer.Option("--all-waiting", help="All that waits.")] = False,
    seen: Annotated[
        str | None,
        typer.Option(
            "--seen", help="Fingerprint that `customer show` printed: approve this or nothing.", metavar="HASH"
        ),
    ] = None,
    expires_on: Annotated[
        str | None, typer.Option("--expires-on", help="First day without approval, UTC.", metavar="YYYY-MM-DD")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve what waits: a record, the end of a suspension (`reinstate`) or a renewal (`renew`).

    Shows it first, and approves exactly what it showed. Nobody who wrote any of it can approve it.
    """
    if (customer is not None) + (batch is not None) + all_waiting != 1:
        raise InvalidInput("Name one customer, or one batch with --batch, or --all-waiting.")
    with opened(config, data) as wiring:
        if customer is None:
            end = start_of(expires_on, "--expires-on")
            customer_apply.approve_batch(wiring, batch, person=person, seen=seen, expires_at=end, yes=yes)
            return
        by = caller_of(wiring, person, approves=True)
        review = wiring.registry.review(customer)
        if review.proposed is not None and same_person(by.name, review.prepared_by):
            raise NotPermitted(
                f"{by.name} prepared the record of customer {customer} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )
        if seen is None:
            _tell_review(review, wiring.registry.namesakes([review]).get(customer, ()))
            if not yes:
                confirm(f"Approve this as {by.name}?")
        record_packs(wiring, by, Right.APPROVE)
        approved = wiring.registry.approve(
            customer, by=by, expires_at=start_of(expires_on, "--expires-on"), seen=seen or review.fingerprint
        )
    say(f"customer {customer} approved by {approved.approved_by} until {approved.expires_at:%Y-%m-%d}")


@app.command(epilog='Example: gatekeeper customer suspend pacific-compute --reason "owner under inquiry"')
def suspend(
    customer: Customer,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Suspend a customer: nothing of it starts any more, and what runs is stopped."""
    with opened(config, data) as wiring:
        wiring.registry.suspend(customer, by=caller_of(wiring, person), reason=reason)
    say(
        f"customer {customer} suspended; two people lift that: gatekeeper customer reinstate {customer} --reason REASON"
    )


@app.command(epilog="Example: gatekeeper customer explain pacific-compute --as-of 2026-01-01")
def explain(
    customer: Customer,
    *,
    as_of: AsOf = None,
    known_on: KnownOn = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Explain the tier of a customer by each policy pack, with the path of owners to every reason.

    --as-of asks of the day on which something holds, --known-on of what had been entered by the end of a day; with
    --known-on alone both are that day.
    """
    day, known = _day(as_of, "--as-of"), _day(known_on, "--known-on")
    with opened(config, data) as wiring:
        if known is None:
            findings = wiring.registry.explain(customer, as_of=day)
        else:
            findings = wiring.registry.explain_known(customer, known_on=known, as_of=day)
        placing = {each.pack.id for each in wiring.packs if each.pack.tells_tiers_apart}
    if output is Output.JSON:
        say_json({pack: _finding_json(finding) for pack, finding in findings.items()})
        return
    for pack, finding in findings.items():
        if pack not in placing:
            say(f"{pack} places nobody: {_ALIKE}")
            continue
        say(f"{finding.tier} by {pack} on {finding.as_of}")
        for reason in finding.reasons:
            say(f"  {reason.tier}: {reason.text} [{reason.code}]")


def _day(text: str | None, option: str) -> date | None:
    return day_of(text, option) if text else None


def _tell_review(review: Review, namesakes: Iterable[Namesake]) -> None:
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


def _asked(review: Review) -> str:
    """What waits besides a changed record, and who wrote it."""
    waiting = review.waiting
    others = [each for each in waiting.authors if each != review.prepared_by] if waiting else []
    if waiting is None or waiting.ask.value == "change":
        return f"Prepared by {review.prepared_by}" + (f" after {', '.join(others)}" if others else "")
    what = {"reinstate": "asks to lift the suspension", "renew": "says that it stands"}[waiting.ask.value]
    change = f", with a change by {', '.join(others)}" if others else ""
    return f"{review.prepared_by} {what} ({waiting.reason}){change}"


def _in_full(review: Review) -> dict[str, Any]:
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
            {"party": each.party_id, "code": each.code, "recorded": each.recorded, "observed": each.observed}
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


def _words(review: Review) -> str:
    words = {"screening open": review.open_screenings, "register": review.conflicts, "override": review.override}
    return ", ".join(word for word, found in words.items() if found)


def _row(review: Review) -> dict[str, Any]:
    customer = review.customer
    return {
        "customer": customer.id,
        "standing": review.standing.value,
        "tiers": {pack: each.tier.value for pack, each in review.shown.items()},
        "tiers_if_approved": {pack: finding.tier.value for pack, finding in review.shown_if_approved.items()},
        "open_screenings": list(review.open_screenings),
        "override": review.override.id if review.override else None,
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


def _finding_json(finding: TierFinding) -> dict[str, object]:
    return {
        "tier": finding.tier.value,
        "as_of": finding.as_of,
        "reasons": [
            {"tier": each.tier.value, "code": each.code, "path": list(each.path), "text": each.text}
            for each in finding.reasons
        ],
    }
