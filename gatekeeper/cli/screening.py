"""`gatekeeper screening`: screen again, look at hits, judge them and confirm."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import count_of, say, show
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.screening import Hit

app = typer.Typer(help="Screen names against the lists that are loaded, and judge the hits.", no_args_is_help=True)
HitId = Annotated[str, typer.Argument(help="Id of the hit, whole, as `screening hits` shows it.", show_default=False)]


@app.command(epilog="Example: gatekeeper screening run --party nile-robotics --as ana")
def run(
    party: Annotated[str | None, typer.Option("--party", help="One party. Default: all.", show_default=False)] = None,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Compare the parties of all customers with the lists again."""
    with opened(config, data) as wiring:
        done = wiring.registry.screen(by=caller_of(wiring, person), party_id=party)
    if done is None:
        say("No list is loaded: see `gatekeeper list import --help`.")
        return
    say(f"{count_of(done.parties, 'party', 'parties')} screened: {count_of(len(done.hits), 'new hit')}.")


@app.command(epilog="Example: gatekeeper screening hits --open")
def hits(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that nobody has judged yet.")] = False,
    party: Annotated[str | None, typer.Option("--party", help="Of one party.", show_default=False)] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the hits of parties' names on lists."""
    with opened(config, data) as wiring:
        found = wiring.registry.hits(only_open=only_open, party_id=party)
    rows = [
        {
            "hit": each.id,
            "state": _state_of(each),
            "party": each.party_id,
            "name": each.party_name,
            "score": each.score,
            "list": each.list,
            "entry": each.entry_name,
            "key": each.entry_key,
            "judged_by": each.judged_by,
            "proposed": each.proposed,
            "reason": each.reason,
            "confirmed_by": each.confirmed_by,
        }
        for each in found
    ]
    columns = ["hit", "state", "party", "name", "score", "list", "entry", "judged_by"]
    show(rows, columns, output, nothing="No hits." if not only_open else "No open hits.")


def _state_of(hit: Hit) -> str:
    """In words: what is open, and for whom it waits."""
    if hit.proposed:
        return f"{hit.state.value}, {hit.judged_by} says false and a second person decides"
    if not hit.blocks:
        return hit.state.value
    return "open, not compared" if hit.is_unscreened else "open"


@app.command(epilog="Example: gatekeeper screening judge HIT --true-match --reason 'same address' --as ana")
def judge(
    hit: HitId,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the log.", show_default=False)],
    true_match: Annotated[bool, typer.Option("--true-match", help="It is the listed party.")] = False,
    false_positive: Annotated[bool, typer.Option("--false-positive", help="It is another party.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say whether a hit is the listed party. That it is takes effect at once; that it is not needs a second person."""
    if true_match is false_positive:
        raise InvalidInput("Say either --true-match or --false-positive.")
    with opened(config, data) as wiring:
        judged = wiring.registry.judge(hit, true_match=true_match, reason=reason, by=caller_of(wiring, person))
    if true_match:
        say(f"Hit {judged.id}: party {judged.party_id} is on the list {judged.list}. It takes effect now.")
    else:
        say(f"Hit {judged.id} waits for a second person: gatekeeper screening confirm {judged.id} --as PERSON")


@app.command(epilog="Example: gatekeeper screening confirm HIT --as ben")
def confirm(hit: HitId, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Agree, as the second person, that a hit is another party."""
    with opened(config, data) as wiring:
        done = wiring.registry.confirm(hit, by=caller_of(wiring, person, approves=True))
    say(f"Hit {done.id} is put aside: party {done.party_id} is not {done.entry_name}.")
