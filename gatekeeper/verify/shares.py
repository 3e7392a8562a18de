"""Follows which runs share a limit: the corporate groups that the log tells of, and the declared runs of each.

Undeclared training may be of any model. So it counts beside each declared run of its group, and the declared run of the
group that used most counts beside it. Records say so by `pool.beside_tflop` since 2026-11-22; those before it had
narrower pools, and are held to what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_of
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import is_undeclared, undeclared_run_id
from gatekeeper.verify.fields import Facts, Wrong, amount_of, text_of

# Where a record of each type keeps a customer's party.
_STATES = {
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
        self._declared: dict[str, set[str]] = {}
        self._tells_beside = False

    def see(self, record: Record) -> None:
        """Learn parties and customers from a record about people."""
        if record.type not in _STATES:
            return
        written, state = record.facts.get("written"), record.facts.get(_STATES[record.type])
        # What waits for approval moves nobody who was approved before to another party.
        waits = record.type is RecordType.CUSTOMER_SUBMITTED and record.facts.get("standing") != "submitted"
        if not waits and isinstance(state, Mapping) and isinstance(party := state.get("party"), str):
            self._party_of[text_of(record.facts, "customer")] = party
            self._groups = None
        if isinstance(written, list | tuple) and written:
            try:
                self._parties |= {each.id: each for each in map(party_of, written)}
            except (InvalidInput, ValueError) as error:
                raise Wrong(f"A party of the record is none: {error}") from error
            self._groups = None

    def declare(self, facts: Facts) -> None:
        """A run of training is approved."""
        if "customer" in facts:
            self._declared.setdefault(text_of(facts, "customer"), set()).add(text_of(facts, "run"))

    def check_hold(
        self, facts: Facts, pool: set[str], withdrawn: Mapping[str, set[str]], used_tflop: Callable[[str], int]
    ) -> None:
        """A reservation of training shares its limit with all that could be the same model."""
        stated = facts.get("pool")
        if not isinstance(stated, Mapping) or "beside_tflop" not in stated:
            if self._tells_beside:
                raise Wrong("The record does not say what counts beside its run, as records before it do.")
            return
        self._tells_beside = True
        run, members = text_of(facts, "run"), self._group(text_of(facts, "customer"))
        undeclared = {undeclared_run_id(each) for each in members}
        undeclared |= {each for member in members for each in withdrawn.get(member, ())}
        if undeclared - pool:
            raise Wrong(f"Run {run} shares its limit with {', '.join(sorted(undeclared - pool))}, which is left out.")
        declared = {each for member in members for each in self._declared.get(member, ())}
        apart = declared & pool if is_undeclared(run) else pool - {run}
        if amount_of(stated, "beside_tflop") != sum(map(used_tflop, apart)):
            raise Wrong(f"What counts beside run {run} is not what the record says.")
        if not is_undeclared(run):
            return
        most = max(map(used_tflop, declared), default=0)
        if most and max(map(used_tflop, declared & pool), default=0) < most:
            raise Wrong(f"Run {run} leaves out the declared run of its group that used most, {most} TFLOP.")

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
