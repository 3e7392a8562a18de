"""`gatekeeper demo` and `gatekeeper simulate`: the product's own code under a virtual clock, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Output, Printed
from gatekeeper.cli.printing import say, say_json, show
from gatekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.cli.printing import Row
    from gatekeeper.simulate.engine import Timeline
    from gatekeeper.simulate.folder import PlayFolder
    from gatekeeper.simulate.stage import Stage

DEMO_EXAMPLE = "Example: gatekeeper demo --out /tmp/demo"
SIMULATE_EXAMPLE = "Example: gatekeeper simulate examples/scenarios/two-jobs-metrics-lost.yaml --out out/what-if"
NOT_AS_TOLD = 1

Out = Annotated[Path, typer.Option("--out", help="Folder for pictures, log, database and settings.", metavar="FOLDER")]


def demo(out: Out = Path("out/demo")) -> int:
    """Tell the whole story: enrol, answer, train, draw, verify. Exit code 0 only if all went as told."""
    from rich.console import Console

    from gatekeeper.demo.show import run

    _quiet()
    _make(out)
    return 0 if run(out, Console(highlight=False)) else NOT_AS_TOLD


def simulate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file.", metavar="SCENARIO.yaml")],
    out: Out = Path("out/simulation"),
    output: Printed = Output.TABLE,
) -> None:
    """Play a what-if: customers, fleet, jobs and utilization in; timeline, decisions and pictures out.

    The folder then holds what a service would: --config FOLDER/config.yaml shows the play to every other command.
    """
    import sys
    from datetime import datetime, timedelta

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from gatekeeper.simulate.folder import PlayFolder
    from gatekeeper.simulate.scenario import load_scenario
    from gatekeeper.simulate.stage import Stage

    _quiet()
    loaded = load_scenario(scenario)
    _make(out)
    folder = PlayFolder(out)
    folder.clear()
    folder.write_config(loaded.spec)
    columns = (TextColumn("playing"), BarColumn(40), TextColumn("day {task.completed:.0f} of {task.total:.0f}"))
    with Stage(loaded, folder.database) as stage:
        stage.enrol()
        with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
            task = bar.add_task("", total=loaded.spec.days)

            def progress(moment: datetime) -> None:
                bar.update(task, completed=(moment - loaded.starts) / timedelta(days=1))

            timeline = stage.play(progress)
        pictures = _draw(stage, timeline, out)
        key, _ = folder.export(stage, purpose="what a simulation left")
        _report(stage, timeline, pictures, output)
    if output is Output.TABLE:
        _next(folder, timeline.runs, key)


def _make(out: Path) -> None:
    """The folder, in which files can be written.

    Raises:
        Unavailable: they cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".writable").touch()
        (out / ".writable").unlink()
    except OSError as error:
        raise Unavailable(
            f"Nothing can be written to {out}: {error.strerror}.", hint="Choose another folder with --out FOLDER."
        ) from error


def _draw(stage: Stage, timeline: Timeline, out: Path) -> dict[str, Path]:
    """One picture a run."""
    pictures = {run_id: out / f"{run_id}.svg" for run_id in timeline.runs}
    for run_id, path in pictures.items():
        path.write_text(stage.picture_of(run_id), encoding="utf-8")
    return pictures


def _next(folder: PlayFolder, runs: Sequence[str], key: str) -> None:
    say()
    say("Look for yourself:")
    for run_id in runs:
        say(f"  gatekeeper run show {run_id} --config {folder.config}")
    say(f"  gatekeeper blocked --config {folder.config}")
    say(f"  gatekeeper log verify {folder.exported} --key {key}")


def _report(stage: Stage, timeline: Timeline, pictures: dict[str, Path], output: Output) -> None:
    told: list[Row] = [
        {"at": each.at, "job": each.job, "verdict": each.decision.verdict.value, "sentence": each.decision.sentence}
        for each in timeline.told
    ]
    runs: list[Row] = [_totals(stage, timeline, run_id, str(picture)) for run_id, picture in pictures.items()]
    if output is Output.JSON:
        say_json({"title": stage.scenario.spec.title, "leases": len(timeline.leases), "told": told, "runs": runs})
        return
    show(told, ["at", "job", "verdict", "sentence"], output, nothing="No job asked for anything.")
    say()
    columns = ["run", "leases", "low", "best", "high", "limit", "picture"]
    show([_for_people(each) for each in runs], columns, output, nothing="No run held a lease.")


def _for_people(run: Row) -> Row:
    """The end of a run with its amounts as sentences write them."""
    from gatekeeper.domain.usage import Usage
    from gatekeeper.statements.words import below, bounds

    names = ("low", "best", "high")
    shown = bounds(Usage(*(int(str(run[f"{name}_tflop"])) for name in names)))
    amounts = {name: f"{amount} FLOP" for name, amount in zip(names, shown, strict=True)}
    return {**run, **amounts, "limit": f"{below(int(str(run['limit_tflop'])))} FLOP"}


def _totals(stage: Stage, timeline: Timeline, run_id: str, picture: str) -> Row:
    """The end of a run; amounts as text, since JavaScript rounds beyond 2^53."""
    settled = timeline.last_of(run_id).settled
    return {
        "run": run_id,
        "leases": sum(1 for lease in timeline.leases if lease.run_id == run_id),
        "low_tflop": str(settled.low_tflop),
        "best_tflop": str(settled.best_tflop),
        "high_tflop": str(settled.high_tflop),
        "limit_tflop": str(stage.limit_tflop),
        "picture": picture,
    }


def _quiet() -> None:
    """Service logs do not belong into a story: what went wrong is said by the story itself."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
