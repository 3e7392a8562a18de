"""What a pack allows beyond its threshold, and what it counts beyond the run's own account, by the run's lineage.

Pure functions of numbers in a pack and facts in an approved lineage. Without one there is no allowance. Each number
and its source stand in the pack; that of ECCN 4E091 is paraphrased beside each function (15 CFR 774 Supplement No. 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lineage import PERCENT_MAX, Generator, Lineage
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.units import checked_tflop


def _check_percent(percent: int, source: str) -> None:
    if not 0 < percent <= PERCENT_MAX or not source:
        raise InvalidInput("An allowance is 1 to 100 percent, by a source.")


@dataclass(frozen=True, slots=True)
class PublishedBase:
    """A model derived from published weights is free up to so many operations beyond them: the larger of the two."""

    extra_tflop: int
    percent_of_threshold: int
    source: str

    def __post_init__(self) -> None:
        checked_tflop(self.extra_tflop)
        _check_percent(self.percent_of_threshold, self.source)


@dataclass(frozen=True, slots=True)
class FineTuning:
    """A controlled model may be trained further by this share of its own operations, with chips so authorized.

    Attributes:
        rules: codes of the rules that it is an exception from (None: all); it is none from what else refuses.
    """

    percent_of_base: int
    authorizations: frozenset[ChipAuthorization]
    source: str
    rules: frozenset[str] | None = None

    def __post_init__(self) -> None:
        _check_percent(self.percent_of_base, self.source)


@dataclass(frozen=True, slots=True)
class SyntheticData:
    """Above this share of operations trained on a model's unpublished output, making it counts as training too.

    Attributes:
        counts_training: whether the training of a model with unpublished weights counts beside what made the data.
    """

    above_percent: int
    source: str
    counts_training: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.above_percent <= PERCENT_MAX or not self.source:
            raise InvalidInput("A share of data is 0 to 100 percent, by a source.")


@dataclass(frozen=True, slots=True)
class Allowances:
    """What of these a pack has; None: it does not."""

    published_base: PublishedBase | None = None
    fine_tuning: FineTuning | None = None
    synthetic_data: SyntheticData | None = None


NO_ALLOWANCES = Allowances()


def limit_tflop(
    threshold: Threshold, allowances: Allowances, lineage: Lineage | None, *, day: date, site: Site, rule: str = ""
) -> int:
    """The most that a run may come to, all that it carries in included, and stay outside of control.

    Args:
        rule: code of the rule that applies.
        lineage: the approved one; None: not known, so no allowance holds.
    """
    limit = threshold.limit_tflop(day)
    if lineage is None or lineage.base is None:
        return limit
    base_tflop = lineage.base.training_tflop
    published, tuning = allowances.published_base, allowances.fine_tuning
    if published is not None and lineage.base.published is True:
        # Note 1: what is derived from published weights is controlled only past the larger figure of extra training.
        # That it must reach the threshold as well is our reading: the heading says so, counsel may differ.
        quarter = threshold.effective_tflop(day) * published.percent_of_threshold // PERCENT_MAX
        limit = max(limit, base_tflop + max(published.extra_tflop, quarter))
    permitted = tuning is not None and site.chip_authorization in tuning.authorizations
    permitted = permitted and (tuning is None or tuning.rules is None or rule in tuning.rules)
    if tuning is not None and permitted and lineage.base.controlled is True:
        limit = max(limit, base_tflop + base_tflop * tuning.percent_of_base // PERCENT_MAX)
    return limit


def extra_counted_tflop(allowances: Allowances, lineage: Lineage | None) -> int:
    """What counts beside the run's own account: operations of the models that made its data.

    Technical note 3. More than 10 % of the operations on unpublished data of one model, its variants included: those
    that made the data count. Its weights unpublished too: its own training counts, of several such models only that of
    the one with the most. No actual operation counts twice. A pack without this rule counts none of it.
    """
    rule = allowances.synthetic_data
    if rule is None or lineage is None:
        return 0
    counting: list[list[Generator]] = []
    for model in sorted({each.model for each in lineage.generators}):
        # Data that is published may make up any share of the operations.
        mine = [each for each in lineage.generators if each.model == model and each.data_published is not True]
        if sum(each.share_percent for each in mine) > rule.above_percent:
            counting.append(mine)
    stretches = {data_of(each.id): each.generation_tflop for mine in counting for each in mine}
    trained = [_training(mine) for mine in counting if any(each.published is not True for each in mine)]
    if trained and rule.counts_training:
        most: dict[str, int] = max(trained, key=lambda each: sum(each.values()))
        stretches |= most
    counted = {*lineage.counted, *([lineage.base.name] if lineage.base else [])}
    return sum(amount for name, amount in stretches.items() if name not in counted)


def amounts_of(lineage: Lineage) -> dict[str, int]:
    """What a lineage tells of the models that made its data: name of operations -> TFLOP, whether or not they count."""
    found = {data_of(each.id): each.generation_tflop for each in lineage.generators}
    return found | _training(lineage.generators)


def data_of(generator_id: str) -> str:
    """The name of the operations that made a generator's data, as `Lineage.counted` may hold it."""
    return f"data of {generator_id}"


def _training(variants: Iterable[Generator]) -> dict[str, int]:
    """Operations that trained a model and its variants, each stretch once: name -> TFLOP.

    A variant may include another by its name; where both say how much that was, the larger figure holds.
    """
    stretches: dict[str, int] = {}
    for each in variants:
        own_tflop = each.training_tflop - sum(stretch.amount_tflop for stretch in each.included)
        for name, amount in [(each.id, own_tflop), *((it.name, it.amount_tflop) for it in each.included)]:
            stretches[name] = max(amount, stretches.get(name, 0))
    return stretches
