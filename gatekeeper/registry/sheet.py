"""A transaction over a reader: what a work writes stands on a sheet, which is stored later, at once.

It answers what works on customers ask, as if what they wrote were stored already. Anything that it cannot answer truly
it does not answer at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.inquiry import Inquiry
from gatekeeper.domain.kyc_profile import SealedProfile
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.people import People
from gatekeeper.domain.record import Record, RecordType, canonical_json, encode
from gatekeeper.domain.screening import Hit, HitState
from gatekeeper.ports import Reader, Transaction
from gatekeeper.ports.answers import KeptAnswer
from gatekeeper.ports.batches import Batch
from gatekeeper.ports.written import Written

# What no sheet changes, and versions, of which works ask what was there before them: asked of the reader itself.
_UNTOUCHED = frozenset(
    {
        "versions",
        "party_acts",
        "lists",
        "list_entries",
        "kept_answers",
        "observations",
        "users",
    }
)


class Sheet:
    """`gatekeeper.ports.Transaction` for works on customers. `begin`: the size of the log that the reader sees."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.begin = reader.log_size()
        self._held = 0
        self._records: list[Record] = []
        self._written: tuple[list[tuple[int, Party, str]], list[tuple[int, Customer]]] = ([], [])
        self._waiting: list[tuple[int, str, str | None]] = []
        self._profiles: list[SealedProfile] = []
        self._later: list[Callable[[Transaction], object]] = []
        self._party: dict[str, Party] = {}
        self._customer: dict[str, Customer] = {}
        self._proposal: dict[str, str | None] = {}
        self._inquiry: dict[str, Inquiry] = {}
        self._inquiries: list[Inquiry] | None = None
        self._people: People | None = None
        self._hit: dict[str, Hit] = {}
        self._override: dict[str, Override] = {}
        self._batch: dict[str, Batch] = {}
        self._answer: dict[tuple[str, str], KeptAnswer] = {}
        self._answered: dict[tuple[str, str], KeptAnswer | None] = {}

    def __getattr__(self, name: str) -> Any:
        """What is the reader's own."""
        if name not in _UNTOUCHED:
            raise GatekeeperError(f"A rehearsal knows no `{name}`.", hint="Do that in a transaction.")
        return getattr(self._reader, name)

    @property
    def as_transaction(self) -> Transaction:
        """Itself, for who wants a transaction."""
        return cast("Transaction", self)

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to store."""
        return bool(self._records or self._later)

    def found_same(self, reader: Reader) -> bool:
        """Whether the kept answers that were asked for, of which no record tells, are what they were."""
        return all(reader.kept_answer(*asked) == found for asked, found in self._answered.items())

    def store(self, tx: Transaction) -> None:
        """Store all of it."""
        parties, customers = self._written
        tx.write_all(Written(self._records, parties, customers, self._waiting, self._profiles))
        for each in self._later:
            each(tx)

    # What is written.

    @property
    def _told_at(self) -> int:
        """The place of the record that tells of what is put now."""
        return len(self._records) + self._held

    def hold_records(self, count: int) -> None:
        """Say how many records wait to be appended before the one that tells of what comes."""
        self._held = count

    def append(self, record: Record) -> int:
        """Append a record."""
        self._records.append(record)
        return self.log_size() - 1

    def append_all(self, records: Sequence[Record]) -> list[int]:
        """Append records in their order."""
        return [self.append(each) for each in records]

    def put_party(self, party: Party) -> None:
        """Store a party, new or changed."""
        self._party[party.id] = party
        self._written[0].append((self._told_at, party, canonical_json(party_json(party)).decode()))

    def put_customer(self, customer: Customer) -> None:
        """Store a customer, new or changed."""
        self._customer[customer.id] = customer
        self._written[1].append((self._told_at, customer))

    def put_proposal(self, customer_id: str, proposal: str | None) -> None:
        """Store what waits for a customer; None removes it."""
        self._proposal[customer_id] = proposal
        self._waiting.append((self._told_at, customer_id, proposal))

    def add_profile(self, profile: SealedProfile) -> None:
        """Store a profile as the newest of its customer."""
        self._profiles.append(profile)

    def put_inquiry(self, inquiry: Inquiry) -> None:
        """Store an inquiry as it now is."""
        self._inquiry[inquiry.id] = inquiry
        self._later.append(lambda tx: tx.put_inquiry(inquiry))

    def put_hits(self, hits: Iterable[Hit]) -> None:
        """Store hits, new or judged."""
        told = tuple(hits)
        self._hit |= {each.id: each for each in told}
        if told:
            self._later.append(lambda tx: tx.put_hits(told))

    def put_override(self, override: Override) -> None:
        """Store an override, ended."""
        self._override[override.id] = override
        self._later.append(lambda tx: tx.put_override(override))

    def put_batch(self, batch: Batch) -> None:
        """Store a batch."""
        self._batch[batch.id] = batch
        self._later.append(lambda tx: tx.put_batch(batch))

    def keep_answer(self, answer: KeptAnswer) -> None:
        """Keep an answer in place of what was kept under its key."""
        self._answer[answer.caller, answer.key] = answer
        self._later.append(lambda tx: tx.keep_answer(answer))

    def forget_answers(self, *, before: datetime) -> None:
        """Forget the answers that were given before a moment."""
        self._later.append(lambda tx: tx.forget_answers(before=before))

    def write_all(self, written: Written) -> None:
        """Take over what was written on another sheet."""
        begin = len(self._records)
        for place, party, body in written.parties:
            self._party[party.id] = party
            self._written[0].append((begin + place, party, body))
        for place, customer in written.customers:
            self._customer[customer.id] = customer
            self._written[1].append((begin + place, customer))
        for place, customer_id, text in written.proposals:
            self._proposal[customer_id] = text
            self._waiting.append((begin + place, customer_id, text))
        self._profiles += written.profiles
        self._records += written.records

    # What is asked.

    def customer(self, customer_id: str) -> Customer | None:
        """The customer, or None."""
        return self._customer.get(customer_id) or self._reader.customer(customer_id)

    def customers(self) -> list[Customer]:
        """All customers by id."""
        found = {each.id: each for each in self._reader.customers()} | self._customer
        return [each for _, each in sorted(found.items())]

    def customers_of(self, party_ids: Collection[str]) -> list[Customer]:
        """The customers that are these parties, by id."""
        found = {each.id: each for each in self._reader.customers_of(party_ids)}
        changed = {each.id: each for each in self._customer.values() if each.party_id in party_ids}
        kept = {uid: each for uid, each in found.items() if uid not in self._customer}
        return [each for _, each in sorted((kept | changed).items())]

    def parties(self) -> dict[str, Party]:
        """All parties by id."""
        return dict(sorted((self._reader.parties() | self._party).items()))

    def some_parties(self, ids: Collection[str]) -> dict[str, Party]:
        """Those of these parties that there are, by id."""
        own = {each: self._party[each] for each in ids if each in self._party}
        return self._reader.some_parties([each for each in ids if each not in own]) | own

    def owned_by(self, owner_ids: Collection[str]) -> set[str]:
        """The parties that name any of these as an owner."""
        wanted = set(owner_ids)
        own = {each.id for each in self._party.values() if not wanted.isdisjoint(each.owners)}
        return (self._reader.owned_by(owner_ids) - self._party.keys()) | own

    def proposal(self, customer_id: str) -> str | None:
        """The record of a customer that is not in effect."""
        return self._proposal[customer_id] if customer_id in self._proposal else self._reader.proposal(customer_id)

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        """What waits, by customer: of these customers, or of all."""
        if customer_ids is None:
            asked, own = None, self._proposal
        else:
            own = {each: self._proposal[each] for each in customer_ids if each in self._proposal}
            asked = [each for each in customer_ids if each not in own]
        found = {uid: text for uid, text in self._reader.proposals(asked).items() if uid not in own}
        return found | {uid: text for uid, text in own.items() if text is not None}

    def profile(self, sha256: str) -> SealedProfile | None:
        """The profile that a salted hash names."""
        return next((each for each in self._profiles if each.sha256 == sha256), None) or self._reader.profile(sha256)

    def inquiry(self, inquiry_id: str) -> Inquiry | None:
        """One inquiry."""
        return self._inquiry.get(inquiry_id) or self._reader.inquiry(inquiry_id)

    def inquiries(self, *, run_id: str | None = None) -> list[Inquiry]:
        """All inquiries, or those about one run, oldest first."""
        if self._inquiries is None:  # each of ten thousand records asks for all of them
            self._inquiries = self._reader.inquiries()
        told = [self._inquiry.get(each.id, each) for each in self._inquiries]
        return told if run_id is None else [each for each in told if each.run_id == run_id]

    def hits(self, *, party_ids: Collection[str] | None = None, current: bool = False) -> list[Hit]:
        """Hits by party and score, best first: of these parties, or all."""
        found = {each.id: each for each in self._reader.hits(party_ids=party_ids)}
        found |= {each.id: each for each in self._hit.values() if party_ids is None or each.party_id in party_ids}
        told = [each for each in found.values() if not (current and each.state is HitState.SUPERSEDED)]
        return sorted(told, key=lambda each: (each.party_id, -each.score, each.id))

    def open_hits(self) -> Mapping[str, tuple[str, ...]]:
        """Party -> ids of its open hits."""
        if not self._hit:
            return self._reader.open_hits()
        found: dict[str, tuple[str, ...]] = {}
        for each in sorted(self.hits(), key=lambda each: (each.party_id, each.id)):
            if each.state is HitState.OPEN:
                found[each.party_id] = (*found.get(each.party_id, ()), each.id)
        return found

    def override(self, override_id: str) -> Override | None:
        """The override, or None."""
        return self._override.get(override_id) or self._reader.override(override_id)

    def overrides(self, customer_id: str | None = None) -> list[Override]:
        """All overrides of one customer or of all, oldest first; a work on records ends some, and asks for none."""
        return [self._override.get(each.id, each) for each in self._reader.overrides(customer_id)]

    def people(self) -> People:
        """Who has several logins; read once, for each of ten thousand approvals asks."""
        self._people = self._people or self._reader.people()
        return self._people

    def batch(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        return self._batch.get(batch_id) or self._reader.batch(batch_id)

    def kept_answer(self, caller: str, key: str) -> KeptAnswer | None:
        """The answer that is kept under this caller's key."""
        if (caller, key) in self._answer:
            return self._answer[caller, key]
        return self._answered.setdefault((caller, key), self._reader.kept_answer(caller, key))

    def log_size(self) -> int:
        """Number of records."""
        return self.begin + len(self._records)

    def records(
        self,
        *,
        types: Collection[RecordType] = (),
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        begin: int = 0,
        end: int | None = None,
    ) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of the records that fit all that is given, in order."""
        last = self.log_size() if end is None else end
        if begin < self.begin:
            yield from self._reader.records(
                types=types, customer=customer, since=since, until=until, begin=begin, end=last
            )
        for index in range(max(begin, self.begin), min(last, self.log_size())):
            each = self._records[index - self.begin]
            fits = (not types or each.type in types) and customer in (None, each.facts.get("customer"))
            if fits and (since is None or each.at >= since) and (until is None or each.at < until):
                yield index, encode(each)
