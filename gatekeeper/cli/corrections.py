"""`gatekeeper run correct`, `approve-correction` and `reject-correction`; and `end-reservation`, `approve-end`.

What was counted too low or too high is put right by new records, and what stays held after its pod vanished is ended.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Person, caller_of, opened
from gatekeeper.cli.printing import confirm, say
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gatekeeper.domain.correction import Correction

CORRECT_EXAMPLE = (
    "Example: gatekeeper run correct indic-llm-2 --high +1.2e22 --best +6e21 --reason 'node7 was not metered on 11-03'"
)
APPROVE_EXAMPLE = "Example: gatekeeper run approve-correction c1204 --as ben@provider.example"

REJECT_EXAMPLE = "Example: gatekeeper run reject-correction c1204 --as ben@provider.example"
END_EXAMPLE = "Example: gatekeeper run end-reservation 5f2c... --reason 'node7 was removed while we were down'"
APPROVE_END_EXAMPLE = "Example: gatekeeper run approve-end 5f2c... --as ben@provider.example"
ReservationId = Annotated[str, typer.Argument(help="Id of the reservation: its pod's uid.", show_default=False)]


def correct(
    run: Annotated[str, typer.Argument(help="Id of the run.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, and by what evidence.", show_default=False)],
    low: Annotated[str | None, typer.Option("--low", help="Change of the lower bound, such as +1e21 or -1e21.")] = None,
    best: Annotated[str | None, typer.Option("--best", help="Change of the best estimate.")] = None,
    high: Annotated[str | None, typer.Option("--high", help="Change of the upper bound, which counts.")] = None,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Correct what a run has used, by a signed amount. Nothing that was recorded is changed: this adds a record.

    Raising takes effect at once. Lowering any of the three, or raising one by more than 1e25, needs a second person.
    """
    from gatekeeper.domain.units import parse_signed_flop

    if low is None and best is None and high is None:
        raise InvalidInput(
            "Say at least one of --low, --best and --high.",
            hint=f"Example: gatekeeper run correct {quote(run)} --high +1.2e22 --reason {quote(reason)}",
        )
    with opened(config, data) as wiring:
        correction = wiring.registry.correct(
            run,
            by=caller_of(wiring, person),
            reason=reason,
            low_tflop=parse_signed_flop(low or "+0"),
            best_tflop=parse_signed_flop(best or "+0"),
            high_tflop=parse_signed_flop(high or "+0"),
        )
    if correction.in_effect:
        say(f"correction {correction.id} of run {run} is in effect")
        return
    decides = f"gatekeeper run approve-correction {correction.id}"
    say(f"correction {correction.id} of run {run} waits; a second person decides: {decides}")


def approve_correction(
    correction: Annotated[str, typer.Argument(help="Id of the correction.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve a correction that waits. Shows it first; who proposed it cannot approve it."""
    with opened(config, data) as wiring:
        seen = wiring.stores.read(lambda reader: reader.correction(correction))
        by = caller_of(wiring, person, approves=True)
        if seen is not None:
            _tell(seen)
            if not yes:
                confirm(f"Approve this as {by.name}?")
        approved = wiring.registry.approve_correction(correction, by=by, seen=seen)
    say(f"correction {approved.id} of run {approved.run_id} is in effect")


def reject_correction(
    correction: Annotated[str, typer.Argument(help="Id of the correction.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Drop a correction that waits. One person does it: what is booked stays as it is."""
    with opened(config, data) as wiring:
        rejected = wiring.registry.reject_correction(correction, by=caller_of(wiring, person))
    say(f"correction {rejected.id} of run {rejected.run_id} is dropped; nothing was booked")


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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve the end of a reservation. Shows it first; who proposed it cannot approve it."""
    from gatekeeper.domain.units import format_flop

    with opened(config, data) as wiring:
        seen, held = wiring.stores.read(lambda it: (it.proposed_end(reservation), it.reservation(reservation)))
        by = caller_of(wiring, person, approves=True)
        if seen is not None and held is not None:
            say(f"reservation {held.id} of run {held.run_id}, {held.workload}: holds {format_flop(held.pending_tflop)}")
            say(f"reason: {seen.reason}")
            say(f"proposed by {seen.proposed_by}")
            if not yes:
                confirm(f"Approve this as {by.name}?")
        ended = wiring.registry.approve_end(reservation, by=by, seen=seen)
    say(f"reservation {ended.id} of run {ended.run_id} has ended; all that it held is booked as used")


def _tell(correction: Correction) -> None:
    from gatekeeper.domain.units import format_change

    low, best, high = map(format_change, correction.amounts)
    say(f"correction {correction.id} of run {correction.run_id}: low {low}, best {best}, high {high}")
    say(f"reason: {correction.reason}")
    say(f"proposed by {correction.proposed_by}")
