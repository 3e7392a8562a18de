"""`gatekeeper run correct`, `approve-correction` and `reject-correction`.

What was counted too low or too high is put right by new records.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Person, caller_of, opened
from gatekeeper.cli.printing import confirm, say
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gatekeeper.domain.correction import Correction

CORRECT_EXAMPLE = (
    "Example: gatekeeper run correct indic-llm-2 --high +1.2e22 --best +6e21 --reason 'node7 was not metered on 11-03'"
)
APPROVE_EXAMPLE = "Example: gatekeeper run approve-correction c1204 --as ben@provider.example"
REJECT_EXAMPLE = "Example: gatekeeper run reject-correction c1204 --as ben@provider.example"


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
            refuse_first(wiring, by, (seen.proposed_by,), f"proposed correction {correction}")
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


def _tell(correction: Correction) -> None:
    from gatekeeper.domain.units import format_change

    low, best, high = map(format_change, correction.amounts)
    say(f"correction {correction.id} of run {correction.run_id}: low {low}, best {best}, high {high}")
    say(f"reason: {correction.reason}")
    say(f"proposed by {correction.proposed_by}")
