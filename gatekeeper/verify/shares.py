"""Follows which runs share a limit: the corporate groups that the log tells of, and the declared runs of each.

Undeclared training may be of any model. So it counts beside each model of its group, and the model that leaves it least
counts beside it; a model is a declared run with those that it is joined with (`models`). Records say so by
`pool.beside_tflop` since 2026-11-22; those before it had narrower pools, and are held to what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_of
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import is_undeclared, labelled_run_id, named_run, undeclared_run_id
from gatekeeper.verify.fields import Facts, Wrong, amount_of, text_of
from gatekeeper.verify.models import Models
from gatekeeper.verify.report import RunTotals

# Where a record of each type keeps a customer's parties and tiers.
STATES = {
    RecordType.CUSTOMER_DRAFTED: "applied",
    RecordType.CUSTOMER_ENROLLED: "applied",
    RecordType.CUSTOMER_SUBMITTED: "applied",
    RecordType.CUSTOMER_APPROVED: "in_effect",
}


class Shares:
    """Groups and declared runs as of the records seen."""

    def __init__(self) -> None:
        self._parties: dict[str, Party] = {}
        self._party_of: dict[str, str] = {}
        self._groups: dict[str, frozenset[str]] | None = None
        self._models = Models()
        self._model_of: Callable[[str], tuple[str, ...]] | None = None
        self._tells_beside = False

    def see(self, record: Record) -> None:
        """Learn parties and customers from a record about people."""
        if record.type not in STATES:
            return
        written, state = record.facts.get("written"), record.facts.get(STATES[record.type])
        # What waits for approval moves nobody who was approved before to another party.
        waits = record.type is RecordType.CUSTOMER_SUBMITTED and record.facts.get("standing") != "submitted"
        if not waits and isinstance(state, Mapping) and isinstance(party := state.get("party"), str):
            self._party_of[text_of(record.facts, "customer")] = party
            self._groups = self._model_of = None
        if isinstance(written, list | tuple) and written:
            try:
                self._parties |= {each.id: each for each in map(party_of, written)}
            except (InvalidInput, ValueError) as error:
                raise Wrong(f"A party of the record is none: {error}") from error
            self._groups = self._model_of = None

    def declare(self, facts: Facts) -> None:
        """A run of training is approved."""
        if "customer" in facts:
            self._model_of = None
            self._models.declare(facts)

    def join(self, facts: Facts) -> None:
        """Two runs are of one model from now on."""
        self._model_of = None
        self._models.join(facts)

    def twice_tflop(self, pool: set[str]) -> int:
        """What runs of a pool carry in of one base, and what counts once."""
        return self._models.twice_tflop(pool)

    def check_hold(
        self, facts: Facts, pool: set[str], withdrawn: Mapping[str, set[str]], totals: Callable[[str], RunTotals]
    ) -> None:
        """A reservation of training shares its limit with all that could be the same model."""
        stated = facts.get("pool")
        if not isinstance(stated, Mapping) or "beside_tflop" not in stated:
            if self._tells_beside:
                raise Wrong("The record does not say what counts beside its run, as records before it do.")
            return
        self._tells_beside = True
        run, customer = text_of(facts, "run"), text_of(facts, "customer")
        self._check_label(run, customer)
        own = self._undeclared({customer}, withdrawn, totals) | ({run} if named_run(run) else set())
        apart = pool - own if is_undeclared(run) else pool - {run}
        if amount_of(stated, "beside_tflop") != sum(totals(each).used_tflop for each in apart):
            raise Wrong(f"What counts beside run {run} is not what the record says.")
        if not is_undeclared(run):
            model = self._model(run)
            owners = {customer, *(self._models.customer_of[each] for each in model if each in self._models.customer_of)}
            _check_all(run, {*model, *self._undeclared(owners, withdrawn, totals)}, pool)
            return
        _check_all(run, own, pool)
        self._check_beside(facts, pool, own, withdrawn, totals)

    def _check_beside(
        self,
        facts: Facts,
        pool: set[str],
        own: set[str],
        withdrawn: Mapping[str, set[str]],
        totals: Callable[[str], RunTotals],
    ) -> None:
        """Beside undeclared training stands one whole model of the group, and none leaves less."""
        run, limit = text_of(facts, "run"), amount_of(facts, "limit_tflop")
        members = self._group(text_of(facts, "customer"))
        models = {self._model(each) for each, owner in self._models.customer_of.items() if owner in members}
        sets = {model: self._beside(model, own, withdrawn, totals) for model in models}
        apart = pool - own
        if apart and apart not in sets.values():
            raise Wrong(f"Run {run} shares its limit with runs that are no model of its group.")
        used = sum(totals(each).used_tflop for each in apart) - self.twice_tflop(apart)
        for model, beside in sets.items():
            more = sum(totals(each).used_tflop for each in beside) - self.twice_tflop(beside) - used
            lifted = max(totals(each).limit_tflop for each in model) - limit
            if more > 0 and more > lifted and not self._models.may_exceed(model):
                raise Wrong(f"Run {run} leaves out a model of its group that used {more} TFLOP more: {model[0]}.")

    def _beside(
        self,
        model: tuple[str, ...],
        own: set[str],
        withdrawn: Mapping[str, set[str]],
        totals: Callable[[str], RunTotals],
    ) -> set[str]:
        """The runs of a model, and the undeclared training of other groups that have a part in it."""
        if len(model) == 1:
            return set(model)
        owners = {self._models.customer_of[each] for each in model}
        return {*model, *(self._undeclared(owners, withdrawn, totals) - own)}

    def _undeclared(
        self, customers: set[str], withdrawn: Mapping[str, set[str]], totals: Callable[[str], RunTotals]
    ) -> set[str]:
        """All that undeclared training of the groups of some customers is booked on."""
        members = {each for customer in customers for each in self._group(customer)}
        labelled = {labelled_run_id(run) for run, owner in self._models.customer_of.items() if owner in members}
        return {
            *map(undeclared_run_id, members),
            *(each for member in members for each in withdrawn.get(member, ())),
            *(each for each in labelled if totals(each) != RunTotals(each)),
        }

    def _check_label(self, run: str, customer: str) -> None:
        """What a label sorts stands beside an approved run of the same customer."""
        named = named_run(run)
        if named is not None and self._models.customer_of.get(named) != customer:
            raise Wrong(f"{run} is booked for customer {customer}, whose approved run {named} is not.")

    def _model(self, run: str) -> tuple[str, ...]:
        """All runs of the model that a declared run is of, itself among them."""
        if self._model_of is None:
            self._model_of = self._models.of(self._group)
        return self._model_of(run)

    def _group(self, customer: str) -> frozenset[str]:
        """The customers of the same corporate group; the customer alone where the log does not know its party."""
        if self._groups is None:
            by_party: dict[str, set[str]] = {}
            for each, party in self._party_of.items():
                by_party.setdefault(party, set()).add(each)
            self._groups = {}
            for group in corporate_groups(self._parties, by_party):
                members = frozenset(each for party in group for each in by_party.get(party, ()))
                self._groups |= dict.fromkeys(members, members)
        return self._groups.get(customer, frozenset({customer}))


def _check_all(run: str, wanted: set[str], pool: set[str]) -> None:
    if wanted - pool:
        raise Wrong(f"Run {run} shares its limit with {', '.join(sorted(wanted - pool))}, which is left out.")
