"""Use cases on many customers at once: a folder is applied as a whole or not at all, and approved as one batch.

Each record goes the way that a single one goes, with the same two people; only the transaction is shared.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.ports import Reader, Stores, Transaction
from gatekeeper.ports.answers import KEPT, KeptAnswer
from gatekeeper.ports.batches import Batch
from gatekeeper.registry.applied import Applied, BatchReview, counts_of, name_of, repeated, sha256_of
from gatekeeper.registry.approvals import ApprovalRegistry
from gatekeeper.registry.books import Books
from gatekeeper.registry.circumstances import Circumstances
from gatekeeper.registry.customers import CustomerRegistry
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.plan import Outcome, Plan, waiting_for
from gatekeeper.registry.proposal import digest
from gatekeeper.registry.review import Review, review_of
from gatekeeper.registry.sheet import Sheet
from gatekeeper.registry.within import Open, Still

Tell = Callable[[int, int], None]
_Act = Callable[["BatchRegistry", KycRecord], Plan]
# Ten thousand customers are what the largest folder holds; beyond that somebody applies one folder after the other.
RECORDS_MAX = 20_000
_KEY_CHARACTERS_MAX = 255
# Named in the answer that is kept beside those of the API, whose callers have other names.
_KEPT = "batch:"


class BatchRegistry(CustomerRegistry, ApprovalRegistry):
    """Use cases on many customers, over the same store and packs as those on one."""

    _at_length: Stores  # the same store, for works that take long: they hold its lock only to store their result

    def plan_all(self, records: Sequence[KycRecord], *, tell: Tell | None = None) -> tuple[Plan, ...]:
        """What `apply_all` would do now. It is done on a sheet, which nobody stores.

        Raises: as `apply_all`.
        """
        apply = partial(BatchRegistry.apply, by="plan")
        return self._stores.read(lambda reader: self._each(Books(Sheet(reader).as_transaction), records, apply, tell))

    def draft_all(self, records: Sequence[KycRecord], *, by: By, tell: Tell | None = None) -> tuple[Plan, ...]:
        """Keep many first records as drafts, as `draft` does each: all of them, or none where one is refused.

        Raises:
            InvalidInput, NotPermitted: as `draft`, with the customer.
        """
        draft = partial(BatchRegistry.draft, by=by)
        return self._at_length.submit(lambda tx: self._each(Books(tx), records, draft, tell)).result()

    def apply_all(
        self,
        records: Sequence[KycRecord],
        *,
        by: By,
        idempotency_key: str = "",
        tell: Tell | None = None,
    ) -> Applied:
        """Apply many records as `apply` does each: all of them, or none where one is refused.

        Args:
            idempotency_key: the caller's name for this; the same once more within a day does nothing and answers the
                same.
            tell: hears how many of how many are done.

        Raises:
            InvalidInput, NotPermitted: as `apply`, with the customer. Conflict: the key named other records before.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        request = sha256_of(records) if idempotency_key else ""
        if len(idempotency_key) > _KEY_CHARACTERS_MAX:
            raise InvalidInput(f"An idempotency key has at most {_KEY_CHARACTERS_MAX} characters.")

        def work(tx: Transaction) -> Applied:
            caller = _KEPT + actor.name
            kept = tx.kept_answer(caller, idempotency_key) if idempotency_key else None
            if kept is not None and kept.at >= now - KEPT:
                return repeated(kept, request)
            books = Books(tx)
            plans = self._each(books, records, partial(BatchRegistry.apply, by=by), tell)
            counts = counts_of(plans)
            if books.first_record:
                changed = [each.wanted.customer_id for each in plans if each.outcome is not Outcome.UNCHANGED]
                tx.put_batch(Batch(books.first_record, actor.name, now, tuple(changed)))
            if idempotency_key:
                tx.forget_answers(before=now - KEPT)
                body = json.dumps({"batch": books.first_record, "counts": counts}, sort_keys=True)
                tx.keep_answer(KeptAnswer(caller, idempotency_key, request, 200, "{}", body, now))
            return Applied(books.first_record, plans, counts)

        return self._at_length.submit(work).result()

    def review_all(self, batch_id: str | None = None, *, tell: Tell | None = None) -> BatchReview:
        """What waits for approval of a batch, or of all customers (None).

        Raises:
            NotFound: no such batch.
        """
        return self._stores.read(lambda reader: self._review_all(reader, batch_id, tell))

    def approve_all(
        self,
        batch_id: str | None,
        *,
        by: By,
        seen: str,
        expires_at: datetime | None = None,
        tell: Tell | None = None,
    ) -> int:
        """Approve all that waits of a batch, or of all customers (None), as `approve` does each: all or none.

        Args:
            seen: fingerprint of the batch that the approver looked at.

        Raises:
            NotPermitted: by who prepared any of it, or nothing waits. Conflict: it is not what was looked at.
        """

        def work(tx: Transaction) -> int:
            books = Books(tx)
            inside = self._inside(books)
            waiting = inside._all_that_waits(books, _members(tx, batch_id))
            if name_of(waiting) != seen:
                raise Conflict(
                    "What waits is not what was looked at.", hint="Look at it again, and approve what it says now."
                )
            if not waiting:
                raise NotPermitted("Nothing of it waits for approval.")
            for number, customer_id in enumerate((each.customer.id for each in waiting), 1):
                with _of_customer(customer_id):
                    books.look_at(customer_id)
                    inside.approve(customer_id, by=by, expires_at=expires_at)
                if tell is not None:
                    tell(number, len(waiting))
            books.flush()
            return len(waiting)

        return self._at_length.submit(work).result()

    def reviews(self) -> list[Review]:
        """All customers by id, each as an approver sees it but for whose tiers an approval would move, and without
        profiles."""
        now = self._clock.now()

        def work(reader: Reader) -> list[Review]:
            books, yardstick, found = Books(reader), self._yardstick(now), []
            beside = Circumstances.of(reader, now)
            for customer in reader.customers():
                books.look_at(customer.id)
                found.append(
                    beside.seen(review_of(books.as_transaction, customer, yardstick, now, whose_tiers_move=False))
                )
            return found

        return self._stores.read(work)

    def _each(self, books: Books, records: Sequence[KycRecord], act: _Act, tell: Tell | None) -> tuple[Plan, ...]:
        if len(records) > RECORDS_MAX:
            raise InvalidInput(f"{len(records):,} customers at once; {RECORDS_MAX:,} is the most.")
        _check_agree(records)
        inside, plans = self._inside(books), list[Plan]()
        for number, record in enumerate(records, 1):
            with _of_customer(record.customer_id):
                books.look_at(record.customer_id, record)
                plans.append(act(inside, record))
            if tell is not None:
                tell(number, len(records))
        books.flush()
        return tuple(plans)

    def _review_all(self, reader: Reader, batch_id: str | None, tell: Tell | None) -> BatchReview:
        books = Books(reader)
        found = tuple(self._inside(books)._all_that_waits(books, _members(reader, batch_id), tell))
        return BatchReview(found, name_of(found))

    def _all_that_waits(self, books: Books, customer_ids: Sequence[str], tell: Tell | None = None) -> list[Review]:
        """Those of some customers of which something waits, each as its approver sees it."""
        found, now = list[Review](), self._clock.now()
        beside = Circumstances.of(books.as_transaction, now)
        for number, customer_id in enumerate(customer_ids, 1):
            books.look_at(customer_id)
            if waiting_for(books.as_transaction, customer_id) is not None:
                found.append(self._review(books.as_transaction, customer_id, beside, now))
            if tell is not None:
                tell(number, len(customer_ids))
        return found

    def _inside(self, books: Books) -> BatchRegistry:
        """The same use cases inside of a transaction that is open already, at one moment."""
        inside, now = copy.copy(self), self._clock.now()
        inside._stores, inside._clock = Open(books), Still(now)
        # Each record is looked at several times, and with it the others of its group; it ends with the batch.
        inside._measure = replace(self._yardstick(now), keeps=RECORDS_MAX, known={})
        return inside


