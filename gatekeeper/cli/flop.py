"""`gatekeeper flop`: operations worked out from what is stated of a run, not from counters."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gatekeeper.cli.options import Config, Output, Printed, opened
from gatekeeper.cli.printing import say, say_json, warn
from gatekeeper.domain.accelerators import Format
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.estimate import UtilizationKind

if TYPE_CHECKING:
    from gatekeeper.domain.catalogue import Catalogue
    from gatekeeper.domain.estimate import Stated
    from gatekeeper.domain.plan import Plan

T = TypeVar("T")
app = typer.Typer(help="Estimate operations from devices, hours and utilization.", no_args_is_help=True)


class Precision(StrEnum):
    """Formats as people write them: all of 16 bits are one, as every chip of the catalogue runs them at one rate."""

    TF32 = "tf32"
    BF16 = "bf16"
    FP16 = "fp16"
    BITS16 = "16bit"
    FP8 = "fp8"
    INT8 = "int8"
    FP4 = "fp4"

    @property
    def counted_as(self) -> Format:
        """The format that it is counted as."""
        return Format.BF16 if self in {Precision.FP16, Precision.BITS16} else Format(self.value)


@app.callback()
def _group() -> None:
    """Keeps `estimate` a word of its own while it is the only command."""


@app.command(
    "estimate",
    epilog="Example: gatekeeper flop estimate --device H100-SXM5 --count 16384 --hours 1882.3 "
    "--utilization 0.404 --utilization-kind mfu --params 4.05e11 --tokens 1.56e13",
)
def estimate_(
    *,
    device: Annotated[
        str | None, typer.Option(help="Name of the device, as labels or data sheets print it.", show_default=False)
    ] = None,
    count: Annotated[int | None, typer.Option(help="How many of them.", show_default=False)] = None,
    hours: Annotated[str | None, typer.Option(help="Hours that each of them worked.", show_default=False)] = None,
    utilization: Annotated[
        str | None, typer.Option(help="Stated share of the peak, 0 to 1.", metavar="SHARE", show_default=False)
    ] = None,
    kind: Annotated[
        UtilizationKind | None, typer.Option("--utilization-kind", help="What it is a share of.", show_default=False)
    ] = None,
    declared: Annotated[
        Precision,
        typer.Option(
            "--format",
            help="Format of the peak that the utilization is a share of; fp16 and 16bit are counted as bf16.",
        ),
    ] = Precision.BF16,
    params: Annotated[
        str | None, typer.Option(help="Parameters (active ones) of the model, for 6ND.", show_default=False)
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="Tokens that it trained on.", show_default=False)] = None,
    table: Annotated[
        Path | None,
        typer.Option("--csv", help="Estimate each row of a table like examples/published_runs.csv.", metavar="IN"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the table goes. Default: it is printed. A cell that a spreadsheet would run as a formula, such "
            "as =1+1 or -5, gets a ' before it.",
            metavar="OUT",
        ),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Compare the table with what is reported; exit code 1 if it is off.")
    ] = False,
    output: Printed = Output.TABLE,
    config: Config = None,
) -> int:
    """Estimate the operations of a run that was not metered: low, best and high.

    high is what the devices cannot exceed. An unknown device counts as the largest that a device plugin
    hands out.
    """
    from gatekeeper.cli import flop_tables

    one = {"--device": device, "--count": count, "--hours": hours, "--utilization": utilization}
    one |= {"--utilization-kind": kind, "--params": params, "--tokens": tokens}
    given = [name for name, value in one.items() if value is not None]
    if table is not None:
        if given:
            raise InvalidInput(f"--csv does not go with {', '.join(given)}.", hint="A table says all that by row.")
        with opened(config, None) as wiring:
            return flop_tables.run(wiring.catalogue, table, out, summary=summary, output=output)
    if summary or out is not None:
        raise InvalidInput("--summary and --out need a table.", hint="Name one with --csv.")
    if device is None or count is None or hours is None:
        raise InvalidInput(
            "Say --device, --count and --hours, or --csv.", hint="See `gatekeeper flop estimate --help`."
        )
    with opened(config, None) as wiring:
        catalogue = wiring.catalogue
    answer = _one(
        catalogue,
        device,
        (count, hours),
        declared=declared.counted_as,
        stated=_stated(utilization, kind),
        plan=_plan(params, tokens),
    )
    if not answer["known"]:
        stands_for = f"the largest that a device plugin hands out, {answer['device']}"
        warn(f"{device!r:.80} is not known, so it counts as {stands_for}.")
    if int(answer.get("six_nd", 0)) > int(answer["high"]):
        warn("6ND is above what these devices can do in these hours: the hours, the count or the plan is wrong.")
    if output is Output.JSON:
        say_json(answer)
    else:
        _show(answer)
    return 0


def _one(
    catalogue: Catalogue,
    name: str,
    work: tuple[int, str],
    *,
    declared: Format,
    stated: Stated | None,
    plan: Plan | None,
) -> dict[str, Any]:
    from gatekeeper.domain.accelerators import Device
    from gatekeeper.domain.comparison import rounded
    from gatekeeper.domain.estimate import Work, estimate
    from gatekeeper.domain.units import FLOP_PER_TFLOP, parse_number

    known = catalogue.find(name)
    device = known or Device(catalogue.largest)
    count, hours = work
    took = Work(_number("--hours", hours, parse_number), count)
    found = estimate(device, took, declared=declared, stated=stated, known=known is not None)
    usage = found.usage
    best_flop = usage.best_tflop * FLOP_PER_TFLOP
    return {
        "low": str(usage.low_tflop * FLOP_PER_TFLOP),
        "best": str(best_flop),
        "high": str(usage.high_tflop * FLOP_PER_TFLOP),
        "method": found.method,
        "formula": {"low": found.low_formula, "best": found.best_formula, "high": found.high_formula},
        "device": device.name,
        "known": known is not None,
        "source": device.chip.source,
    } | ({"six_nd": str(plan.flop), "best_over_six_nd": rounded(Fraction(best_flop, plan.flop), 4)} if plan else {})


def _stated(share: str | None, kind: UtilizationKind | None) -> Stated | None:
    from gatekeeper.domain.estimate import Stated
    from gatekeeper.domain.units import parse_number

    if (share is None) != (kind is None):
        raise InvalidInput("--utilization and --utilization-kind go together.", hint="Kinds: tensor_active, mfu, hfu.")
    if share is None or kind is None:
        return None
    return Stated(_number("--utilization", share, parse_number), kind)


def _plan(params: str | None, tokens: str | None) -> Plan | None:
    from gatekeeper.domain.plan import Plan
    from gatekeeper.domain.units import parse_count

    if (params is None) != (tokens is None):
        raise InvalidInput("--params and --tokens go together.")
    if params is None or tokens is None:
        return None
    return Plan(_number("--params", params, parse_count), _number("--tokens", tokens, parse_count))


def _number(option: str, text: str, parse: Callable[[str], T]) -> T:
    """What an option says, with its name in the error."""
    try:
        return parse(text)
    except InvalidInput as error:
        raise InvalidInput(f"{option}: {error.message}", hint=error.hint) from error


def _show(answer: dict[str, Any]) -> None:
    from gatekeeper.domain.units import FLOP_PER_TFLOP, Rounding, format_flop

    for name, rounding in (("low", Rounding.DOWN), ("best", Rounding.NEAREST), ("high", Rounding.UP)):
        amount = format_flop(int(answer[name]) // FLOP_PER_TFLOP, rounding=rounding)
        say(f"{name:<5} {amount:<14} = {answer['formula'][name]}")
    if "six_nd" in answer:
        amount = format_flop(int(answer["six_nd"]) // FLOP_PER_TFLOP, rounding=Rounding.NEAREST)
        say(f"6ND   {amount:<14}   best / 6ND = {answer['best_over_six_nd']}")
    say()
    say(f"{answer['device']}: {answer['source']}")
