"""`gatekeeper tier`: the tier of every party of an ownership graph in a file, with the path that explains it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Output, Printed, day_of
from gatekeeper.cli.printing import note, placing_nobody, say, show, warn
from gatekeeper.cli.tier_changes import changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from gatekeeper.domain.policy import Pack
    from gatekeeper.domain.resolving import Resolver
    from gatekeeper.domain.tier import TierFinding

app = typer.Typer(help="Resolve tiers from owners and headquarters.", no_args_is_help=True)
DEFAULT_PACK = "us-ai-diffusion"
RESOLVE_EXAMPLE = "Example: gatekeeper tier resolve --graph examples/graphs/joint-venture.json --as-of 2026-11-22"
# From so many parties on it takes long enough for people to want to see that it moves.
_WORTH_A_BAR = 20_000


app.command("changes", epilog="Example: gatekeeper tier changes --since 2026-11-01")(changes)


@app.command("resolve", epilog=RESOLVE_EXAMPLE)
def resolve(
    graph: Annotated[Path, typer.Option("--graph", help="Ownership graph as JSON; - for stdin.", metavar="FILE")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day to resolve for. Default: today, in UTC.", metavar="DATE")
    ] = None,
    party: Annotated[str | None, typer.Option("--party", help="Only this party, by its id.", metavar="ID")] = None,
    pack: Annotated[
        str, typer.Option("--pack", help="Policy pack that comes with the package, or the folder of one.", metavar="ID")
    ] = DEFAULT_PACK,
    output: Printed = Output.TABLE,
) -> None:
    """Resolve the tiers of an ownership graph in a file, without a database.

    A tier is the worst over the party's headquarters, its parents, and owners of at least half of it: see
    docs/tiers.md for the rules and the format of the file.
    """
    from gatekeeper.domain.cascade import Settled
    from gatekeeper.domain.errors import NotFound
    from gatekeeper.domain.holdings import Holdings
    from gatekeeper.domain.resolving import Resolver
    from gatekeeper.graph_files import read_graph

    chosen, day = _pack_of(pack), _day(as_of)
    table, alike = chosen.tiers, not chosen.tells_tiers_apart
    if alike and output is not Output.TABLE:
        note(f"{placing_nobody(chosen.id)}.")
    if table.is_before(day) and not alike:
        warn(f"the table of {pack} begins on {table.begins}: before, who is not Tier 3 is unresolved")
    parties = read_graph(graph)
    if party is not None and party not in parties:
        raise NotFound(f"{graph} has no party {party!r:.80}.")
    if alike and output is Output.TABLE:
        say(placing_nobody(chosen.id))
        return
    wanted = list(parties) if party is None else [party]
    resolver = Resolver(Settled(Holdings(parties, wanted, table, day)))
    findings = _findings(resolver, wanted)
    if output is Output.JSON:
        _say_json(findings)
    elif party is not None:
        _say_tree(resolver, next(findings))
    else:
        rows = [_row(each) for each in findings]
        show(rows, ["party", "tier", "reason", "because"], output, nothing="No parties.")


def _pack_of(pack: str) -> Pack:
    """A pack by its id or folder.

    Raises:
        NotFound: no such pack.
    """
    from gatekeeper.domain.errors import NotFound
    from gatekeeper.policy_files import PACK_FILE, bundled_dir, load_pack

    for folder in (bundled_dir() / pack, Path(pack)):
        if (folder / PACK_FILE).is_file():
            return load_pack(folder)
    raise NotFound(f"There is no policy pack {pack!r:.80}.", hint="See `gatekeeper policy list`, or name its folder.")


def _day(text: str | None) -> date:
    from datetime import UTC, datetime

    return datetime.now(UTC).date() if text is None else day_of(text, "--as-of")


def _findings(resolver: Resolver, wanted: list[str]) -> Iterator[TierFinding]:
    """The findings one by one, with a bar where somebody waits for many."""
    if len(wanted) < _WORTH_A_BAR or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from map(resolver.finding, wanted)
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(file=sys.stderr)
    yield from map(resolver.finding, track(wanted, "resolving", console=console, transient=True))


def _say_json(findings: Iterator[TierFinding]) -> None:
    """One object, written party by party: a large graph's findings are never all in memory."""
    import json

    sys.stdout.write("{")
    for index, each in enumerate(findings):
        tier = int(each.tier.value) if each.tier.value.isdigit() else each.tier.value
        reasons = [{"code": why.code, "path": list(why.path), "text": why.text} for why in each.reasons]
        value = json.dumps({"tier": tier, "reasons": reasons}, indent=2).replace("\n", "\n  ")
        sys.stdout.write(f"{',' if index else ''}\n  {json.dumps(each.party_id)}: {value}")
    sys.stdout.write("\n}\n")


def _row(finding: TierFinding) -> dict[str, object]:
    return {
        "party": finding.party_id,
        "tier": finding.tier.value,
        "reason": finding.deciding.code,
        "because": finding.deciding.text,
    }


def _say_tree(resolver: Resolver, finding: TierFinding) -> None:
    """One party: the path that decides, step by step, and every reason."""
    say(f"{finding.party_id}: {finding.tier} as of {finding.as_of}")
    say()
    for depth, step in enumerate(resolver.steps(finding.deciding.path)):
        say(f"{'   ' * (depth - 1)}└─ {step}" if depth else step)
    say()
    for reason in finding.reasons:
        say(f"{reason.tier}: {reason.text} [{reason.code}]")
    if finding.more:
        say(f"and at least {finding.more:,} more reasons that are no stricter")
