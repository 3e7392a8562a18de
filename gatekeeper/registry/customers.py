"""Use cases on records of customers: draft, submit, apply, look at, explain.

Each is one transaction with its record in the log, and reads the clock once. The second person stands in `approvals`,
what only makes things stricter in `standings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.judging import judged
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import Right, same_person
from gatekeeper.domain.record import Actor, JsonValue, RecordType
from gatekeeper.domain.tier import TierFinding
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.circumstances import Circumstances
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.facts import customer_facts, state_facts, written_facts
from gatekeeper.registry.inquiries import reopen_for
from gatekeeper.registry.kyc_reader import KycReader
from gatekeeper.registry.kyc_record import KycRecord, overlaid
from gatekeeper.registry.leis import check_leis
from gatekeeper.registry.outgrown import end_outgrown, outgrown
from gatekeeper.registry.people import By, acting, changed_alone
from gatekeeper.registry.plan import Outcome, Plan, Replaced, draft_plan_of, kept_of, plan_of
from gatekeeper.registry.profiles import check_demanded, sealed, with_profile
from gatekeeper.registry.proposal import Proposal, base_of, with_author
from gatekeeper.registry.review import Review, existing, review_of
from gatekeeper.registry.sight import sight_of
from gatekeeper.registry.strictness import Yardstick


class CustomerRegistry(Desk):
    """Use cases on records of customers, over one store and the packs that place them."""

    def plan(self, record: KycRecord) -> Plan:
        """What `apply` would do now; nothing is written."""
        yardstick = self._yardstick(self._clock.now())

        def work(reader: Reader) -> Plan:
            seen = sight_of(reader, record.customer_id, record)
            whole = sealed(seen, record)[0]
            self._check_codes(whole, seen.parties())
            plan = plan_of(seen, whole, yardstick)
            self._check_profile(plan, whole)
            return _ending(seen, _shown(seen, plan), self._clock.now())

        return self._stores.read(work)

    def plan_draft(self, record: KycRecord) -> Plan:
        """What `draft` would do now; nothing is written."""
        yardstick = self._yardstick(self._clock.now())

        def work(reader: Reader) -> Plan:
            seen = sight_of(reader, record.customer_id, record)
            whole = sealed(seen, record)[0]
            self._check_codes(whole, seen.parties())
            return _shown(seen, draft_plan_of(seen, whole, yardstick))

        return self._stores.read(work)

    def apply(self, record: KycRecord, *, by: By) -> Plan:
        """Enrol a customer or change its record; what is milder waits for a second person.

        Raises:
            InvalidInput: not a person's name, or the record is too large for the log.
            NotPermitted: closed, or rejected for good.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        return self._stores.transact(lambda tx: self._apply(tx, record, actor, actor.name, now))

    def draft(self, record: KycRecord, *, by: By) -> Plan:
        """Keep a customer's first record as a draft: it waits for nobody until it is submitted.

        Raises:
            InvalidInput: as for `apply`. NotPermitted: the customer was approved or handed in before.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        return self._stores.transact(lambda tx: self._draft(tx, record, actor, now))

    def submit(self, customer_id: str, *, by: By) -> Plan:
        """Hand in a draft as it stands. Who wrote the draft stays who prepared it, whoever hands it in.

        Raises:
            NotPermitted: it is no draft. NotFound: no such customer.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Plan:
            customer, kept = existing(tx, customer_id), kept_of(tx, customer_id)
            if customer.standing is not Standing.DRAFT or kept is None:
                raise NotPermitted(f"Customer {customer_id} is {customer.standing.value}, and no draft.")
            return self._apply(tx, kept.record, actor, kept.prepared_by, now)

        return self._stores.transact(work)

    def review(self, customer_id: str) -> Review:
        """A customer as an approver sees it.

        Raises:
            NotFound: no such customer.
        """
        now = self._clock.now()

        def work(reader: Reader) -> Review:
            return self._review(
                sight_of(reader, customer_id), customer_id, Circumstances.of(reader, now, customer_id), now
            )

        return self._stores.read(work)

    def explain(self, customer_id: str, *, as_of: date | None = None) -> dict[str, TierFinding]:
        """Tier of a customer by each pack on a day (today), with every reason and its path.

        A customer that was never approved is explained by the record that was written last. Of today what decisions
        use is told: with names whose screening is open, and with the override that is in force.

        Raises:
            NotFound: no such customer.
        """
        now = self._clock.now()

        def work(reader: Reader) -> dict[str, TierFinding]:
            seen = sight_of(reader, customer_id)
            found = findings_on(seen, customer_id, self._yardstick(now), as_of)
            parties, beside = (
                _explained_by(seen, existing(seen, customer_id)),
                Circumstances.of(reader, now, customer_id),
            )
            override = beside.overrides.get(customer_id) if as_of in (None, now.date()) else None
            return judged(found, parties, beside.open_hits, override)[0]

        return self._stores.read(work)

    def _review(self, reader: Reader, customer_id: str, beside: Circumstances, now: datetime) -> Review:
        review = review_of(reader, existing(reader, customer_id), self._yardstick(now), now)
        return beside.seen(_looked_at(reader, review))

    def _apply(self, tx: Transaction, record: KycRecord, actor: Actor, prepared_by: str, now: datetime) -> Plan:
        tx = sight_of(tx, record.customer_id, record)
        record = _kept(tx, record)
        self._check_codes(record, tx.parties())
        plan = _ending(tx, _shown(tx, plan_of(tx, record, self._yardstick(now)), prepared_by), now)
        if plan.outcome is Outcome.UNCHANGED:
            return plan
        self._check_profile(plan, record)
        known = tx.parties()
        check_leis(tx, [each for each in record.parties if each.id not in known or known[each.id].lei != each.lei])
        customer = _after_apply(plan, record, prepared_by)
        waits = plan.outcome in (Outcome.ENROLLED, Outcome.PARTLY, Outcome.WAITS)
        before = dict(tx.parties())
        self._put(tx, plan, customer, _proposal(tx, plan, record, prepared_by) if waits else None)
        effect = Outcome.WAITS if plan.outcome is Outcome.ENROLLED else plan.outcome
        said: dict[str, JsonValue] = {"effect": effect.value, "prepared_by": prepared_by}
        facts = {**customer_facts(customer), **said, **self._applied(plan, record)}
        kind = RecordType.CUSTOMER_ENROLLED if plan.customer is None else RecordType.CUSTOMER_SUBMITTED
        tx.append(new_record(kind, actor, now, facts))
        reopen_for(tx, before, plan.written.values(), actor, now)
        end_outgrown(tx, plan.ended, actor, now)
        return plan

    def _draft(self, tx: Transaction, record: KycRecord, actor: Actor, now: datetime) -> Plan:
        tx = sight_of(tx, record.customer_id, record)
        record = _kept(tx, record)
        self._check_codes(record, tx.parties())
        plan = _shown(tx, draft_plan_of(tx, record, self._yardstick(now)), actor.name)
        if plan.outcome is Outcome.UNCHANGED:
            return plan
        customer = _after_apply(plan, record, actor.name)
        self._put(tx, plan, customer, _proposal(tx, plan, record, actor.name))
        facts = {**customer_facts(customer), **self._applied(plan, record)}
        tx.append(new_record(RecordType.CUSTOMER_DRAFTED, actor, now, facts))
        return plan

    def _check_profile(self, plan: Plan, record: KycRecord) -> None:
        """What is milder owes a whole profile; what is stricter takes effect whatever is missing."""
        if self._demands_profile and plan.outcome in (Outcome.ENROLLED, Outcome.WAITS):
            check_demanded(record)

    def _put(self, tx: Transaction, plan: Plan, customer: Customer, proposal: Proposal | None) -> None:
        for party in plan.written.values():
            tx.put_party(party)
        tx.put_customer(customer)
        tx.put_proposal(customer.id, proposal.to_text() if proposal else None)

    def _applied(self, plan: Plan, record: KycRecord) -> dict[str, JsonValue]:
        written = written_facts(plan.written.values(), plan.changes)
        told = {each.id for each in record.parties if plan.written.get(each.id) != each}
        return {
            "applied": state_facts(plan.wanted, plan.findings, self._sha256(), told=told, beside=written),
            **written,
        }


