"""`gatekeeper accelerators`: the chips that we know, and what a product name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, opened
from gatekeeper.cli.printing import say, say_json, show

if TYPE_CHECKING:
    from gatekeeper.domain.accelerators import Accelerator, Device
    from gatekeeper.domain.catalogue import Catalogue

ACCELERATORS_EXAMPLE = (
    "Example: gatekeeper accelerators NVIDIA-H100-80GB-HBM3; gatekeeper accelerators; "
    "gatekeeper accelerators MI300X --resource amd.com/cpx_nps4; gatekeeper accelerators 74a1 --output json"
)
UNKNOWN = 1
# Names that are told to somebody who wrote one that nobody knows.
CLOSE_NAMES_MAX = 5
CLOSE_AT_LEAST = 0.6
# Words before the model that say no more than the maker.
_MAKERS = {
    **dict.fromkeys(("nvidia", "tesla", "geforce"), "nvidia"),
    **dict.fromkeys(("amd", "instinct"), "amd"),
    **dict.fromkeys(("intel", "habana"), "intel"),
    "huawei": "huawei",
    "google": "google",
    "aws": "aws",
}
SHOWN_CHARACTERS_MAX = 80


def accelerators(
    name: Annotated[
        str | None,
        typer.Argument(help="Product name, as a label, driver or exporter prints it.", show_default=False),
    ] = None,
    resource: Annotated[
        str, typer.Option(help="Resource key that it is handed out under, which may mean a part.", metavar="KEY")
    ] = "",
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the accelerators that we know, or say what one name means.

    Peaks are dense; the worst case is the fastest format at the highest clock, with the vector units at work beside it.
    A name that nobody knows counts as the largest chip that a device plugin hands out: that is said, with close names,
    and the exit code is 1.
    """
    from gatekeeper.domain.accelerators import vendor_of

    with opened(config, data) as wiring:
        catalogue = wiring.catalogue
    if name is None:
        columns = ["name", "vendor", "bf16_tflop_per_s", "fastest", "worst_tflop_per_s", "tpp", "h100_equivalents"]
        rows = [_facts(chip) for chip in catalogue.accelerators]
        show(rows, columns, output, nothing="The catalogue is empty.")
        return
    found = catalogue.find(name, resource)
    device = found or catalogue.find_or_largest(name, resource)
    elsewhere = catalogue.find(name)
    close = [] if found else [elsewhere.name] if elsewhere else _close(catalogue, name, resource)
    if output is Output.JSON:
        say_json(_meaning(name, device, known=found is not None, close=close))
    elif found is None:
        if elsewhere is not None:
            say(
                f"{resource[:SHOWN_CHARACTERS_MAX]} is a key of {vendor_of(resource)}, and {elsewhere.name} is made by "
                f"{elsewhere.chip.vendor}: the key is not that chip's."
            )
        else:
            say(f"Nobody knows {name[:SHOWN_CHARACTERS_MAX]!r}{_under(resource)}.")
        plugin = " that a device plugin hands out" if device.chip is catalogue.largest else " of that key's vendor"
        say(f"It counts as the largest chip{plugin}, {device.name}, at {device.worst_tflop_per_s:,} TFLOP/s.")
        _say_what_to_do(close, misfit=elsewhere is not None)
    else:
        _say(found)
    if found is None:
        raise typer.Exit(UNKNOWN)


def _facts(chip: Accelerator) -> dict[str, object]:
    from gatekeeper.domain.accelerators import Format

    return {
        "name": chip.name,
        "vendor": chip.vendor,
        "fastest": chip.fastest.value,
        "worst_tflop_per_s": chip.worst_tflop_per_s,
        "peak_gflop_per_s": {each.value: rate for each, rate in chip.peak_gflop_per_s.items()},
        "vector_gflop_per_s": chip.vector_gflop_per_s,
        "bf16_tflop_per_s": f"{chip.peak_gflop_per_s[Format.BF16] / 1000:g}",
        "clocks_mhz": {"boost": chip.boost_clock_mhz, "max": chip.max_clock_mhz} if chip.clocks_public else None,
        "clock_ratio": f"{chip.max_clock_mhz / chip.boost_clock_mhz:.3f}",
        "units": chip.sm_count or None,
        "memory_gb": list(chip.memory_gb),
        "tensor_activity": "mean" if chip.mean_activity else "moment",
        "tpp": chip.tpp,
        "h100_equivalents": str(chip.h100_equivalents),
        "parts": {name: str(share) for name, share in chip.parts.items()},
        "parts_at_most": sorted(chip.bounded_parts),
        "products": list(chip.product_names),
        "source": chip.source,
        "sources": [
            {"what": each.what, "source": each.source, "confidence": each.confidence.value} for each in chip.evidence
        ],
        "note": chip.note,
    }


