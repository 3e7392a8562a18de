"""`gatekeeper customer apply` and `diff`: files against the registry, as a whole or not at all; and batches."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.customer_shown import tell_end
from gatekeeper.cli.customer_told import (
    SHOWN_MAX,
    tell_all,
    tell_batch,
    tell_changes,
    tell_difference,
    tell_groups,
    tell_open_hits,
    tell_summary,
)
from gatekeeper.cli.options import Config, Data, Person, caller_of, claimed_caller, opened, record_packs
from gatekeeper.cli.printing import confirm, note, say, warn
from gatekeeper.cli.progress import progress
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.person import Right

if TYPE_CHECKING:
    from gatekeeper.domain.person import Caller
    from gatekeeper.registry import KycRecord, Review
    from gatekeeper.wiring import Wiring

Files = Annotated[
    list[Path], typer.Option("--file", "-f", help="File, folder of files, or - for stdin.", show_default=False)
]
APPLY_EXAMPLE = "Example: gatekeeper customer apply -f examples/customers --dry-run"
DIFF_EXAMPLE = "Example: gatekeeper customer diff -f examples/customers"
# Of more parties that are called the same nobody learns more.
_NAMESAKES_SHOWN = 3


def apply(
    files: Files,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    idempotency_key: Annotated[
        str,
        typer.Option(
            "--idempotency-key",
            help="Your name for this change: the same files once more do nothing, other files are refused.",
            metavar="KEY",
        ),
    ] = "",
    draft: Annotated[
        bool, typer.Option("--draft", help="Keep first records as drafts, which wait for nobody until submitted.")
    ] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Enrol customers, or change their records: all of the files, or none where one of them is refused.

    What makes a customer stricter takes effect at once; everything else waits until a second person approves it.
    """
    from gatekeeper.customer_files import load_customers

    with progress("reading files") as tell:
        told = load_customers(files, tell=tell)
    records = [record for _, record in told]
    with _placed({record.customer_id: place for place, record in told}):
        if draft:
            _draft_records(records, dry_run=dry_run, person=person, config=config, data=data)
            return
        apply_records(records, dry_run=dry_run, key=idempotency_key, person=person, config=config, data=data)


@contextlib.contextmanager
def _placed(places: Mapping[str, str]) -> Iterator[None]:
    """A record that is refused is told with the place where it stands."""
    try:
        yield
    except GatekeeperError as error:
        if error.about not in places:
            raise
        raise type(error)(f"{places[error.about]}: {error.message}", hint=error.hint) from error


