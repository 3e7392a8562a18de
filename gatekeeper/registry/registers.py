"""Use case on evidence: hold what a public register says against our records, and take the stricter word at once.

A register is never the record. Where it places a headquarters in a country that is stricter by every pack, names an
ultimate parent or a successor that our chain does not hold, or says that a parent is hidden where we have a reason for
none, that takes effect as any stricter change of one person does, and two people judge whether it goes back. Each word
of the register counts once: what two people have set back is not taken again until the register says something new.
Everything else is told: who decides on it changes the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.observation import GLEIF, Disagreement, Observed
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, JsonValue, RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.batch import BatchRegistry
from gatekeeper.registry.books import Books
from gatekeeper.registry.conflicts import TAKEN, Word, as_told, disagreements, disagreements_of, is_news
from gatekeeper.registry.consequences import TierChange
from gatekeeper.registry.facts import customer_facts
from gatekeeper.registry.inquiries import reopen_for
from gatekeeper.registry.kyc_record import KycRecord, in_order, overlaid
from gatekeeper.registry.outgrown import end_outgrown, outgrown
from gatekeeper.registry.people import By, acting, changed_alone
from gatekeeper.registry.plan import Outcome, Plan, in_effect, kept_of, plan_of
from gatekeeper.registry.profiles import sealed
from gatekeeper.registry.sheet import Sheet

# The log names so many; a register of everybody may disagree about thousands.
TOLD_MAX = 100
TEXT_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a register's words: each disagreement, and the customers whose tier it moved."""

    conflicts: tuple[Disagreement, ...]
    changes: tuple[TierChange, ...] = ()


class RegisterRegistry(BatchRegistry):
    """Use case on registers, over the same store as all others on customers."""

    def known_leis(self) -> frozenset[str]:
        """The LEIs of all parties, also of those that wait."""
        return frozenset(each.lei for each in self._stores.read(_known_parties).values() if each.lei)

    def last_words(self) -> dict[str, Observed]:
        """What the register said last about the LEIs of all parties, by LEI."""

        def work(reader: Reader) -> dict[str, Observed]:
            return reader.observations({each.lei for each in _known_parties(reader).values() if each.lei}, GLEIF)

        return self._stores.read(work)

    def compare(self, observed: Mapping[str, Observed], *, is_delta: bool = False) -> Heard:
        """What `observe` would do now, done on a sheet, which nobody stores."""
        now, actor = self._clock.now(), acting("plan", Right.EDIT)

        def work(reader: Reader) -> Heard:
            books = Books(Sheet(reader).as_transaction)
            return self._hear(books, _known_parties(reader), observed, actor, now, is_delta=is_delta)

        return self._stores.read(work)

    def observe(self, observed: Mapping[str, Observed], *, by: By, is_delta: bool = False) -> Heard:
        """Store what a register says, take what is stricter, and tell every disagreement and whose tier it moved.

        Raises:
            NotPermitted: the caller may not edit records.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Heard:
            parties, books = _known_parties(tx), Books(tx)
            heard = self._hear(books, parties, observed, actor, now, is_delta=is_delta)
            last = tx.observations(observed.keys(), GLEIF)
            tx.put_observations([word.after(last.get(lei), actor.name, now) for lei, word in observed.items()])
            books.append(new_record(RecordType.GLEIF_IMPORTED, actor, now, _facts(parties, observed, heard.conflicts)))
            books.flush()
            return heard

        return self._stores.transact(work)

    def _hear(
        self,
        books: Books,
        parties: Mapping[str, Party],
        observed: Mapping[str, Observed],
        actor: Actor,
        now: datetime,
        *,
        is_delta: bool,
    ) -> Heard:
        """Take what is stricter into the books; of tiers only those by which decisions differ are told."""
        found, changes, placing = list[Disagreement](), list[TierChange](), self._yardstick(now).placing
        for each in disagreements(parties, observed, is_delta=is_delta):
            plan = self._take(books, each, observed, actor, now) if each.code in TAKEN else None
            changes += [change for change in plan.changes if change.pack in placing] if plan else []
            found.append(replace(each, taken=plan is not None))
        return Heard(tuple(found), tuple(changes))

    def _take(
        self, books: Books, told: Disagreement, observed: Mapping[str, Observed], actor: Actor, now: datetime
    ) -> Plan | None:
        """Put the register's word into effect where it is stricter; what that did, None where it was not done.

        Only this party is written, from what is in effect, and who it names that nobody knew: what waits keeps its
        author, and waits on.
        """
        word = observed[told.lei]
        if not is_news(told.code, word, _last(books, word.lei, word.source)):
            return None
        for customer in books.customers_below(told.party_id):
            books.look_at(customer.id)
            holds = in_effect(customer, books.parties())
            before = books.parties().get(told.party_id)
            if holds is None or before is None:
                continue
            # The owners of others that this import has added may have settled it.
            if told.code not in {each.code for each in disagreements_of(books.parties(), before, word)}:
                continue
            words, holders = _words(books, observed), books.holders
            wanted = as_told(told.code, books.known(), before, word, words=words, holders=holders)
            record = replace(holds, parties=_with(_way(books.parties(), holds.party_id, before.id), wanted))
            books.look_at(customer.id, record)
            plan = self._plan_taken(books, record, wanted, now)
            if plan is None:
                continue
            earlier = books.parties().copy()
            after = changed_alone(customer, actor.name)
            for party in plan.written.values():
                books.put_party(party)
            books.put_customer(after)
            facts = {**customer_facts(after), "effect": Outcome.AT_ONCE.value, **self._applied(plan, record)}
            books.append(new_record(RecordType.CUSTOMER_SUBMITTED, actor, now, facts))
            reopen_for(books.as_transaction, earlier, plan.written.values(), actor, now)
            ended = outgrown(books.as_transaction, plan.changes, self._yardstick(now).placing, now)
            end_outgrown(books.as_transaction, ended, actor, now)
            return plan
        return None

    def _plan_taken(self, books: Books, record: KycRecord, wanted: tuple[Party, ...], now: datetime) -> Plan | None:
        """What applying the register's word does; None where it is not stricter as a whole, or cannot be applied."""
        try:
            plan = plan_of(books.as_transaction, sealed(books.as_transaction, record)[0], self._yardstick(now))
        except (InvalidInput, NotPermitted):
            return None  # a letter box, a closed account or too long a chain: somebody has to look at what is told
        written = {each.id: in_order(each) for each in plan.written.values()}
        return plan if written == {each.id: in_order(each) for each in wanted} else None


def _words(books: Books, observed: Mapping[str, Observed]) -> Word:
    """What the register says of an LEI now, or else what it said last."""
    return lambda lei: observed.get(lei) or _last(books, lei, GLEIF)


def _last(books: Books, lei: str, source: str) -> Observed | None:
    """What a register said last about an LEI."""
    return books.as_transaction.observations({lei}, source).get(lei)


def _with(way: Mapping[str, Party], wanted: tuple[Party, ...]) -> tuple[Party, ...]:
    return tuple(overlaid(way, wanted).values())


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