def findings_on(
    reader: KycReader, customer_id: str, yardstick: Yardstick, as_of: date | None
) -> dict[str, TierFinding]:
    """Tier of a customer by each pack on a day, by what the reader knows.

    Raises:
        NotFound: no such customer.
    """
    customer = existing(reader, customer_id)
    return yardstick.findings(_explained_by(reader, customer), customer.party_id, as_of)


def _explained_by(reader: KycReader, customer: Customer) -> Mapping[str, Party]:
    """All parties; of a customer that was never approved, as its record has them."""
    kept = kept_of(reader, customer.id) if customer.standing.is_first_record else None
    return reader.parties() if kept is None else overlaid(reader.parties(), kept.record.parties)


def _kept(tx: Transaction, record: KycRecord) -> KycRecord:
    """The record with its profile sealed, and stored."""
    record, new = sealed(tx, record)
    if new is not None:
        tx.add_profile(new)
    return record


def _proposal(reader: Reader, plan: Plan, record: KycRecord, by: str) -> Proposal:
    """What waits once a plan is carried out; who wrote what it replaces is among its authors."""
    kept = kept_of(reader, record.customer_id)
    replaces = kept is not None and plan.customer is not None and plan.customer.standing is not Standing.REJECTED
    authors = with_author(kept.authors if kept and replaces else (), by)
    return Proposal(record, by, authors, base_of(record, overlaid(reader.parties(), plan.written.values())))


def _shown(reader: Reader, plan: Plan, by: str = "") -> Plan:
    """The plan with profiles, and with whose proposal it replaces: that of anybody but the one who applies."""
    plan = replace(plan, before=with_profile(reader, plan.before))
    kept = kept_of(reader, plan.wanted.customer_id) if plan.outcome is not Outcome.UNCHANGED else None
    if kept is None or (by and same_person(kept.prepared_by, by)):
        return plan
    record = reader.versions("proposal", plan.wanted.customer_id)[-1].record
    return replace(plan, replaced=Replaced(kept.prepared_by, record.at if record else None))


def _ending(reader: Reader, plan: Plan, now: datetime) -> Plan:
    """The plan with the overrides that it ends."""
    return replace(plan, ended=outgrown(reader, plan.changes, plan.placing, now))


def _looked_at(reader: Reader, review: Review) -> Review:
    in_effect, proposed = (with_profile(reader, each) for each in (review.in_effect, review.proposed))
    looked_at = with_profile(reader, review.looked_at) or review.looked_at
    return replace(review, in_effect=in_effect, proposed=proposed, looked_at=looked_at)


def _after_apply(plan: Plan, record: KycRecord, by: str) -> Customer:
    """The customer as it stands once a plan is carried out."""
    customer = plan.customer
    standing = Standing.DRAFT if plan.outcome is Outcome.DRAFT else Standing.SUBMITTED
    if customer is None:
        return Customer(record.customer_id, record.party_id, standing, prepared_by=by)
    if customer.standing.is_first_record:
        again = customer.standing is Standing.REJECTED
        return replace(
            changed_alone(customer, by),
            party_id=record.party_id,
            standing=standing,
            attempts=customer.attempts + again,
            reason="",
            comment="",
        )
    return changed_alone(customer, by) if plan.written else customer