def _meaning(name: str, device: Device, *, known: bool, close: list[str]) -> dict[str, object]:
    return {
        "asked": name[:SHOWN_CHARACTERS_MAX],
        "known": known,
        "close": close,
        "device": device.name,
        "part": str(device.part),
        "part_guessed": device.guessed,
        "device_worst_tflop_per_s": device.worst_tflop_per_s,
        "chip": _facts(device.chip),
    }


def _close(catalogue: Catalogue, name: str, resource: str) -> list[str]:
    """Names that somebody may have meant, as the sources print them: of one vendor, and of one family if any is."""
    from difflib import get_close_matches

    from gatekeeper.domain.accelerators import vendor_of

    asked = name[:SHOWN_CHARACTERS_MAX].lower()
    maker, family = _family(asked)
    wanted = vendor_of(resource) or maker
    vendors: dict[str, str] = {}
    printed: dict[str, str] = {}
    for chip in catalogue.accelerators:
        if wanted in ("", chip.vendor):
            for each in (chip.name, *chip.product_names):
                printed[each.lower()] = each
                vendors[each.lower()] = chip.vendor
    near = get_close_matches(asked, list(printed), len(printed) or 1, CLOSE_AT_LEAST)
    alike = [each for each in near if family and _family(each)[1] == family]
    found = alike or [each for each in near if vendors[each] == vendors[near[0]]]
    return [printed[each] for each in found[:CLOSE_NAMES_MAX]]


def _family(lower: str) -> tuple[str, str]:
    """The maker that a name begins with and the letters that its model begins with: RTX, H, MI, tpu; "" for none."""
    words = lower.replace("_", "-").replace(" ", "-").split("-")
    maker = ""
    while len(words) > 1 and words[0] in _MAKERS:
        maker = _MAKERS[words.pop(0)]
    model = words[0]
    return maker, model[: len(model) - len(model.lstrip("abcdefghijklmnopqrstuvwxyz"))]


def _under(resource: str) -> str:
    return f" under {resource[:SHOWN_CHARACTERS_MAX]}" if resource else ""


def _say_what_to_do(close: list[str], *, misfit: bool) -> None:
    from gatekeeper.cluster.names import PRODUCT

    if close and not misfit:
        say(f"Close names: {', '.join(close)}")
    key = "Ask with a key of its own vendor. " if misfit else ""
    say(f"{key}Where you know what a node has, say so: kubectl label node NODE {PRODUCT}=NAME")
    say('(NAME as `gatekeeper accelerators` lists them; docs/operations.md, "Which chips a node has").')


def _say(device: Device) -> None:
    """One device for people."""
    chip = device.chip
    say(f"{device.name}: {device.worst_tflop_per_s:,} TFLOP/s at worst")
    if device.part < 1:
        say(f"part: {device.part} of one {chip.name}, which has {chip.worst_tflop_per_s:,} TFLOP/s at worst")
    if device.guessed:
        say("the share is a cautious guess: nobody has listed this part, so it counts no less than it can be")
    peaks = (f"{each.value} {rate / 1000:g}" for each, rate in chip.peak_gflop_per_s.items())
    say(f"peaks, dense, TFLOP/s: {', '.join(peaks)}; vector units {chip.vector_gflop_per_s / 1000:g}")
    ratio = f"{chip.max_clock_mhz / chip.boost_clock_mhz:.3f}"
    if chip.clocks_public:
        say(f"clocks: {chip.boost_clock_mhz} MHz in the peaks, {chip.max_clock_mhz} MHz at most (x {ratio})")
    else:
        say(f"clocks: not public; counted as x {ratio} of that of the peaks at most")
    say(f"units: {chip.sm_count or 'not known'}; memory: {', '.join(str(each) for each in chip.memory_gb)} GB")
    activity = "a mean, so counters can bound it" if chip.mean_activity else "of a moment: `high` is the worst rate"
    say(f"tensor activity: {activity}")
    say(f"capacity: TPP {chip.tpp:,}, {chip.h100_equivalents} H100-equivalents")
    if chip.parts:
        shown = (f"{name} {'<= ' * (name in chip.bounded_parts)}{share}" for name, share in chip.parts.items())
        say(f"parts: {', '.join(shown)}")
    say(f"names: {', '.join(chip.product_names)}")
    if chip.note:
        say(f"note: {chip.note}")
    say("sources:")
    for source in dict.fromkeys(each.source for each in chip.evidence):
        what = (f"{each.what} ({each.confidence.value})" for each in chip.evidence if each.source == source)
        say(f"- {', '.join(what)}: {source}")
