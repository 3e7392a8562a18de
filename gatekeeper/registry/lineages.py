"""What a declaration says of its lineage, held against what the registry knows of the same models already."""

from __future__ import annotations

from gatekeeper.domain.allowances import amounts_of
from gatekeeper.domain.errors import InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.join import plain_name
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.run import Run, RunState
from gatekeeper.ports import Reader


def check_trains(run: Run) -> None:
    """Let only approved runs of training be one model with others.

    Raises:
        NotPermitted: it is none.
    """
    if run.state is not RunState.APPROVED or not run.purpose.counts:
        raise NotPermitted(
            f"Run {run.id} is {run.state.value} and {run.purpose.value}: only approved runs of training are joined."
        )


def check_known(reader: Reader, run: Run) -> None:
    """Refuse a declaration that puts less into a model than is known to be in it.

    A base that was approved for another run went into the model with as much there. A base that is a run here has what
    that run has used. And a model that began from a run here is one with it, by `base_run`.

    What is said to be counted already has to be: it is in what the run carries in, or in the account of its base run.

    Raises:
        InvalidInput: less is declared. NotFound, NotPermitted: its base run is no approved run of training.
    """
    if run.particulars.base_run:
        base_run = reader.run(run.particulars.base_run)
        if base_run is None:
            raise NotFound(f"There is no run {run.particulars.base_run!r:.80}.", hint="See `gatekeeper run list`.")
        check_trains(base_run)
    if run.lineage is not None:
        _check_counted(reader, run, run.lineage)
    base = run.lineage.base if run.lineage else None
    if base is None:
        return
    known = max(_known(reader, run, plain_name(base.name)), default=(0, ""))
    if base.training_tflop < known[0]:
        raise InvalidInput(
            f"Base model {base.name} has {known[0]} TFLOP by {known[1]}, and less is declared: {base.training_tflop}.",
            hint="Declare at least as much, or put the other right first.",
        )


def _check_counted(reader: Reader, run: Run, lineage: Lineage) -> None:
    base = lineage.base
    amounts = {name: amount for name, amount in amounts_of(lineage).items() if name in lineage.counted}
    amounts.pop(base.name if base else "", None)
    base_run = reader.run(run.particulars.base_run) if run.particulars.base_run else None
    if base_run is not None:
        account, names = reader.account(base_run.id), {plain_name(base_run.id), plain_name(base_run.title)}
        used = account.carried_in_tflop + account.settled.high_tflop
        amounts = {name: amount for name, amount in amounts.items() if plain_name(name) not in names or amount > used}
    carried_in = run.carried_in_tflop - (base.training_tflop if base else 0)
    if sum(amounts.values()) > carried_in:
        raise InvalidInput(
            f"Run {run.id} says that {', '.join(sorted(amounts))!s:.400} are counted already: {sum(amounts.values())} "
            f"TFLOP, and it carries in {carried_in} beside its base.",
            hint="Carry them in, or leave them out of what is counted.",
        )


def _known(reader: Reader, run: Run, name: str) -> list[tuple[int, str]]:
    """What is known to be in a model of this name, and by what."""
    found = []
    for other in reader.runs():
        if other.id == run.id or other.state is not RunState.APPROVED:
            continue
        base = other.lineage.base if other.lineage else None
        if base is not None and plain_name(base.name) == name:
            found.append((base.training_tflop, f"the lineage of run {other.id}"))
        if name and name in (plain_name(other.id), plain_name(other.title)):
            account = reader.account(other.id)
            found.append((account.carried_in_tflop + account.settled.high_tflop, f"the account of run {other.id}"))
    return found
