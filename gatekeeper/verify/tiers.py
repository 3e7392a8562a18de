"""Compares each tier that a customer's record states with the parties that stand beside it in the record.

Each tier table is taken from the log itself (policy.loaded), or from the pack's publisher where the caller gives it.
A stated tier must be the strictest of its stated reasons, and each reason's path must lead from the customer's party
to an owner of it. With the tier table of the pack, named by the pack's SHA-256, the tier and its reasons are resolved
again from the parties alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.grounds import REASONS_MAX
from gatekeeper.domain.long_path import PATH_END, cut
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_of
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.table_facts import table_of
from gatekeeper.domain.tier import Tier, TierReason, TierTable, worst
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.shares import STATES

Reason = tuple[Tier, str, tuple[str, ...], int]


class TierCheck:
    """A check for `verify_export(checks=[...])`.

    Args:
        tables: SHA-256 of a policy pack, hexadecimal -> its tier table, from its publisher: what the log itself says
            of such a pack must agree.

    Attributes:
        unresolved_packs: packs whose table was not given: their tiers were compared with their reasons only.
    """

    def __init__(self, tables: Mapping[str, TierTable] | None = None) -> None:
        self.unresolved_packs: set[str] = set()
        self._tables = dict(tables or {})
        self._written: dict[str, Party] = {}

    def table(self, sha256: str) -> TierTable | None:
        """The tier table of a pack, from its publisher or as the log told of it."""
        return self._tables.get(sha256)

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a tier does not follow from the parties and reasons in the record.
        """
        if record.type is RecordType.POLICY_LOADED and "pack" in record.facts:
            self._learn(record)
        self._replay(record)
        place = STATES.get(record.type)
        if place is None or place not in record.facts:
            return
        state = _object(record.facts[place], place)
        try:
            parties = {each.id: each for each in map(party_of, _list(state, "parties"))}
        except (InvalidInput, ValueError) as error:
            raise Wrong(f"A party of the record is none: {error}") from error
        if "parties_total" in state:
            parties = self._completed(state, parties)
        for pack, stated in _object(state.get("tiers"), "tiers").items():
            self._compare(pack, _object(stated, f"tiers.{pack}"), state, parties)

    def _replay(self, record: Record) -> None:
        """Take in the parties that a record wrote: of a long chain the record of a customer holds only a part."""
        written = record.facts.get("written")
        if isinstance(written, list | tuple) and written:
            try:
                self._written |= {each.id: each for each in map(party_of, written)}
            except (InvalidInput, ValueError) as error:
                raise Wrong(f"A party of the record is none: {error}") from error

    def _completed(self, state: Mapping[str, object], listed: Mapping[str, Party]) -> dict[str, Party]:
        """The parties of a long chain: those that the record lists, and the others as the log last wrote them."""
        everything, found = {**self._written, **listed}, dict[str, Party]()
        waiting = [_text(state, "party")]
        while waiting:
            party = everything.get(waiting.pop())
            if party is not None and party.id not in found:
                found[party.id] = party
                waiting += party.owners
        if len(found) != state["parties_total"] or not listed.keys() <= found.keys():
            raise Wrong(
                f"Customer {_text(state, 'customer')} is stated to have {state['parties_total']} parties; "
                f"by the log it has {len(found)}."
            )
        return found

    def _learn(self, record: Record) -> None:
        """Take in the tier table of a pack that was loaded."""
        sha256, table = _text(record.facts, "sha256"), _table(_object(record.facts.get("tiers"), "tiers"))
        known = self._tables.get(sha256, table)
        # The same pack is told with its ownership rules once the service knows any: what was resolved before had none.
        same_rules = known.ownership == table.ownership or known.ownership is None
        # Logs from before tables had a first day do not tell of it.
        same_rules = same_rules and (known.begins == table.begins or None in (known.begins, table.begins))
        if _essence(known) != _essence(table) or not same_rules:
            raise Wrong(f"The tier table of pack {_text(record.facts, 'pack')} is not the one known by its SHA-256.")
        self._tables[sha256] = table

    def _compare(
        self, pack: str, stated: Mapping[str, object], state: Mapping[str, object], parties: Mapping[str, Party]
    ) -> None:
        customer, party = _text(state, "customer"), _text(state, "party")
        tier, reasons = _tier(stated), [_reason(each) for each in _list(stated, "reasons")]
        if tier is not worst(each for each, *_ in reasons):
            raise Wrong(f"Customer {customer} is in {tier} by pack {pack}, which is not the strictest of its reasons.")
        for _, _, path, length in reasons:
            _check_path(path, length, party, parties)
        table = self._tables.get(_text(stated, "sha256"))
        if table is None:
            self.unresolved_packs.add(pack)
            return
        found = resolve(parties, party, table, _day(state))
        stated_more = stated.get("reasons_total", len(reasons)) != len(found.reasons) + found.more
        # Records from before there was a limit have all reasons, the strictest first as well; of a long chain a few.
        asked = found.reasons[: len(reasons)] if reasons and "parties_total" in state else found.reasons
        if any(map(_differs, asked, reasons)) or len(asked) != len(reasons[:REASONS_MAX]) or stated_more:
            raise Wrong(
                f"Customer {customer} is stated to be in {tier} by pack {pack}; its parties make it {found.tier}."
            )


