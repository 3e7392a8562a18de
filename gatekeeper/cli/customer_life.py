"""`gatekeeper customer submit`, `reinstate`, `renew`, `reject`, `reopen`, `close`, `history`, `due` and the overrides:
what becomes of a customer besides applying and approving its record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, say, say_json, show
from gatekeeper.cli.two_hands import Yes, looked
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import PartyKind

if TYPE_CHECKING:
    from gatekeeper.domain.override import Override
    from gatekeeper.registry.history import Change

Customer = Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.", show_default=False)]
SUBMIT_EXAMPLE = "Example: gatekeeper customer submit pacific-compute"
REINSTATE_EXAMPLE = 'Example: gatekeeper customer reinstate pacific-compute --reason "inquiry closed"'
RENEW_EXAMPLE = 'Example: gatekeeper customer renew pacific-compute --reason "register extract of May"'
REJECT_EXAMPLE = 'Example: gatekeeper customer reject pacific-compute --reason "no proof of headquarters"'
REOPEN_EXAMPLE = 'Example: gatekeeper customer reopen pacific-compute --reason "the court decided"'
CLOSE_EXAMPLE = 'Example: gatekeeper customer close pacific-compute --reason "contract ended"'
HISTORY_EXAMPLE = "Example: gatekeeper customer history pacific-compute --output json"
DUE_EXAMPLE = "Example: gatekeeper customer due --within 60d"
OVERRIDE_EXAMPLE = 'Example: gatekeeper customer override bharat-models --tier 1 --hours 12 --reason "register is down"'
APPROVE_OVERRIDE_EXAMPLE = "Example: gatekeeper customer approve-override bharat-models --as ben@provider.example"
END_OVERRIDE_EXAMPLE = "Example: gatekeeper customer end-override bharat-models"
OVERRIDES_EXAMPLE = "Example: gatekeeper customer overrides --output json"
# A whole party or proposal on one line is for programs.
_SHOWN_CHARACTERS = 100


def submit(customer: Customer, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Hand in a draft: from now on it waits for a second person."""
    with opened(config, data) as wiring:
        wiring.registry.submit(customer, by=caller_of(wiring, person))
    say(f"customer {customer} submitted; a second person decides: gatekeeper customer approve {customer}")


def reinstate(
    customer: Customer, reason: Reason, person: Person = None, config: Config = None, data: Data = None
) -> None:
    """Ask that a suspension be lifted; another person approves that."""
    with opened(config, data) as wiring:
        wiring.registry.reinstate(customer, by=caller_of(wiring, person), reason=reason)
    say(f"customer {customer} stays suspended until another person lifts it: gatekeeper customer approve {customer}")


