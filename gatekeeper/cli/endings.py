"""`gatekeeper run end-reservation`, `ends`, `approve-end` and `reject-end`: what stays held after its pod vanished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import say, show
from gatekeeper.cli.two_hands import Yes, looked

if TYPE_CHECKING:
    from gatekeeper.domain.ending import ProposedEnd
    from gatekeeper.domain.ledger import Reservation

END_EXAMPLE = "Example: gatekeeper run end-reservation 5f2c... --reason 'node7 was removed while we were down'"
LIST_EXAMPLE = "Example: gatekeeper run ends --output json"
APPROVE_EXAMPLE = "Example: gatekeeper run approve-end 5f2c... --as ben@provider.example"
REJECT_EXAMPLE = "Example: gatekeeper run reject-end 5f2c... --as ben@provider.example"
ReservationId = Annotated[str, typer.Argument(help="Id of the reservation: its pod's uid.", show_default=False)]


def end_reservation(
    reservation: ReservationId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="How you know that nothing of it runs.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Propose to end a reservation whose pod vanished unseen. It is booked at its full worst case: no count gets lower.

    A second person approves. A pod that runs all the same is stopped, as it holds nothing any more.
    """
    with opened(config, data) as wiring:
        wiring.registry.propose_end(reservation, by=caller_of(wiring, person), reason=reason)
    decides = f"gatekeeper run approve-end {reservation}"
    say(f"the end of reservation {reservation} waits; a second person decides: {decides}")


def approve_end(
    reservation: ReservationId,
    yes: Yes = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve the end of a reservation. Shows it first; who proposed it cannot approve it."""
    from gatekeeper.registry.endings import existing_end

    with opened(config, data) as wiring:
        stores = wiring.stores
        by, (seen, _) = looked(
            wiring,
            person,
            lambda: stores.read(lambda reader: existing_end(reader, reservation)),
            _tell,
            lambda told: (told[0].proposed_by, f"proposed the end of reservation {reservation}"),
            yes=yes,
        )
        ended = wiring.registry.approve_end(reservation, by=by, seen=seen)
    say(f"reservation {ended.id} of run {ended.run_id} has ended; all that it held is booked as used")


def reject_end(reservation: ReservationId, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Drop an end that waits. One person does it: the reservation holds what it held."""
    with opened(config, data) as wiring:
        kept = wiring.registry.reject_end(reservation, by=caller_of(wiring, person))
    say(f"reservation {kept.id} of run {kept.run_id} holds what it held")


def ends(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List the ends of reservations that wait for a second person."""
    from gatekeeper.domain.units import format_flop

    with opened(config, data) as wiring:
        found = wiring.registry.waiting_ends()
    rows = [
        {
            "reservation": held.id,
            "run": held.run_id,
            "customer": held.customer_id,
            "workload": str(held.workload),
            "holds": format_flop(held.pending_tflop),
            "pending_tflop": str(held.pending_tflop),
            "proposed_by": proposed.proposed_by,
            "proposed_at": proposed.proposed_at,
            "reason": proposed.reason,
        }
        for proposed, held in found
    ]
    columns = ["reservation", "run", "workload", "holds", "proposed_by", "reason"]
    show(rows, columns, output, nothing="No end of a reservation waits.")


def _tell(found: tuple[ProposedEnd, Reservation]) -> None:
    from gatekeeper.domain.units import format_flop

    seen, held = found
    say(f"reservation {held.id} of run {held.run_id}, {held.workload}: holds {format_flop(held.pending_tflop)}")
    say(f"reason: {seen.reason}")
    say(f"proposed by {seen.proposed_by}")
