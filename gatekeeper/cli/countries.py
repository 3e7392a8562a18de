"""`gatekeeper countries`: the codes that a headquarters may have, and the tier of each by each pack on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, day_of, opened
from gatekeeper.cli.printing import note, placing_nobody, show, warn
from gatekeeper.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from gatekeeper.domain.country import Country
    from gatekeeper.domain.policy import ActivePack

COUNTRIES_EXAMPLE = "Example: gatekeeper countries Macau --as-of 2025-06-01"


def countries(
    what: Annotated[
        str | None, typer.Argument(metavar="[CODE|NAME]", help="One country. Default: all.", show_default=False)
    ] = None,
    *,
    pack: Annotated[str | None, typer.Option("--pack", help="One policy pack.", show_default=False)] = None,
    as_of: Annotated[str | None, typer.Option(help="Day, as YYYY-MM-DD. Default: today.", show_default=False)] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List countries with their tier by each policy pack on a day."""
    from gatekeeper.country_files import load_countries

    with opened(config, data) as wiring:
        table, packs = load_countries(wiring.policies_dir), wiring.packs
        day = day_of(as_of, "--as-of") if as_of else wiring.clock.now().date()
    if pack is not None:
        packs = tuple(each for each in packs if each.pack.id == pack)
        if not packs:
            raise NotFound(f"There is no policy pack {pack!r:.80}.", hint="See `gatekeeper policy list`.")
    found = [*table.countries.values()]
    if what is not None:
        meant = table.find(what)
        if meant is None:
            raise NotFound(table.refusal(what), hint="See `gatekeeper countries` for all of them.")
        found = [meant]
    rows = [_row(each, active, day) for each in found for active in packs]
    warn_before(packs, day)
    for each in packs:
        if pack is not None and not each.pack.tells_tiers_apart:
            note(f"{placing_nobody(each.pack.id)}.")
    show(rows, ["code", "alpha3", "name", "parent", "kind", "pack", "tier", "from", "to"], output, nothing="None.")


def warn_before(packs: Iterable[ActivePack], day: date) -> None:
    """Say of which packs the table begins only after a day: what it says of earlier ones places nobody milder."""
    for each in packs:
        if each.pack.tiers.is_before(day):
            begins = each.pack.tiers.begins
            warn(f"the table of {each.pack.id} begins on {begins}: before, who is not Tier 3 is unresolved")


def _row(country: Country, active: ActivePack, day: date) -> dict[str, object]:
    tiers = active.pack.tiers
    rows = [row for row in tiers.rows_behind(country.code) if row.holds_on(day)]
    tier = tiers.tier_of(country.code, day)
    deciding = next((row for row in rows if row.tier is tier), None)
    return {
        "code": country.code,
        "alpha3": country.alpha3,
        "name": country.name,
        "parent": country.parent,
        "kind": country.kind.value,
        "pack": active.pack.id,
        "tier": tier.value,
        "from": deciding.effective_from if deciding else None,
        "to": deciding.effective_to if deciding else None,
        "source": deciding.source if deciding else None,
        "review": bool(tiers.partner_of(country.code, day)) or country.code in tiers.occupied,
        "aliases": list(country.aliases),
    }
