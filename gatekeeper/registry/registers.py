"""Use case on evidence: hold what a public register says against our records, and take the stricter word at once.

A register is never the record. Where it places a party's headquarters in a country that is stricter by every pack, that
takes effect as any stricter change of one person does, and two people judge whether it goes back. Each word of the
register counts once: what two people have set back is not taken again until the register says something new.
Everything else is told: who decides on it changes the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.observation import HIDDEN, STALE, Disagreement, Observed
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, JsonValue, RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.batch import BatchRegistry
from gatekeeper.registry.books import Books
from gatekeeper.registry.facts import customer_facts
from gatekeeper.registry.kyc_record import overlaid, owners_of
from gatekeeper.registry.people import By, acting, changed_alone
from gatekeeper.registry.plan import Outcome, in_effect, kept_of, plan_of
from gatekeeper.registry.profiles import sealed

# The log names so many; a register of everybody may disagree about thousands.
TOLD_MAX = 100
TEXT_CHARACTERS_MAX = 200


class RegisterRegistry(BatchRegistry):
    """Use case on registers, over the same store as all others on customers."""

    def known_leis(self) -> frozenset[str]:
        """The LEIs of all parties, also of those that wait."""
        return frozenset(each.lei for each in self._stores.read(_known_parties).values() if each.lei)

    def compare(self, observed: Mapping[str, Observed]) -> list[Disagreement]:
        """Where a register disagrees with our records; nothing is written."""

        def work(reader: Reader) -> list[Disagreement]:
            return disagreements(_known_parties(reader), observed)

        return self._stores.read(work)

    def observe(self, observed: Mapping[str, Observed], *, by: By) -> list[Disagreement]:
        """Store what a register says, take what is stricter, and tell every disagreement.

        Raises:
            NotPermitted: the caller may not edit records.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> list[Disagreement]:
            parties = _known_parties(tx)
            books = Books(tx)
            found = [
                replace(each, taken=self._take(books, parties[each.party_id], observed[each.lei], actor, now))
                if each.code == "headquarters"
                else each
                for each in disagreements(parties, observed)
            ]
            for each in observed.values():
                tx.put_observation(each)
            books.append(new_record(RecordType.GLEIF_IMPORTED, actor, now, _facts(parties, observed, found)))
            books.flush()
            return found

        return self._stores.transact(work)

    def _take(self, books: Books, before: Party, word: Observed, actor: Actor, now: datetime) -> bool:
        """Put the register's country into effect where it is stricter; whether that was done.

        Only this party is written, from what is in effect: what waits keeps its author, and waits on.
        """
        last = books.as_transaction.observation(word.lei, word.source)
        if last is not None and last.headquarters == word.headquarters:
            return False
        if not self._yardstick(now).at_least(word.headquarters, before.headquarters):
            return False
        for customer in books.customers_below(before.id):
            books.look_at(customer.id)
            holds = in_effect(customer, books.parties())
            if holds is None or before.id not in books.parties():
                continue
            wanted = replace(books.parties()[before.id], headquarters=word.headquarters)
            way = _way(books.parties(), holds.party_id, before.id)
            record = replace(holds, parties=tuple(overlaid(way, [wanted]).values()))
            books.look_at(customer.id, record)
            try:
                plan = plan_of(books.as_transaction, sealed(books.as_transaction, record)[0], self._yardstick(now))
            except (InvalidInput, NotPermitted):
                continue  # a letter box, or a closed account: somebody has to look at what is told
            if plan.written.keys() != {before.id}:
                continue
            after = changed_alone(customer, actor.name)
            books.put_party(plan.written[before.id])
            books.put_customer(after)
            facts = {**customer_facts(after), "effect": Outcome.AT_ONCE.value, **self._applied(plan, record)}
            books.append(new_record(RecordType.CUSTOMER_SUBMITTED, actor, now, facts))
            return True
        return False


def disagreements(parties: Mapping[str, Party], observed: Mapping[str, Observed]) -> list[Disagreement]:
    """Where a register and the records of parties say different things, by party."""
    found = []
    for _, party in sorted(parties.items()):
        if not party.lei:
            continue
        word = observed.get(party.lei)
        if word is None:
            found.append(Disagreement(party.id, party.lei, "absent", party.lei, "no such entry"))
            continue
        found += [Disagreement(party.id, party.lei, *told) for told in _told(parties, party, word)]
    return found


def _told(parties: Mapping[str, Party], party: Party, word: Observed) -> Iterator[tuple[str, str, str]]:
    """Code, what we have, and what the register has, for each disagreement about a party."""
    if word.headquarters and word.headquarters != party.headquarters:
        yield "headquarters", party.headquarters or "unknown", word.headquarters
    above = {each.lei for each in owners_of(parties, party.id).values()}
    missing = [each for each in word.parents if each not in above]
    if missing:
        yield "parent", ", ".join(sorted(above - {"", party.lei})) or "none with an LEI", ", ".join(missing)
    hidden = sorted(set(word.exceptions) & HIDDEN)
    if hidden and not party.owners:
        yield "hidden_parent", party.no_parent_reason or "none", ", ".join(hidden)
    if word.registration in STALE or word.status not in ("ACTIVE", ""):
        yield "status", "in use here", f"{word.status or 'entity'}, {word.registration}"


def _way(parties: Mapping[str, Party], party_id: str, owner_id: str) -> dict[str, Party]:
    """The parties on a shortest line of owners from one up to another: a record of all may be too long to read."""
    lines: dict[str, tuple[str, ...]] = {party_id: (party_id,)}
    waiting = [party_id]
    while owner_id not in lines:
        party = waiting.pop(0)
        for owner in parties[party].owners:
            if owner not in lines and owner in parties:
                lines[owner] = (*lines[party], owner)
                waiting.append(owner)
    return {each: parties[each] for each in lines[owner_id]}


def _known_parties(reader: Reader) -> dict[str, Party]:
    """All parties of the registry, and those of first records that wait."""
    found = reader.parties()
    for customer in reader.customers():
        kept = kept_of(reader, customer.id) if customer.standing.is_first_record else None
        for party in kept.record.parties if kept else ():
            found.setdefault(party.id, party)
    return found


def _facts(
    parties: Mapping[str, Party], observed: Mapping[str, Observed], found: Sequence[Disagreement]
) -> dict[str, JsonValue]:
    files = sorted({each for word in observed.values() for each in word.files})
    told = {each.party_id for each in found}
    return {
        "files": list(files),
        "entries": len(observed),
        "parties": sum(bool(each.lei) for each in parties.values()),
        "agree": sum(bool(each.lei) and each.id not in told for each in parties.values()),
        "conflicts": [
            {
                "party": each.party_id,
                "lei": each.lei,
                "code": each.code,
                "recorded": each.recorded[:TEXT_CHARACTERS_MAX],
                "observed": each.observed[:TEXT_CHARACTERS_MAX],
                "taken": each.taken,
            }
            for each in found[:TOLD_MAX]
        ],
        "conflicts_total": len(found),
    }