def apply_records(
    records: Sequence[KycRecord],
    *,
    dry_run: bool,
    key: str,
    person: str | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Apply records and tell what became of them, wherever they were read from."""
    if dry_run:
        with _dry(config, data) as wiring, progress("planning") as tell:
            tell_all(wiring.registry.plan_all(records, tell=tell), dry_run=True)
        return
    _refuse_before_there_is_data(records, person, config, data)
    with opened(config, data, makes_data=True, tell=note) as wiring:
        by = caller_of(wiring, person)
        record_packs(wiring, by, Right.EDIT)
        with progress("applying") as tell:
            applied = wiring.registry.apply_all(records, by=by, idempotency_key=key, tell=tell)
        screened = {hit.party_id for hit in wiring.registry.hits(only_open=True)}
    if applied.repeated:
        say(f"This was applied before under the key {key}; nothing was done now.")
        tell_summary(Counter(applied.counts))
    tell_all(applied.plans)
    tell_open_hits(applied.plans, screened)
    tell_batch(applied)


def _refuse_before_there_is_data(
    records: Sequence[KycRecord], person: str | None, config: Path | None, data: Path | None, *, drafts: bool = False
) -> None:
    """Let what is refused begin no database: whoever finds an empty one takes it for a system that runs."""
    with opened(config, data) as wiring:
        if wiring.settings.has_data:
            return
        by = claimed_caller(wiring, person)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(config, Path(folder), makes_data=True) as empty,
        progress("looking at them first") as tell,
    ):
        if drafts:
            empty.registry.draft_all(records, by=by, tell=tell)
        else:
            empty.registry.plan_all(records, tell=tell)


def _draft_records(
    records: Sequence[KycRecord], *, dry_run: bool, person: str | None, config: Path | None, data: Path | None
) -> None:
    """Keep records as drafts; where one of them cannot be, none is."""
    if dry_run:
        with _dry(config, data) as wiring:
            tell_all([wiring.registry.plan_draft(record) for record in records], dry_run=True)
        return
    _refuse_before_there_is_data(records, person, config, data, drafts=True)
    with opened(config, data, makes_data=True, tell=note) as wiring:
        by = caller_of(wiring, person)
        record_packs(wiring, by, Right.EDIT)
        with progress("keeping drafts") as tell:
            plans = wiring.registry.draft_all(records, by=by, tell=tell)
    tell_all(plans)


def diff(files: Files, config: Config = None, data: Data = None) -> int:
    """Show what `customer apply` would change. Exit code 1 where there is a difference, 0 where there is none."""
    from gatekeeper.customer_files import load_customers

    with progress("reading files") as tell:
        told = load_customers(files, tell=tell)
    records = [record for _, record in told]
    placed = _placed({record.customer_id: place for place, record in told})
    with placed, _dry(config, data) as wiring, progress("planning") as tell:
        plans = wiring.registry.plan_all(records, tell=tell)
    differs = [plan for plan in plans if plan.outcome.value != "unchanged"]
    for plan in differs:
        tell_difference(plan.before, plan.wanted)
    return 1 if differs else 0


def approve_batch(
    wiring: Wiring,
    batch: str | None,
    *,
    person: str | None,
    seen: str | None,
    expires_at: datetime | None,
    yes: bool,
) -> None:
    """Show what waits of a batch (None: of all customers), and approve exactly that."""
    by = caller_of(wiring, person, approves=True)
    with progress("looking at what waits") as tell:
        review = wiring.registry.review_all(batch, tell=tell)
    _refuse_authors(wiring, by, review.reviews)
    if seen is None:
        namesakes = wiring.registry.namesakes(review.reviews)
        for each in review.reviews[:SHOWN_MAX]:
            tiers = ", ".join(f"{finding.tier} by {pack}" for pack, finding in each.shown_if_approved.items())
            say(f"customer {each.customer.id}, prepared by {each.prepared_by}: {tiers}")
            tell_end(*wiring.registry.if_approved(each, expires_at), wiring.clock.now(), before="  ")
            if each.open_screenings:
                say(f"  screening open: {', '.join(each.open_screenings)}")
            for told in each.conflicts:
                say(f"  register: party {told.party_id}, {told.in_words} [kyc.conflict.{told.code}]")
            tell_changes(each.changes)
            tell_groups(each.groups)
        for customer, same in namesakes.items():  # of all: a name among thousands is what nobody would look for
            for one in same[:_NAMESAKES_SHOWN]:
                warn(f"customer {customer}: {one}")
        if len(review.reviews) > SHOWN_MAX:
            say(f"and {len(review.reviews) - SHOWN_MAX:,} more: gatekeeper customer list")
        say(f"fingerprint: {review.fingerprint}")
        if review.reviews and not yes:
            confirm(f"Approve these {len(review.reviews):,} as {by.name}?")
    record_packs(wiring, by, Right.APPROVE)
    with progress("approving") as tell:
        done = wiring.registry.approve_all(
            batch, by=by, seen=seen or review.fingerprint, expires_at=expires_at, tell=tell
        )
    say(f"customers approved by {by.name}: {done:,}")


def _refuse_authors(wiring: Wiring, by: Caller, reviews: Sequence[Review]) -> None:
    """Refuse who wrote any of it, with the first customer of which that is so."""
    authors: dict[str, str] = {}
    for each in reviews:
        for name in each.waiting.authors if each.waiting else ():
            authors.setdefault(name, each.customer.id)
    for author, customer in authors.items():
        refuse_first(wiring, by, (author,), f"prepared the record of customer {customer}")


@contextlib.contextmanager
def _dry(config: Path | None, data: Path | None) -> Iterator[Wiring]:
    """What is there; where nothing is yet, an empty database that is gone afterwards."""
    with opened(config, data) as wiring:
        if wiring.settings.has_data:
            yield wiring
            return
    note(f"There is no data in {wiring.settings.data} yet, so every customer would be new.")
    with tempfile.TemporaryDirectory() as folder, opened(config, Path(folder), makes_data=True) as empty:
        yield empty
