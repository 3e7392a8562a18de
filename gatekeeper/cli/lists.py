"""`gatekeeper list`: load restrictive lists from files, see what is loaded, and what a new file would change."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, day_of, opened
from gatekeeper.cli.printing import count_of, say, say_json, show, warn

if TYPE_CHECKING:
    from gatekeeper.domain.list_entry import ListEntry
    from gatekeeper.domain.screening import Hit
    from gatekeeper.registry.lists import Loaded, NewList

app = typer.Typer(help="Load and compare restrictive lists.", no_args_is_help=True)
SHOWN_MAX = 20
File = Annotated[Path, typer.Argument(help="CSV, JSON or XML as its publisher has it.", show_default=False)]
ListId = Annotated[str, typer.Option("--list", help="Id of the list here, such as csl.", show_default=False)]
Alt = Annotated[
    Path | None, typer.Option("--alt", help="OFAC's file of other names (alt.csv).", metavar="FILE", show_default=False)
]
Add = Annotated[
    Path | None, typer.Option("--add", help="OFAC's file of addresses (add.csv).", metavar="FILE", show_default=False)
]
Shown = Annotated[int, typer.Option("--first", help="Entries shown of each kind.", min=0, max=1000)]


@app.command("import", epilog="Example: gatekeeper list import csl.csv --list csl --published-on 2026-11-20 --as pia")
def import_(
    file: File,
    list_id: ListId,
    published_on: Annotated[str, typer.Option(help="Day of its publication, as YYYY-MM-DD.", show_default=False)],
    *,
    alt: Alt = None,
    add: Add = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; load nothing.")] = False,
    force: Annotated[
        str,
        typer.Option("--force", help="Load it although something speaks against it: why; recorded.", metavar="REASON"),
    ] = "",
    first: Shown = SHOWN_MAX,
    person: Person = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Load a list in place of its last version, and screen everybody again.

    A file of another kind, an older one, one from the future, or one that lacks a fifth of the entries is refused.
    """
    new = _read(file, list_id, published_on, alt, add)
    with opened(config, data) as wiring:
        if dry_run:
            loaded = wiring.registry.plan_list(new)
        else:
            loaded = wiring.registry.load_list(new, by=caller_of(wiring, person), force=force)
    _tell(new, loaded, first, output, dry_run=dry_run)


@app.command("diff", epilog="Example: gatekeeper list diff csl.csv --list csl")
def diff(
    file: File,
    list_id: ListId,
    *,
    alt: Alt = None,
    add: Add = None,
    first: Shown = SHOWN_MAX,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say what a file would change in a list; nothing is loaded."""
    new = _read(file, list_id, f"{datetime.now(UTC):%Y-%m-%d}", alt, add)
    with opened(config, data) as wiring:
        loaded = wiring.registry.plan_list(new)
    _tell(new, loaded, first, output, dry_run=True)


@app.command("show", epilog="Example: gatekeeper list show csl")
def show_(
    list_id: Annotated[str | None, typer.Argument(help="Id of a list. Default: all.", show_default=False)] = None,
    first: Shown = SHOWN_MAX,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show which lists are loaded, or the entries of one."""
    with opened(config, data) as wiring:
        if list_id is not None:
            entries = wiring.registry.list_entries(list_id)
            show(
                _rows(entries[:first]), ["entry", "names", "kind", "countries", "from", "to"], output, nothing="Empty."
            )
            return
        lists = wiring.registry.lists()
    rows = [
        {
            "list": each.id,
            "published": each.published_on,
            "entries": each.entries,
            "loaded_by": each.loaded_by,
            "sha256": each.sha256,
        }
        for each in lists
    ]
    show(rows, ["list", "published", "entries", "loaded_by", "sha256"], output, nothing="No list is loaded.")


def _read(file: Path, list_id: str, published_on: str, alt: Path | None, add: Path | None) -> NewList:
    from gatekeeper.list_files import read_list
    from gatekeeper.registry.lists import NewList

    with _progress(file.name) as tell:
        read = read_list(file, list_id, alt=alt, add=add, tell=tell)
    for remark in read.remarks:
        warn(remark)
    return NewList(list_id, read.sha256, day_of(published_on, "--published-on"), read.entries)


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes for who watches; nothing for who does not."""
    from gatekeeper.list_files.opening import say_nothing

    if not sys.stderr.isatty():
        yield say_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn(f"reading {what}"), BarColumn(40), DownloadColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _rows(entries: list[ListEntry]) -> list[dict[str, object]]:
    return [
        {
            "entry": each.key,
            "names": "; ".join(each.names),
            "kind": each.kind,
            "countries": " ".join(each.countries),
            "from": each.begins,
            "to": each.ends,
        }
        for each in entries
    ]


def _tell(new: NewList, loaded: Loaded, first: int, output: Output, *, dry_run: bool) -> None:
    for objection in loaded.objections:
        warn(objection)
    if output is Output.JSON:
        say_json(_shown(new, loaded, first, dry_run=dry_run))
        return
    diff, would = loaded.diff, "would be " if dry_run else ""
    changed = tuple(after for _, after in diff.changed)
    for sign, entries in (("+", diff.added), ("-", diff.removed), ("~", changed)):
        _say_first([f"{sign} {each.names[0]} ({each.key})" for each in entries[:first]], len(entries), sign)
    say(
        f"{new.id}: {count_of(len(new.entries), 'entry', 'entries')}; {len(diff.added):,} {would}added, "
        f"{len(diff.removed):,} removed, {len(diff.changed):,} changed."
    )
    parties, hits = count_of(loaded.parties, "party", "parties"), count_of(len(loaded.hits), "new hit")
    say(f"{parties} {would}screened: {hits}.")
    if loaded.hits and dry_run:
        _say_first(list(map(_who, loaded.hits[:first])), len(loaded.hits), "!")
        say("Their tiers would be unresolved until somebody judges, and what runs for them would stop.")
    elif loaded.hits:
        say("Their tiers are unresolved until somebody judges: gatekeeper screening hits --open")


def _shown(new: NewList, loaded: Loaded, first: int, *, dry_run: bool) -> dict[str, object]:
    diff = loaded.diff
    return {
        "list": new.id,
        "sha256": new.sha256,
        "dry_run": dry_run,
        "entries": len(new.entries),
        "added": len(diff.added),
        "removed": len(diff.removed),
        "changed": len(diff.changed),
        "first_added": [each.key for each in diff.added[:first]],
        "first_removed": [each.key for each in diff.removed[:first]],
        "first_changed": [each.key for _, each in diff.changed[:first]],
        "parties_screened": loaded.parties,
        "new_hits": [each.id for each in loaded.hits],
        "parties_hit": sorted({each.party_id for each in loaded.hits}),
        "objections": list(loaded.objections),
    }


def _say_first(lines: list[str], total: int, sign: str) -> None:
    for each in lines:
        say(each)
    if total > len(lines):
        say(f"{sign} and {total - len(lines):,} more")


def _who(hit: Hit) -> str:
    """Whose tier a hit would leave unresolved, and why."""
    why = f"is like {hit.entry_name} ({hit.entry_key}), {hit.score} of 100"
    return f"! party {hit.party_id} ({hit.party_name}) {'cannot be compared' if hit.is_unscreened else why}"
