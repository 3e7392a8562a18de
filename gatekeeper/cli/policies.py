"""`gatekeeper policy`: the rules that decisions rest on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, opened
from gatekeeper.cli.printing import note, say, say_json, show

app = typer.Typer(help="List, show and test policy packs.", no_args_is_help=True)
FAILED = 1


@app.command("list", epilog="Example: gatekeeper policy list")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all policy packs with the mode that each is run in."""
    from gatekeeper.domain.policy import left_open
    from gatekeeper.domain.units import format_flop

    with opened(config, data) as wiring:
        packs, site, today = wiring.packs, wiring.site, wiring.clock.now().date()
    rows = [
        {
            "pack": active.pack.id,
            "version": active.pack.version,
            "mode": active.mode.value,
            "status": active.pack.legal_status.value,
            "threshold": format_flop(active.pack.threshold.effective_tflop(today)) if active.pack.threshold else "none",
            "title": active.pack.title,
            "sha256": active.pack.sha256,
        }
        for active in packs
    ]
    show(rows, ["pack", "version", "mode", "status", "threshold", "title"], output, nothing="No policy pack.")
    for name, asking in left_open(packs, site, today).items():
        note(f"site.{name} is not named; {', '.join(asking)} decides it as the strictest, for Tier 1 too.")


@app.command("show", epilog="Example: gatekeeper policy show us-ai-diffusion")
def show_(
    pack: Annotated[str, typer.Argument(help="Id of the pack.", show_default=False)],
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show a policy pack: threshold, rules and sources."""
    from gatekeeper.domain.errors import NotFound
    from gatekeeper.domain.units import format_duration, format_flop

    with opened(config, data) as wiring:
        active = next((each for each in wiring.packs if each.pack.id == pack), None)
        today = wiring.clock.now().date()
    if active is None:
        raise NotFound(f"There is no policy pack {pack!r:.80}.", hint="See `gatekeeper policy list`.")
    found, threshold, lease = active.pack, active.pack.threshold, active.pack.lease
    rules = [
        {
            "tiers": " ".join(sorted(tier.value for tier in rule.tiers)),
            "authorizations": " ".join(sorted(rule.authorizations)) if rule.authorizations else "any",
            "countries": " ".join(sorted(rule.countries)) if rule.countries else "any",
            "action": rule.action.value,
            "code": rule.code,
            "text": rule.text,
            "source": rule.source,
        }
        for rule in found.rules
    ]
    if output is Output.JSON:
        say_json(
            {
                "pack": found.id,
                "version": found.version,
                "title": found.title,
                "mode": active.mode.value,
                "status": found.legal_status.value,
                "threshold_tflop": str(threshold.effective_tflop(today)) if threshold else None,
                "limit_tflop": str(threshold.limit_tflop(today)) if threshold else None,
                "rules": rules,
                "citations": list(found.citations),
                "sha256": found.sha256,
            }
        )
        return
    say(f"{found.title} ({found.id}, {found.version}): mode {active.mode.value}, {found.legal_status.value}")
    if threshold is not None:
        at = "at or above" if threshold.reached_is_controlled else "above"
        say(f"controlled {at} {format_flop(threshold.effective_tflop(today))}: {threshold.source}")
    say(f"leases: {format_duration(lease.shortest_s)} to {format_duration(lease.longest_s)}")
    say()
    show(rules, ["tiers", "authorizations", "countries", "action", "code"], output, nothing="No rules.")
    say()
    for citation in found.citations:
        say(f"- {citation}")


@app.command("test", epilog="Example: gatekeeper policy test policies/us-ai-diffusion")
def ask_suites(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of packs. Default: all.", show_default=False)
    ] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Ask policy packs every question of their suites and samples."""
    from gatekeeper.policy_files import PACK_FILE, run_suite

    with opened(config, data) as wiring:
        chosen = folders or sorted(path.parent for path in wiring.policies_dir.glob(f"*/{PACK_FILE}"))
    results = [(folder, result) for folder in chosen for result in run_suite(folder)]
    failed = [result for _, result in results if not result.passed]
    if output is Output.JSON:
        rows = [
            {
                "pack": folder.name,
                "case": each.name,
                "where": each.where,
                "passed": each.passed,
                "expected": dict(each.expected),
                "got": dict(each.got),
            }
            for folder, each in results
        ]
        say_json(rows)
    else:
        for each in failed:
            say(f"{each.where}: {each.name}: expected {dict(each.expected)}, got {dict(each.got)}")
        for folder in chosen:
            mine = [result for where, result in results if where == folder]
            say(f"{folder.name}: {sum(each.passed for each in mine)} of {len(mine)} cases passed")
    if failed:
        raise typer.Exit(FAILED)
