"""In what the limits of two packs differ: thresholds with their floors, and what a lineage changes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from gatekeeper.domain.allowances import Allowances, FineTuning, PublishedBase, SyntheticData
from gatekeeper.domain.difference import Difference, Way, by_amount
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.units import format_below, format_flop

_DIGITS = 3
_DIGITS_MAX = 40


def threshold_differences(old: Threshold | None, new: Threshold | None, day: date) -> Iterator[Difference]:
    """In what a threshold is another, on a day or by a floor that is yet to come."""
    if old is None or new is None:
        if old is not None:
            yield Difference(Way.MILDER, "it has no threshold any more")
        if new is not None:
            yield Difference(Way.STRICTER, f"it has a threshold now, of {format_flop(new.effective_tflop(day))}")
        return
    later = {each.effective_from for each in (*old.floors, *new.floors) if each.effective_from > day}
    said: tuple[int, int] | None = None
    for each in (day, *sorted(later)):
        limits = old.limit_tflop(each), new.limit_tflop(each)
        what = "its limit is" if each == day else f"its limit from {each} on is"
        found = by_amount(what, *limits, _told(*limits, format_below)) if limits != said else None
        if found is not None:
            yield found
        said = limits


def allowance_differences(old: Allowances, new: Allowances) -> Iterator[Difference]:
    """In what it changes otherwise by the lineage of a run."""
    yield from _of_published(old.published_base, new.published_base)
    yield from _of_tuning(old.fine_tuning, new.fine_tuning)
    yield from _of_data(old.synthetic_data, new.synthetic_data)


def _of_published(old: PublishedBase | None, new: PublishedBase | None) -> Iterator[Difference]:
    what = "what may be trained beyond published weights"
    if old is None or new is None:
        yield from _there(f"it allows {what}", f"it counts {what} like everything else", old, new)
        return
    amounts = old.extra_tflop, new.extra_tflop
    shares = old.percent_of_threshold, new.percent_of_threshold
    yield from _some(by_amount(f"{what} is", *amounts, _told(*amounts, format_flop)))
    yield from _some(by_amount(f"{what} is, of the threshold,", *shares, _percent(*shares)))


def _of_tuning(old: FineTuning | None, new: FineTuning | None) -> Iterator[Difference]:
    what = "fine-tuning of a controlled model by a share of its own operations"
    if old is None or new is None:
        yield from _there(f"it allows {what}", f"it does not allow {what} any more", old, new)
        return
    shares = old.percent_of_base, new.percent_of_base
    yield from _some(by_amount("fine-tuning is allowed up to", *shares, _percent(*shares)))
    chips = (frozenset(each.value for each in tuning.authorizations) for tuning in (old, new))
    yield from _sets("fine-tuning is allowed with chips under", *chips)
    yield from _sets("fine-tuning is an exception from", old.rules, new.rules)


def _of_data(old: SyntheticData | None, new: SyntheticData | None) -> Iterator[Difference]:
    what = "the operations of models that made a run's data"
    if old is None or new is None:  # a rule, so that without it less is asked
        yield from _there(f"it does not count {what} any more", f"it counts {what}", new, old)
        return
    shares = old.above_percent, new.above_percent
    yield from _some(by_amount(f"it counts {what} above a share of", *shares, _percent(*shares)))
    if old.counts_training and not new.counts_training:
        yield Difference(Way.MILDER, "it does not count any more what trained a model that made data")
    if new.counts_training and not old.counts_training:
        yield Difference(Way.STRICTER, "it counts what trained a model that made data")


def _there(gained: str, lost: str, old: object, new: object) -> Iterator[Difference]:
    """Of what makes a pack milder by being there."""
    if old is None and new is not None:
        yield Difference(Way.MILDER, gained)
    if old is not None and new is None:
        yield Difference(Way.STRICTER, lost)


def _sets(what: str, old: frozenset[str] | None, new: frozenset[str] | None) -> Iterator[Difference]:
    """Of a set that makes a pack milder by being larger; None is everything."""
    if old == new:
        return
    if new is None or (old is not None and new - old):
        gained = "anything" if new is None else ", ".join(sorted(new - (old or frozenset())))
        yield Difference(Way.MILDER, f"{what} {gained}, and was not")
    if old is None or (new is not None and old - new):
        lost = "everything" if old is None else ", ".join(sorted(old - (new or frozenset())))
        kept = f", but only {', '.join(sorted(new or ()))}" if old is None else ""
        yield Difference(Way.STRICTER, f"{what} {lost} no more{kept}")


def _some(found: Difference | None) -> Iterator[Difference]:
    if found is not None:
        yield found


def _percent(was: int, becomes: int) -> tuple[str, str]:
    return f"{was} percent", f"{becomes} percent"


def _told(was: int, becomes: int, form: Callable[..., str]) -> tuple[str, str]:
    """Two amounts with as many digits as it takes to see that they differ."""
    pairs = ((form(was, digits=each), form(becomes, digits=each)) for each in range(_DIGITS, _DIGITS_MAX))
    return next((pair for pair in pairs if pair[0] != pair[1]), (f"{was} TFLOP", f"{becomes} TFLOP"))