def renew(
    customer: Customer,
    reason: Annotated[str, typer.Option("--reason", help="How it was verified.", metavar="TEXT")] = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say that a record was verified again and stands as it is; another person approves that."""
    with opened(config, data) as wiring:
        wiring.registry.renew(customer, by=caller_of(wiring, person), reason=reason)
    say(f"customer {customer} verified again; another person renews it: gatekeeper customer approve {customer}")


def reject(
    customer: Customer,
    reason: Reason,
    *,
    final: Annotated[bool, typer.Option("--final", help="For good: it cannot be applied again.")] = False,
    comment: Annotated[
        str, typer.Option("--comment-for-customer", help="What the customer is told.", metavar="TEXT")
    ] = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Reject what waits for approval. What is in effect stays."""
    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        rejected = wiring.registry.reject(customer, by=by, reason=reason, final=final, comment=comment)
    if rejected.final:
        say(f"customer {customer} rejected for good")
    elif rejected.standing.is_first_record:
        say(f"customer {customer} rejected (attempt {rejected.attempts}); a corrected file may be applied")
    else:
        say(f"the change of customer {customer} rejected; what is in effect stays")


def reopen(customer: Customer, reason: Reason, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Let a customer that was rejected for good hand in its record again. Who rejected it cannot."""
    with opened(config, data) as wiring:
        wiring.registry.reopen(customer, by=caller_of(wiring, person, approves=True), reason=reason)
    say(f"customer {customer} may be applied again; then a second person approves it")


def close(
    customer: Customer,
    reason: Reason,
    *,
    yes: Yes = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Close an account for good: nothing of it starts any more, what runs is stopped, and nobody opens it again."""
    from gatekeeper.registry.review import existing

    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        wiring.stores.read(lambda reader: existing(reader, customer))
        if not yes:
            confirm(f"Close customer {customer} for good?")
        wiring.registry.close(customer, by=by, reason=reason)
    say(f"customer {customer} closed")


def history(customer: Customer, output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """Show every version of a customer, of what waited, and of its owners: who wrote it, when, and what it changed."""
    with opened(config, data) as wiring:
        changes = wiring.registry.history(customer)
    if output is Output.JSON:
        say_json([_change_json(each) for each in changes])
        return
    for each in changes:
        row = _change_json(each)
        at, told = row["at"] or "known since the migration", f": {row['act']} by {row['by']}" if row["act"] else ""
        say(f"{at}  {row['kind']} {row['id']} version {row['number']}{told}")
        _tell_change(each)


def _tell_change(change: Change) -> None:
    """What a version changed: of one where nothing was before only what there is now, and of one that is gone that."""
    body = change.version.body
    if body is None:
        say("  nothing waits any more" if change.version.kind == "proposal" else "  it is gone")
        return
    is_person = change.version.kind == "party" and body.get("kind") == PartyKind.PERSON.value
    is_first = all(before is None for before, _ in change.changes.values())
    for name, pair in change.changes.items():
        before, after = map(_short, pair)
        called = "residence" if is_person and name == "headquarters" else name
        if before != after:  # an empty text of a first version says nothing
            say(f"  {called}: {after}" if is_first else f"  {called}: {before} -> {after}")


def due(
    within: Annotated[str, typer.Option("--within", help="Approvals that end within so many days.", metavar="60d")] = (
        "60d"
    ),
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List customers that have to be verified again: whose approval ends soon, or has ended."""
    span = timedelta(days=_days_of(within))
    with opened(config, data) as wiring:
        found = wiring.registry.due(within=span)
    rows = [
        {
            "customer": each.customer.id,
            "standing": each.standing.value,
            "ends": each.ends_at,
            "notice": each.kind.value if each.kind else None,
            "version": each.customer.version,
        }
        for each in found
    ]
    show(rows, ["customer", "standing", "ends", "notice"], output, nothing=f"No approval ends within {within}.")


def override(
    customer: Customer,
    *,
    tier: Annotated[str, typer.Option("--tier", help="What it is treated as: 1 or 2.", show_default=False)],
    hours: Annotated[int, typer.Option("--hours", help="How long, from the approval on; at most 72.")],
    reason: Reason,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Ask that a customer be treated as in a milder tier for some hours. It holds once a second person approves it."""
    from gatekeeper.domain.tier import Tier

    if tier not in ("1", "2"):
        raise InvalidInput(f"An override treats a customer as Tier 1 or 2, and not as {tier!r:.40}.")
    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        asked = wiring.registry.override(customer, tier=Tier(tier), hours=hours, reason=reason, by=by)
    say(f"override {asked.id} waits; a second person decides: gatekeeper customer approve-override {customer}")


def approve_override(
    customer: Customer,
    yes: Yes = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve the override of a customer that waits: it is in force from now on. Shows it first."""
    with opened(config, data) as wiring:
        registry = wiring.registry
        by, seen = looked(
            wiring,
            person,
            lambda: registry.waiting_override(customer),
            _tell_waiting,
            lambda waiting: (waiting.requested_by, f"asked for override {waiting.id}"),
            yes=yes,
        )
        approved = registry.approve_override(customer, by=by, seen=seen)
    say(f"override {approved.id} approved by {approved.approved_by} until {approved.ends_at:%Y-%m-%d %H:%M} UTC")


def end_override(customer: Customer, person: Person = None, config: Config = None, data: Data = None) -> None:
    """End the override of a customer before its time, or withdraw one that waits."""
    with opened(config, data) as wiring:
        ended = wiring.registry.end_override(customer, by=caller_of(wiring, person))
    say(f"override {ended.id} ended by {ended.ended_by}")


def overrides(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all overrides: what waits, what is in force, and what is over."""
    with opened(config, data) as wiring:
        now = wiring.clock.now()
        rows = [{**_override_json(each), "state": _state_of(each, now)} for each in wiring.registry.overrides()]
    columns = ["override", "customer", "tier", "state", "requested_by", "approved_by", "ends_at", "reason"]
    show(rows, columns, output, nothing="No override was ever asked for.")


def _tell_waiting(waiting: Override) -> None:
    asked = f"as {waiting.tier} for {waiting.hours} h: {waiting.reason}"
    say(f"{waiting.requested_by} asks to treat {waiting.customer_id} {asked}")


def _state_of(override: Override, now: datetime) -> str:
    if override.holds_at(now):
        return "in force"
    return "waits" if override.ends_at is None else "over"


def _override_json(override: Override) -> dict[str, Any]:
    return {
        "override": override.id,
        "customer": override.customer_id,
        "tier": override.tier.value,
        "hours": override.hours,
        "reason": override.reason,
        "requested_by": override.requested_by,
        "requested_at": override.requested_at,
        "approved_by": override.approved_by,
        "approved_at": override.approved_at,
        "ends_at": override.ends_at,
        "ended_by": override.ended_by,
    }


def _change_json(change: Change) -> dict[str, Any]:
    version = change.version
    record = version.record
    return {
        "kind": version.kind,
        "id": version.id,
        "number": version.number,
        "seq": version.seq if record else None,
        "at": record.at.isoformat(timespec="seconds").replace("+00:00", "Z") if record else None,
        "act": record.type.value if record else None,
        "by": record.actor.name if record else None,
        "changes": {name: list(pair) for name, pair in change.changes.items()},
        "body": version.body,
    }


def _short(value: object) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text or "nothing"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _days_of(text: str) -> int:
    plain = text.strip().lower().removesuffix("d")
    if not plain.isascii() or not plain.isdigit() or int(plain) > 3660:
        raise InvalidInput(f"--within: {text!r:.40} is no number of days.", hint="Write it as 60d.")
    return int(plain)
