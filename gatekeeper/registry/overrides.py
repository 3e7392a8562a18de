"""Use cases on overrides: one person asks, a second one approves, either ends it."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.judging import judged
from gatekeeper.domain.override import Override
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.tier import Tier
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.circumstances import Circumstances
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.life_facts import approved_override_facts, override_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing
from gatekeeper.registry.sight import sight_of


class OverrideRegistry(Desk):
    """Use cases on overrides, over one store."""

    def override(self, customer_id: str, *, tier: Tier, hours: int, reason: str, by: By) -> Override:
        """Ask that a customer be treated as in a milder tier for some hours from the approval on.

        Raises:
            Conflict: one waits or is in force already. NotFound: no such customer.
            NotPermitted: the customer was never approved, is suspended or closed, or is in no stricter tier anyway.
            InvalidInput: another tier, too many hours, or no reason.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Override:
            customer = existing(tx, customer_id)
            _check_may_carry(customer)
            for each in tx.overrides(customer_id):
                if each.ends_at is None or each.holds_at(now):
                    raise Conflict(
                        f"Customer {customer_id} has override {each.id} already.",
                        hint=f"End it first: gatekeeper customer end-override {customer_id}",
                    )
            asked = Override(f"o{tx.log_size()}", customer_id, tier, hours, reason.strip(), actor.name, now)
            self._check_is_milder(tx, customer, tier, now)
            tx.put_override(asked)
            tx.append(new_record(RecordType.OVERRIDE_REQUESTED, actor, now, override_facts(asked)))
            return asked

        return self._stores.transact(work)

    def _check_is_milder(self, tx: Transaction, customer: Customer, tier: Tier, now: datetime) -> None:
        """An override does something: it lowers a tier, or carries an approval that has expired."""
        yardstick, beside = self._yardstick(now), Circumstances.of(tx, now, customer.id)
        if not customer.standing_at(now).holds or not yardstick.placing:
            return
        parties = sight_of(tx, customer.id).parties()
        found, _ = judged(yardstick.findings(parties, customer.party_id), parties, beside.open_hits, None)
        strictest = max((found[each].tier for each in yardstick.placing), key=lambda each: each.strictness)
        if strictest.strictness <= tier.strictness:
            raise NotPermitted(
                f"Customer {customer.id} is in {strictest} by the strictest pack: {tier} is not milder.",
                hint=f"See why: gatekeeper customer explain {customer.id}",
            )

    def approve_override(self, customer_id: str, *, by: By, seen: Override | None = None) -> Override:
        """Approve the override of a customer that waits: it is in force from now on.

        Args:
            seen: what the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by the person who asked for it, or the customer was suspended or closed meanwhile.
            NotFound: none waits. Conflict: it is not the one that was looked at.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Override:
            _check_may_carry(existing(tx, customer_id))
            waiting = waiting_override(tx, customer_id)
            if seen is not None and seen != waiting:
                raise Conflict(
                    f"The override of customer {customer_id} is not the one that {actor.name} looked at.",
                    hint="Look at it again, and approve what it says now.",
                )
            approved = waiting.approve(by=actor.name, now=now)
            # The record first: it says who was the first hand, where the database would only say that there is one.
            tx.append(new_record(RecordType.OVERRIDE_APPROVED, actor, now, approved_override_facts(approved)))
            tx.put_override(approved)
            return approved

        return self._stores.transact(work)

    def end_override(self, customer_id: str, *, by: By) -> Override:
        """End what is in force before its time, or withdraw what waits. It makes things stricter, so one person may.

        Raises:
            NotFound: nothing is in force or waits.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Override:
            existing(tx, customer_id)
            live = [each for each in tx.overrides(customer_id) if each.ends_at is None or each.holds_at(now)]
            if not live:
                raise NotFound(f"No override of customer {customer_id} is in force or waits.")
            ended = live[-1].end(by=actor.name, now=now)
            tx.put_override(ended)
            tx.append(new_record(RecordType.OVERRIDE_ENDED, actor, now, approved_override_facts(ended)))
            return ended

        return self._stores.transact(work)

    def waiting_override(self, customer_id: str) -> Override:
        """The override of a customer that waits for a second person.

        Raises:
            NotFound: none waits, or no such customer.
        """

        def work(reader: Reader) -> Override:
            existing(reader, customer_id)
            return waiting_override(reader, customer_id)

        return self._stores.read(work)

    def overrides(self, customer_id: str | None = None) -> list[Override]:
        """All overrides of one customer or of all, oldest first."""
        return self._stores.read(lambda reader: reader.overrides(customer_id))


def waiting_override(reader: Reader, customer_id: str) -> Override:
    """The override of a customer that waits for a second person.

    Raises:
        NotFound: none waits.
    """
    waiting = [each for each in reader.overrides(customer_id) if each.ends_at is None]
    if not waiting:
        raise NotFound(f"No override of customer {customer_id} waits for approval.")
    return waiting[-1]


def _check_may_carry(customer: Customer) -> None:
    if customer.standing is not Standing.APPROVED:
        raise NotPermitted(
            f"Customer {customer.id} is {customer.standing.value}: an override carries only an approval, also one that "
            "has expired.",
            hint="Two people approve its record first.",
        )
