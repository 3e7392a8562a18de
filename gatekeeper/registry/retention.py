"""Use cases on what closed accounts left behind: legal holds, what is due, and erasing it by two people.

The approval removes values, salts and kept answers in the transaction of its record: from then on nobody is shown them.
Their bytes are `finishing`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.retention import NO_EVENTS, Erasure, LegalHold, kept_until, refusal
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.evidence import held
from gatekeeper.registry.finishing import FinishingRegistry
from gatekeeper.registry.life_facts import erasure_facts, hashes_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing


@dataclass(frozen=True, slots=True)
class Kept:
    """A closed customer, until when what it left is kept, and what stands against erasing it.

    Attributes:
        refused, hint: why it may not be erased now, and what would help; both "" where it may.
    """

    customer: Customer
    last_event_at: datetime
    kept_until: datetime
    holds: tuple[LegalHold, ...]
    erasure: Erasure | None
    refused: str
    hint: str


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure removes.

    Attributes:
        profiles: salted hashes of the profiles whose values and salts go; the hashes stay in the log.
        files: SHA-256 of evidence that is this customer's alone. shared: of files that others have on record too.
    """

    kept: Kept
    profiles: tuple[str, ...]
    files: tuple[str, ...]
    shared: tuple[str, ...]


class RetentionRegistry(FinishingRegistry):
    """Use cases on legal holds and erasures, over one store."""

    _retention_years: int

    def retention(self, *, due: bool = False) -> list[Kept]:
        """Closed customers whose values are not erased yet, the first that is due first.

        Args:
            due: only those that may be erased now.
        """
        now = self._clock.now()

        def work(reader: Reader) -> list[Kept]:
            events, erasures = reader.last_events(NO_EVENTS), {each.customer_id: each for each in reader.erasures()}
            holds, working = reader.legal_holds(), {each.customer_id for each in reader.open_reservations()}
            found = [
                self._kept(
                    each,
                    events[each.id],
                    [hold for hold in holds if hold.customer_id == each.id],
                    erasures.get(each.id),
                    has_open_work=each.id in working,
                    now=now,
                )
                for each in reader.customers()
                if each.standing is Standing.CLOSED and not _is_finished(erasures.get(each.id))
            ]
            return [each for each in found if not (due and each.refused)]

        return sorted(self._stores.read(work), key=lambda each: (each.kept_until, each.customer.id))

    def plan_erasure(self, customer_id: str) -> ErasurePlan:
        """What erasing a customer would remove, and what stands against it; nothing is written.

        Raises:
            NotFound: no such customer.
        """
        now = self._clock.now()
        return self._stores.read(lambda reader: self._plan(reader, customer_id, now))

    def erase(self, customer_id: str, *, by: By, reason: str) -> Erasure:
        """Ask that what a closed customer told of itself be erased: another person approves it.

        Raises:
            NotPermitted: it is not closed, kept for longer, or under a legal hold. InvalidInput: no reason.
            Conflict: that was asked or done already. NotFound: no such customer.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        asked = Erasure(customer_id, reason.strip(), actor.name, now)

        def work(tx: Transaction) -> Erasure:
            plan = self._plan(tx, customer_id, now)
            _check_free(plan.kept.erasure)
            _check_may(plan.kept)
            tx.put_erasure(asked)
            facts = erasure_facts(asked, plan.kept.last_event_at, self._retention_years)
            tx.append(new_record(RecordType.ERASURE_REQUESTED, actor, now, facts))
            return asked

        return self._stores.transact(work)

    def approve_erasure(self, customer_id: str, *, by: By, seen: Erasure | None = None) -> ErasurePlan:
        """Erase: values, salts and kept answers are gone with this; see `finish_erasures` for their bytes.

        Args:
            seen: what the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by who asked for it, or something stands against it now. NotFound: none waits.
            Conflict: it is not the one that was looked at.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> ErasurePlan:
            waiting = waiting_erasure(tx, customer_id)
            if seen is not None and seen != waiting:
                raise Conflict(f"The erasure is not the one that {actor.name} looked at.", hint="Look again.")
            approved = replace(waiting, approved_by=actor.name, approved_at=now)
            plan = self._plan(tx, customer_id, now)
            _check_may(plan.kept)
            tx.put_erasure(approved)
            tx.erase_values(customer_id)
            if tx.proposal(customer_id) is not None:
                tx.put_proposal(customer_id, None)
            facts = {
                **erasure_facts(approved, plan.kept.last_event_at, self._retention_years),
                **hashes_facts("profiles", list(plan.profiles)),
                **hashes_facts("files", list(plan.files)),
                "approved_by": actor.name,
            }
            tx.append(new_record(RecordType.CUSTOMER_ERASED, actor, now, facts))
            return plan

        return self._stores.transact(work)

    def reject_erasure(self, customer_id: str, *, by: By) -> Erasure:
        """Drop an erasure that waits. One person does it: everything stays.

        Raises:
            NotFound: none waits.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Erasure:
            waiting = waiting_erasure(tx, customer_id)
            tx.drop_erasure(customer_id)
            last = tx.last_events(NO_EVENTS, customer_id)[customer_id]
            facts = erasure_facts(waiting, last, self._retention_years)
            tx.append(new_record(RecordType.ERASURE_REJECTED, actor, now, facts))
            return waiting

        return self._stores.transact(work)

    def _plan(self, reader: Reader, customer_id: str, now: datetime) -> ErasurePlan:
        customer = existing(reader, customer_id)
        kept = self._kept(
            customer,
            reader.last_events(NO_EVENTS, customer_id)[customer_id],
            reader.legal_holds(customer_id),
            reader.erasure(customer_id),
            has_open_work=bool(reader.open_reservations(customer_id)),
            now=now,
        )
        own = [each.sha256 for each in reader.evidence(customer_id)]
        others = held(reader, own, besides=customer_id)
        return ErasurePlan(
            kept,
            tuple(reader.profile_names(customer_id)),
            tuple(each for each in own if each not in others),
            tuple(each for each in own if each in others),
        )

    def _kept(
        self,
        customer: Customer,
        last: datetime,
        placed: Sequence[LegalHold],
        erasure: Erasure | None,
        *,
        has_open_work: bool,
        now: datetime,
    ) -> Kept:
        until, holds = kept_until(last, self._retention_years), tuple(each for each in placed if each.holds)
        refused, hint = refusal(
            customer.id,
            standing=customer.standing,
            holds=holds,
            kept_until_=until,
            has_open_work=has_open_work,
            now=now,
        )
        return Kept(customer, last, until, holds, erasure, refused, hint)


def waiting_erasure(reader: Reader, customer_id: str) -> Erasure:
    """The erasure of a customer that waits for a second person.

    Raises:
        NotFound: none waits, or no such customer.
    """
    existing(reader, customer_id)
    found = reader.erasure(customer_id)
    if found is None or not found.waits:
        raise NotFound(f"No erasure of customer {customer_id} waits for approval.")
    return found


def _check_free(erasure: Erasure | None) -> None:
    if erasure is None:
        return
    if erasure.waits:
        raise Conflict(
            f"{erasure.asked_by} asked for that already.",
            hint=f"Another person approves it: gatekeeper customer approve-erasure {erasure.customer_id}",
        )
    raise Conflict(f"Customer {erasure.customer_id} was erased on {erasure.approved_at:%Y-%m-%d}.")


def _check_may(kept: Kept) -> None:
    if kept.refused:
        raise NotPermitted(kept.refused, hint=kept.hint)


def _is_finished(erasure: Erasure | None) -> bool:
    return erasure is not None and erasure.finished_at is not None
