"""`gatekeeper customer hold`, `holds`, `lift-hold`, `approve-lift`, `reject-lift`, `retention`, `erase`,
`approve-erasure` and `reject-erasure`: what a closed account left behind, until it may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, count_of, say, show, warn
from gatekeeper.cli.two_hands import refuse_first

if TYPE_CHECKING:
    from gatekeeper.registry.retention import ErasurePlan, Kept
    from gatekeeper.wiring import Wiring

Customer = Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)]
Hold = Annotated[str, typer.Argument(help="Id of the legal hold.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
HOLD_EXAMPLE = 'Example: gatekeeper customer hold pacific-compute --reason "request of BIS of 2026-11-20"'
HOLDS_EXAMPLE = "Example: gatekeeper customer holds --output json"
LIFT_EXAMPLE = 'Example: gatekeeper customer lift-hold h17 --reason "written leave of 2027-02-01"'
APPROVE_LIFT_EXAMPLE = "Example: gatekeeper customer approve-lift h17 --as ben@provider.example"
REJECT_LIFT_EXAMPLE = "Example: gatekeeper customer reject-lift h17"
RETENTION_EXAMPLE = "Example: gatekeeper customer retention --due"
ERASE_EXAMPLE = 'Example: gatekeeper customer erase pacific-compute --reason "kept long enough" --dry-run'
APPROVE_ERASURE_EXAMPLE = "Example: gatekeeper customer approve-erasure pacific-compute --as ben@provider.example"
REJECT_ERASURE_EXAMPLE = "Example: gatekeeper customer reject-erasure pacific-compute"


def hold(customer: Customer, reason: Reason, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Place a legal hold: nothing of the customer is erased until two people lift it. One person places it."""
    with opened(config, data) as wiring:
        placed = wiring.registry.hold(customer, by=caller_of(wiring, person), reason=reason)
    say(f"customer {customer} is under legal hold {placed.id}")