def _table(fields: Mapping[str, object]) -> TierTable:
    try:
        return table_of(fields)
    except InvalidInput as error:
        raise Wrong(f"The tier table of the record is none: {error}") from error


def _essence(table: TierTable) -> object:
    """All of a table but its sources, in one order."""
    rows = {
        country: sorted((row.tier.value, row.effective_from, row.effective_to or date.max) for row in each)
        for country, each in table.rows.items()
    }
    return rows, table.otherwise, table.countries, dict(table.parents), table.occupied


def _differs(found: TierReason, stated: Reason) -> bool:
    """Whether a reason is another one; of a long path a record names both ends."""
    tier, code, path, length = stated
    same_path = found.path == path or (cut(found.path) == path and len(found.path) == length)
    return (found.tier, found.code) != (tier, code) or not same_path


def _check_path(path: tuple[str, ...], length: int, party: str, parties: Mapping[str, Party]) -> None:
    """A path begins at the customer's party, and each next one owns the one before; of a long one both ends."""
    if length > len(path) and len(path) == 2 * PATH_END:
        _check_path(path[:PATH_END], PATH_END, party, parties)
        party, path = path[PATH_END], path[PATH_END:]
    elif length != len(path):
        raise Wrong("A reason's path is cut short, and not as long ones are.")
    if not path or path[0] != party:
        raise Wrong(f"A reason's path does not begin at the customer's party {party}.")
    for owned, owner in pairwise(path):
        if owned not in parties or owner not in parties[owned].owners:
            raise Wrong(f"A reason's path says that {owner} owns {owned}, which the parties do not.")


def _reason(value: object) -> Reason:
    fields = _object(value, "a reason")
    path = _texts(fields, "path")
    length = fields.get("path_total", len(path))
    if type(length) is not int:
        raise Wrong("path_total must be a number.")
    return _tier(fields), _text(fields, "code"), path, length


def _tier(fields: Mapping[str, object]) -> Tier:
    try:
        return Tier(_text(fields, "tier"))
    except ValueError as error:
        raise Wrong("A tier is 1, 2, 3 or unresolved.") from error


def _day(state: Mapping[str, object]) -> date:
    try:
        return date.fromisoformat(_text(state, "as_of"))
    except ValueError as error:
        raise Wrong("as_of must be a day.") from error


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise Wrong(f"{name} must be an object.")
    return value


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise Wrong(f"{name} must be a list.")
    return value


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Wrong(f"{name} must be a text.")
    return value


def _texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = _list(fields, name)
    if not all(isinstance(each, str) for each in values):
        raise Wrong(f"{name} must be a list of texts.")
    return tuple(map(str, values))
