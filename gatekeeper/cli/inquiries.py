"""`gatekeeper inquiry`: what a hold asks of the provider, and the answer of two people."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, say, say_json, show
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gatekeeper.domain.inquiry import Inquiry

app = typer.Typer(help="List and answer what held workloads wait for.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="Id of the inquiry: of its pack, its run and its question.")]
ANSWER_EXAMPLE = (
    "Example: gatekeeper inquiry answer us-ai-diffusion.indic-llm-2.export-of-the-model "
    "--answer 'Exports under a licence.' --licence D123456 --until 2027-05-31 --limit 1.5e26"
)

APPROVE_EXAMPLE = (
    "Example: gatekeeper inquiry approve us-ai-diffusion.indic-llm-2.export-of-the-model --as ben@provider.example"
)


@app.command("list", epilog="Example: gatekeeper inquiry list --open")
def list_(
    *,
    waiting: Annotated[
        bool, typer.Option("--open", help="Only those that somebody has to do something about.")
    ] = False,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List inquiries, oldest first."""
    from gatekeeper.inquiries import waits_for_answer

    with opened(config, data) as wiring:
        today = wiring.clock.now().date()
        found = wiring.stores.read(lambda reader: reader.inquiries())
    rows = [_row(each, today) for each in found if not waiting or waits_for_answer(each, today)]
    columns = ["inquiry", "customer", "kind", "state", "limit", "until"]
    show(rows, columns, output, nothing="No inquiry.")


@app.command("show", epilog="Example: gatekeeper inquiry show us-ai-diffusion.indic-llm-2.export-of-the-model")
def show_(inquiry: Id, output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """Show the question of an inquiry and its answer."""
    from gatekeeper.registry.inquiries import existing

    with opened(config, data) as wiring:
        today = wiring.clock.now().date()
        found = wiring.stores.read(lambda reader: existing(reader, inquiry))
    if output is Output.JSON:
        say_json({**_row(found, today), "question": found.question, "answer": found.answer})
        return
    _tell(found, today)


@app.command("answer", epilog=ANSWER_EXAMPLE)
def answer(
    inquiry: Id,
    *,
    answer: Annotated[str, typer.Option("--answer", help="What was found out, and from whom.", show_default=False)],
    licence: Annotated[str, typer.Option("--licence", help="Number of the licence, notice or attestation.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last day on which the answer holds: 2027-05-31.")] = "",
    limit: Annotated[str, typer.Option("--limit", help="What the run may come to in all: 1.5e26.")] = "",
    deny: Annotated[bool, typer.Option("--deny", help="The answer is no. One person is enough.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Answer an inquiry. A second person approves, unless the answer is no."""
    from gatekeeper.domain.units import parse_flop

    if deny and (licence or until or limit):
        raise InvalidInput("A denial permits nothing: leave --licence, --until and --limit out.")
    if not deny and not until:
        raise InvalidInput("Say until which day the answer holds.", hint="Use --until 2027-05-31.")
    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        if deny:
            wiring.registry.deny_inquiry(inquiry, answer=answer, by=by)
            say(f"inquiry {inquiry} is answered with no: what waits for it is refused")
            return
        limit_tflop = parse_flop(limit) if limit else None
        day = _day(until)
        wiring.registry.answer_inquiry(
            inquiry, answer=answer, licence=licence, until=day, limit_tflop=limit_tflop, by=by
        )
    say(f"inquiry {inquiry} is answered and waits; a second person decides: gatekeeper inquiry approve {inquiry}")


@app.command("approve", epilog=APPROVE_EXAMPLE)
def approve(
    inquiry: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve the answer to an inquiry, after it was shown: work that waits for it may go on."""
    from gatekeeper.registry.inquiries import existing

    with opened(config, data) as wiring:
        by = caller_of(wiring, person, approves=True)
        seen = wiring.stores.read(lambda reader: existing(reader, inquiry))
        _tell(seen, wiring.clock.now().date())
        refuse_first(wiring, by, (seen.answered_by,), f"answered inquiry {inquiry}")
        if not yes:
            confirm(f"Approve this as {by.name}?")
        wiring.registry.approve_inquiry(inquiry, by=by, seen=seen)
    say(f"inquiry {inquiry} is approved")


def _row(inquiry: Inquiry, today: date) -> dict[str, object]:
    from gatekeeper.domain.units import format_flop

    ended = inquiry.permit is not None and not inquiry.permit.denied and not inquiry.permit.holds_on(today)
    return {
        "inquiry": inquiry.id,
        "customer": inquiry.customer_id,
        "run": inquiry.run_id,
        "pack": inquiry.pack_id,
        "asks": inquiry.asks,
        "kind": inquiry.kind.value,
        "state": "ended" if ended else inquiry.state.value,
        "limit": "" if inquiry.limit_tflop is None else format_flop(inquiry.limit_tflop),
        "until": inquiry.until.isoformat() if inquiry.until else "",
        "licence": inquiry.licence,
        "answered_by": inquiry.answered_by,
        "approved_by": inquiry.approved_by,
    }


def _tell(inquiry: Inquiry, today: date) -> None:
    row = _row(inquiry, today)
    say(f"inquiry {inquiry.id} about run {inquiry.run_id} of customer {inquiry.customer_id}: {row['state']}")
    say(inquiry.question)
    if inquiry.answer:
        say(f"answer by {inquiry.answered_by}: {inquiry.answer}")
    if inquiry.licence:
        limit = f", up to {row['limit']} in all" if row["limit"] else ""
        say(f"{inquiry.kind.value}: {inquiry.licence}, until {row['until']}{limit}")
    if inquiry.approved_by:
        say(f"approved by {inquiry.approved_by}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r:.40} is not a day.", hint="Write it like 2027-05-31.") from error