def holds(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer; all without it.")] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List legal holds, lifted ones too."""
    with opened(config, data) as wiring:
        found = wiring.registry.legal_holds(customer)
    rows = [
        {
            "hold": each.id,
            "customer": each.customer_id,
            "state": "lifted" if not each.holds else "lifting waits" if each.lift_asked_by else "holds",
            "reason": each.reason,
            "placed_by": each.placed_by,
            "placed_at": each.placed_at,
            "lift_reason": each.lift_reason,
            "lift_asked_by": each.lift_asked_by,
            "lifted_by": each.lifted_by,
            "lifted_at": each.lifted_at,
        }
        for each in found
    ]
    columns = ["hold", "customer", "state", "reason", "placed_by", "placed_at"]
    show(rows, columns, output, nothing="No customer is under a legal hold.")


def lift_hold(hold: Hold, reason: Reason, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Ask that a legal hold be lifted; another person approves that."""
    with opened(config, data) as wiring:
        wiring.registry.ask_to_lift(hold, by=caller_of(wiring, person), reason=reason)
    say(f"legal hold {hold} holds until another person lifts it: gatekeeper customer approve-lift {hold}")


def approve_lift(hold: Hold, yes: Yes = False, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Lift a legal hold that another person asked to lift. Shows it first."""
    from gatekeeper.registry.holds import existing_hold

    with opened(config, data) as wiring:
        by = caller_of(wiring, person, approves=True)
        seen = wiring.stores.read(lambda reader: existing_hold(reader, hold))
        say(f"legal hold {seen.id} of customer {seen.customer_id}: {seen.reason} ({seen.placed_by})")
        say(
            f"to be lifted: {seen.lift_reason} ({seen.lift_asked_by})" if seen.lift_asked_by else "nobody asked to lift"
        )
        refuse_first(wiring, by, (seen.lift_asked_by,), f"asked to lift legal hold {hold}")
        if not yes:
            confirm(f"Lift it as {by.name}?")
        wiring.registry.approve_lift(hold, by=by, seen=seen)
    say(f"legal hold {hold} lifted")


def reject_lift(hold: Hold, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Drop the request to lift a legal hold. One person does it."""
    with opened(config, data) as wiring:
        wiring.registry.reject_lift(hold, by=caller_of(wiring, person))
    say(f"legal hold {hold} holds as before")


def retention(
    *,
    due: Annotated[bool, typer.Option("--due", help="Only what may be erased now.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="First finish erasures that were interrupted.")] = False,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List closed customers, until when what they told of themselves is kept, and what stands against erasing it."""
    with opened(config, data) as wiring:
        if finish:
            _finish(wiring)
        rows = [_row(each) for each in wiring.registry.retention(due=due)]
    columns = ["customer", "latest_event", "kept_until", "state", "holds"]
    show(rows, columns, output, nothing="Nothing may be erased yet." if due else "No closed account is kept.")


def erase(
    customer: Customer,
    reason: Reason,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and whether it may.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> int:
    """Ask to erase what a closed customer told of itself: profiles of all versions, and files of evidence that are its
    alone. Another person approves that. The log keeps their hashes, and stays whole."""
    with opened(config, data) as wiring:
        plan = wiring.registry.plan_erasure(customer)
        _tell(plan)
        if dry_run:
            say(plan.kept.refused or "it may be erased")
            return 1 if plan.kept.refused else 0
        wiring.registry.erase(customer, by=caller_of(wiring, person), reason=reason)
    say(f"nothing is erased until another person approves it: gatekeeper customer approve-erasure {customer}")
    return 0


def approve_erasure(
    customer: Customer, yes: Yes = False, person: Person = None, config: Config = None, data: Data = None
) -> None:
    """Erase what a closed customer told of itself, as another person asked. Shows first what goes.

    There is no way back. Backups, replicas and copies of the database are not reached: the provider lets them run out.
    """
    from gatekeeper.registry.retention import waiting_erasure

    with opened(config, data) as wiring:
        by = caller_of(wiring, person, approves=True)
        seen = wiring.stores.read(lambda reader: waiting_erasure(reader, customer))
        _tell(wiring.registry.plan_erasure(customer))
        say(f"{seen.asked_by} asks: {seen.reason}")
        refuse_first(wiring, by, (seen.asked_by,), f"asked to erase customer {customer}")
        if not yes:
            confirm(f"Erase this for good as {by.name}?")
        wiring.registry.approve_erasure(customer, by=by, seen=seen)
        say(f"customer {customer} erased; bytes are taken out of the database's files")
        _finish(wiring)


def reject_erasure(customer: Customer, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Drop an erasure that waits. One person does it: everything stays."""
    with opened(config, data) as wiring:
        wiring.registry.reject_erasure(customer, by=caller_of(wiring, person))
    say(f"nothing of customer {customer} is erased")


def _finish(wiring: Wiring) -> None:
    finished = wiring.registry.finish_erasures(wiring.evidence_files, wiring.stores.scrub)
    if not finished:
        return
    names = wiring.evidence_files.names()  # before the record: what comes in now is on it then
    unrecorded = set(names) - {each.sha256 for each in wiring.registry.kept_evidence()}
    what = "no byte of what was on record" if unrecorded else "no byte of it"
    for customer in finished:
        say(f"customer {customer}: {what} is left in the database's files and the folder of evidence")
    if unrecorded:
        warn(
            f"the folder of evidence has {count_of(len(unrecorded), 'file')} that nobody has on record, whoever's they "
            "are. Remove them: gatekeeper evidence verify --remove-unrecorded"
        )


def _tell(plan: ErasurePlan) -> None:
    kept = plan.kept
    last, until = f"{kept.last_event_at:%Y-%m-%d}", f"{kept.kept_until:%Y-%m-%d}"
    say(f"customer {kept.customer.id}: latest event {last}, kept until {until}")
    say(f"  {count_of(len(plan.profiles), 'version')} of its profile, each with its salt")
    shared = f"{len(plan.shared)} more stay, as other customers have them too"
    say(f"  {count_of(len(plan.files), 'file')} of evidence; {shared}")


def _row(kept: Kept) -> dict[str, Any]:
    erasure = kept.erasure
    if erasure is None:
        state = "may be erased" if not kept.refused else "kept"
    else:
        state = f"{erasure.asked_by} asks to erase" if erasure.waits else "erased; bytes are left"
    return {
        "customer": kept.customer.id,
        "latest_event": kept.last_event_at,
        "kept_until": kept.kept_until,
        "state": state,
        "holds": ", ".join(each.id for each in kept.holds),
        "refused": kept.refused,
    }
