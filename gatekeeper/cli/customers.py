"""`gatekeeper customer`: enrol, look at, approve, suspend and explain customers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from gatekeeper.cli import customer_apply
from gatekeeper.cli.customer_shown import finding_json, in_full, row_of, tell_approved, tell_end, tell_review
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
from gatekeeper.cli.printing import confirm, placing_nobody, say, say_json, show
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Right

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
        rows = [row_of(review) for review in wiring.registry.reviews()]
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
        ends = registry.if_approved(review) if review.proposed is not None and known is None and day is None else None
        now = wiring.clock.now()
    if output is Output.JSON:
        say_json(row_of(review) | in_full(review) | {"namesakes": [asdict(each) for each in namesakes]})
        return
    tell_review(review, namesakes)
    if ends is not None:
        tell_end(*ends, now)


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
        wiring.registry.check_may_approve(review, by=by)
        end = start_of(expires_on, "--expires-on")
        ends, stands = wiring.registry.if_approved(review, end)
        if seen is None:
            tell_review(review, wiring.registry.namesakes([review]).get(customer, ()))
            if review.proposed is not None:
                tell_end(ends, stands, wiring.clock.now())
            if not yes:
                confirm(f"Approve this as {by.name}?")
        record_packs(wiring, by, Right.APPROVE)
        approved = wiring.registry.approve(customer, by=by, expires_at=end, seen=seen or review.fingerprint)
        tell_approved(approved, stands, wiring.clock.now())


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
        say_json({pack: finding_json(finding) for pack, finding in findings.items()})
        return
    for pack, finding in findings.items():
        if pack not in placing:
            say(placing_nobody(pack))
            continue
        say(f"{finding.tier} by {pack} on {finding.as_of}")
        for reason in finding.reasons:
            say(f"  {reason.tier}: {reason.text} [{reason.code}]")


def _day(text: str | None, option: str) -> date | None:
    return day_of(text, option) if text else None
