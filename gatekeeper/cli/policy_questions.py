"""`gatekeeper policy diff` and `policy explain`: in what other packs differ and whose verdict that changes, and what a
pack does with a case."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, opened
from gatekeeper.cli.printing import note, say, say_json, show
from gatekeeper.cli.progress import progress
from gatekeeper.domain.difference import Way
from gatekeeper.domain.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from gatekeeper.domain.customer import Customer
    from gatekeeper.domain.policy import ActivePack
    from gatekeeper.policy_changes import Change, PackDifference, Position
    from gatekeeper.snapshots import Snapshot
    from gatekeeper.wiring import Wiring

DIFF_EXAMPLE = "Example: gatekeeper policy diff policies.new"
EXPLAIN_EXAMPLE = "Example: gatekeeper policy explain us-ai-diffusion --tier 2 --chips aia --country SG"
DIFFERS = 1
E = TypeVar("E", bound=Enum)


def diff(
    folders: Annotated[
        list[Path],
        typer.Argument(help="OLD and NEW, or NEW alone against the packs that are loaded.", metavar="FOLDER..."),
    ],
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show in what other packs are milder or stricter, and whose verdict that changes. Ends with 1 if anything differs.

    A folder holds packs, or is one, which is compared with the one of the same name. With a registry every customer and
    every approved run is asked, at this site; without one every tier, chip authorization and kind of data centre. Modes
    are those of the settings, else the packs' own.
    """
    from gatekeeper.policy_changes import changes_of_cells, changes_of_customers, differences_of_packs
    from gatekeeper.snapshots import Snapshot

    if len(folders) > 2:
        raise InvalidInput("Name one folder or two: OLD and NEW.")
    with opened(config, data) as wiring:
        now = wiring.clock.now()
        before, after = _compared(folders, wiring)
        otherwise = list(differences_of_packs(before, after, now.date()))
        registry = wiring.settings.has_data
        if registry:
            everybody = wiring.stores.read(Snapshot.load)
            with progress("asking customers") as tell:
                found = list(changes_of_customers(before, after, everybody, wiring.site, now, tell=tell))
        else:
            found = list(changes_of_cells(before, after, now.date()))
    _print(otherwise, found, output, registry=registry)
    if otherwise or found:
        raise typer.Exit(DIFFERS)