@contextmanager
def _of_customer(customer_id: str) -> Iterator[None]:
    """Errors inside say whose record it was, in words and as `about`."""
    try:
        yield
    except GatekeeperError as error:
        error.about = customer_id
        if customer_id in error.message:
            raise
        told = type(error)(f"Customer {customer_id}: {error.message}", hint=error.hint)
        told.about = customer_id
        raise told from error


def _members(reader: Reader, batch_id: str | None) -> tuple[str, ...]:
    """The customers of a batch, or all (None)."""
    if batch_id is None:
        return tuple(each.id for each in reader.customers())
    batch = reader.batch(batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id!r:.80}.", hint="`customer apply` told its id.")
    return batch.customers


def _check_agree(records: Sequence[KycRecord]) -> None:
    """Keep one batch from saying two things of a party: what holds in the end would hang on their order.

    Raises:
        InvalidInput: two records disagree about a party that both name.
    """
    said: dict[str, tuple[str, str]] = {}
    for record in records:
        for party in record.parties:
            first, what = said.setdefault(party.id, (record.customer_id, digest(party)))
            if what != digest(party):
                raise InvalidInput(
                    f"Party {party.id} stands differently in the records of customers {first} and "
                    f"{record.customer_id}.",
                    hint="Let both say the same of it, or leave it out of one where the registry knows it.",
                )