def explain(
    pack: Annotated[str, typer.Argument(help="Id of the pack.", show_default=False)],
    *,
    tier: Annotated[str, typer.Option("--tier", help="1, 2, 3 or unresolved.")] = "",
    chips: Annotated[str, typer.Option("--chips", help="Chip authorization. Default: the site's.")] = "",
    country: Annotated[str, typer.Option("--country", help="Of the data centre. Default: the site's.")] = "",
    customer: Annotated[str, typer.Option("--customer", help="A customer of the registry, instead of a tier.")] = "",
    run: Annotated[str, typer.Option("--run", help="A run of that customer: its lineage and answers.")] = "",
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Explain what a pack does with a tier at a site, or with a customer: which rule, why, up to which limit."""
    from gatekeeper.country_files import load_countries
    from gatekeeper.domain.policy import ChipAuthorization, Site
    from gatekeeper.domain.tier import Tier
    from gatekeeper.policy_changes import position, position_of_customer
    from gatekeeper.snapshots import Snapshot

    if bool(tier) is bool(customer):
        raise InvalidInput("Say either --tier or --customer.", hint=EXPLAIN_EXAMPLE)
    with opened(config, data) as wiring:
        active, now = _loaded(wiring, pack), wiring.clock.now()
        if country:
            load_countries(wiring.policies_dir).checked(country)
        site = Site(
            country or wiring.site.country,
            _member(ChipAuthorization, chips, "--chips") if chips else wiring.site.chip_authorization,
        )
        if customer:
            everybody = wiring.stores.read(Snapshot.load)
            found = _customer_in(everybody, customer)
            asked, why, where = position_of_customer(active, everybody, found, site=site, now=now, run_id=run)
        else:
            asked, why = _member(Tier, tier, "--tier"), ""
            where = position(active, asked, site, now.date())
    rule = active.pack.rule_for(asked, site, now.date()) if where is not None else None
    asks = active.pack.asking(rule, asked, site, now.date()) if rule is not None else ()
    if output is Output.JSON:
        shown = None if where is None else where.shown()
        extra = {"text": rule.text if rule else "", "source": rule.source if rule else "", "why": why}
        questions = [{"id": each.id, "asks": each.asks, "source": each.source} for each in asks]
        say_json({"pack": pack, "position": shown, **extra, "inquiries": questions})
        return
    _explain(active, where, why)
    if rule is not None:
        say(f"because {rule.text} ({rule.source})")
    for each in asks:
        say(f"a hold asks {each.asks} ({each.source})")


def _explain(active: ActivePack, where: Position | None, why: str) -> None:
    if where is None:
        say(f"{active.pack.id} says nothing today: it is {active.mode.value}, or not in effect")
        return
    rule = f"rule {where.rule}" if where.rule else "no rule, which refuses"
    say(f"{active.pack.id} (mode {where.mode.value}): tier {where.tier.value}{f', as {why}' if why else ''}")
    limit = _limit_words(where)
    say(f"{rule}: {where.action}{f', up to {limit}' if limit else ''}")


def _print(otherwise: list[PackDifference], found: list[Change], output: Output, *, registry: bool) -> None:
    if output is Output.JSON:
        packs = [
            {"pack": each.pack, "way": each.difference.way.value, "text": each.difference.text} for each in otherwise
        ]
        rows = [
            {
                "who": each.who,
                "pack": each.pack,
                "before": each.before.shown() if each.before else None,
                "after": each.after.shown() if each.after else None,
            }
            for each in found
        ]
        say_json({"packs": packs, "judged": rows})
        return
    for each in otherwise:
        is_what = {Way.OTHER: "differs"}.get(each.difference.way, f"is {each.difference.way.value}")
        say(f"{each.pack} {is_what}: {each.difference.text}")
    table = [
        {"who": each.who, "pack": each.pack, "before": _words(each.before), "after": _words(each.after)}
        for each in found
    ]
    whom = (
        "customer or run is judged otherwise today, at this site"
        if registry
        else "cell of the tables is judged otherwise"
    )
    show(table, ["who", "pack", "before", "after"], output, nothing=f"No {whom}.")


def _words(where: Position | None) -> str:
    if where is None:
        return "nothing"
    limit = _limit_words(where)
    rule = f"{where.rule or 'no rule'}, {where.action}{f' at {limit}' if limit else ''}"
    return f"{where.mode.value}: tier {where.tier.value}, {rule}"


def _limit_words(where: Position) -> str:
    """The limit, and what of it is gone before the run begins; "" where there is none."""
    from gatekeeper.domain.units import Rounding, format_below, format_flop

    if where.limit_tflop is None:
        return ""
    limit, extra = format_below(where.limit_tflop), where.extra_tflop
    gone = format_flop(extra, rounding=Rounding.UP)
    return f"{limit}, {gone} of it used by the models that made its data" if extra else limit


def _compared(folders: list[Path], wiring: Wiring) -> tuple[tuple[ActivePack, ...], tuple[ActivePack, ...]]:
    """The packs before and after. Who names one pack means that one: all others stay as they are.

    Raises:
        InvalidInput: one pack is named, and is in the other folder not to be found.
    """
    after = _packs_of(folders[-1], wiring)
    before = _packs_of(folders[0], wiring) if len(folders) > 1 else wiring.packs
    single = [each for each in folders if _is_pack(each)]
    if not single:
        return before, after
    old, new = {each.pack.id for each in before}, {each.pack.id for each in after}
    if len(folders) > 1 and not old & new:
        raise InvalidInput(
            f"{folders[0]} and {folders[1]} have no pack in common, so there is nothing to compare.",
            hint="Name two versions of one pack, or two folders of packs.",
        )
    ids = old & new if len(folders) > 1 else new
    if len(folders) > 1 and len(single) == 1:
        note(f"Only {', '.join(sorted(ids))} is compared, the one pack that {single[0]} holds.")
    before, after = (tuple(each for each in packs if each.pack.id in ids) for packs in (before, after))
    return before, after


def _packs_of(folder: Path, wiring: Wiring) -> tuple[ActivePack, ...]:
    """The packs of a folder in the modes of the settings."""
    from gatekeeper.domain.policy import ActivePack
    from gatekeeper.policy_files import load_pack, load_packs

    packs, chosen = ((load_pack(folder),) if _is_pack(folder) else load_packs(folder)), wiring.settings.policies
    return tuple(ActivePack(each, chosen[each.id].mode if each.id in chosen else each.default_mode) for each in packs)


def _is_pack(folder: Path) -> bool:
    from gatekeeper.policy_files import PACK_FILE

    return (folder / PACK_FILE).exists()


def _loaded(wiring: Wiring, pack: str) -> ActivePack:
    found = next((each for each in wiring.packs if each.pack.id == pack), None)
    if found is None:
        raise NotFound(f"There is no policy pack {pack!r:.80}.", hint="See `gatekeeper policy list`.")
    return found


def _customer_in(everybody: Snapshot, customer_id: str) -> Customer:
    found = everybody.by_customer.get(customer_id)
    if found is None:
        raise NotFound(f"There is no customer {customer_id!r:.80}.", hint="See `gatekeeper customer list`.")
    return found


def _member(kind: type[E], text: str, option: str) -> E:
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidInput(f"{option} is one of {', '.join(str(each.value) for each in kind)}.") from error
