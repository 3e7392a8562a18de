"""Use cases on evidence and attestations: put them on record, and say who was shown a file.

What is on record is never changed or removed; bytes are, by an erasure (`retention`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

from gatekeeper.domain.errors import NotFound, Unavailable
from gatekeeper.domain.evidence import Attestation, CheckMethod, Evidence, Sensitivity, Statement
from gatekeeper.domain.person import Caller, Right
from gatekeeper.domain.record import RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.ports.retention import EvidenceBytes
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.life_facts import attestation_facts, evidence_facts
from gatekeeper.registry.namespaces import check_open_account
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing


class EvidenceRegistry(Desk):
    """Use cases on what records rest on, over one store."""

    def check_may_add_evidence(self, customer_id: str, *, by: By) -> None:
        """Ask before a file is read whether it could be put on record at all.

        Raises:
            NotFound: no such customer. NotPermitted: closed, or no right to.
        """
        acting(by, Right.EDIT)
        self._stores.read(lambda reader: check_open_account(existing(reader, customer_id)))

    def add_evidence(
        self,
        customer_id: str,
        *,
        by: By,
        sha256: str,
        size_bytes: int,
        media_type: str,
        description: str,
        source: str,
        sensitivity: Sensitivity = Sensitivity.CONFIDENTIAL,
        collected_on: date | None = None,
        is_kept: Callable[[str], bool] = lambda _: True,
    ) -> Evidence:
        """Put a file on record whose bytes are kept already.

        Args:
            is_kept: whether they are there, asked where no erasure can take them away any more.

        Raises:
            Conflict: the customer has it on record already. NotFound: no such customer. NotPermitted: closed.
            InvalidInput: a text is empty or too long, or the day is still to come.
            Unavailable: an erasure took the bytes away meanwhile.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        evidence = Evidence(
            customer_id=customer_id,
            sha256=sha256,
            size_bytes=size_bytes,
            media_type=media_type,
            description=description.strip(),
            source=source.strip(),
            sensitivity=sensitivity,
            added_by=actor.name,
            added_at=now,
            collected_on=collected_on,
        )

        def work(tx: Transaction) -> Evidence:
            check_open_account(existing(tx, customer_id))
            if not is_kept(sha256):
                raise Unavailable(f"The bytes of {sha256} are not here any more.", hint="Send the file again.")
            tx.add_evidence(evidence)
            tx.append(new_record(RecordType.EVIDENCE_ADDED, actor, now, evidence_facts(evidence)))
            return evidence

        return self._stores.transact(work)

    def drop_unrecorded(self, sha256: str, files: EvidenceBytes) -> bool:
        """Remove bytes that came in and that nobody has on record after all; whether they were removed."""
        return self._stores.transact(lambda tx: not held(tx, [sha256]) and files.drop(sha256))

    def read_evidence(self, customer_id: str, sha256: str, *, by: Caller) -> Evidence:
        """Put on record that somebody is shown a file.

        Raises:
            NotFound: no such customer or file, or it was erased. NotPermitted: not for this person's eyes.
        """
        now, actor = self._clock.now(), acting(by, Right.READ)

        def work(tx: Transaction) -> Evidence:
            found = on_record(tx, customer_id, sha256)
            found.sensitivity.check_may_see(by)
            erased = tx.erasure(customer_id)
            if erased is not None and erased.approved_at is not None:
                raise NotFound(f"The files of customer {customer_id} were erased on {erased.approved_at:%Y-%m-%d}.")
            facts = {"customer": customer_id, "sha256": sha256, "sensitivity": found.sensitivity.value}
            tx.append(new_record(RecordType.EVIDENCE_READ, actor, now, facts))
            return found

        return self._stores.transact(work)

    def kept_evidence(self, customer_id: str | None = None) -> list[Evidence]:
        """What `evidence` lists and no erasure took the bytes of.

        Raises:
            NotFound: no such customer.
        """
        erased = self._stores.read(lambda reader: {each.customer_id for each in reader.erasures() if not each.waits})
        return [each for each in self.evidence(customer_id) if each.customer_id not in erased]

    def attest(
        self,
        customer_id: str,
        *,
        by: By,
        statement: Statement,
        method: CheckMethod,
        attested_on: date | None = None,
        attested_by: str = "",
        above_percent: int | None = None,
        evidence: Sequence[str] = (),
    ) -> Attestation:
        """Put on record that somebody checked something.

        Args:
            attested_by: who says so; whoever puts it on record where nobody else is named.
            evidence: SHA-256 of files that the customer has on record.

        Raises:
            NotFound: no such customer, or it has no such file. NotPermitted: closed.
            InvalidInput: the statement contradicts itself, or the day is still to come.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Attestation:
            check_open_account(existing(tx, customer_id))
            made = Attestation(
                id=f"a{tx.log_size()}",
                customer_id=customer_id,
                statement=statement,
                method=method,
                attested_by=attested_by.strip() or actor.name,
                attested_on=attested_on or now.date(),
                recorded_by=actor.name,
                recorded_at=now,
                above_percent=above_percent,
                evidence=tuple(evidence),
            )
            missing = sorted({*evidence} - {each.sha256 for each in tx.evidence(customer_id)})
            if missing:
                raise NotFound(
                    f"Customer {customer_id} has no file {missing[0]} on record.",
                    hint=f"Add it first: gatekeeper evidence add {customer_id} FILE",
                )
            tx.add_attestation(made)
            tx.append(new_record(RecordType.ATTESTATION_MADE, actor, now, attestation_facts(made)))
            return made

        return self._stores.transact(work)

    def evidence(self, customer_id: str | None = None) -> list[Evidence]:
        """Evidence on one customer or on all, oldest first.

        Raises:
            NotFound: no such customer.
        """

        def work(reader: Reader) -> list[Evidence]:
            if customer_id is not None:
                existing(reader, customer_id)
            return reader.evidence(customer_id)

        return self._stores.read(work)

    def attestations(self, customer_id: str) -> list[Attestation]:
        """Attestations on a customer, oldest first.

        Raises:
            NotFound: no such customer.
        """

        def work(reader: Reader) -> list[Attestation]:
            existing(reader, customer_id)
            return reader.attestations(customer_id)

        return self._stores.read(work)


def held(reader: Reader, sha256s: Collection[str], *, besides: str = "") -> frozenset[str]:
    """Which of these files a customer that is not erased, and is another one than `besides`, has on record."""
    others = {each.customer_id for each in reader.erasures() if not each.waits} | {besides}
    return frozenset(each.sha256 for each in reader.evidence_of(sha256s) if each.customer_id not in others)


def on_record(reader: Reader, customer_id: str, sha256: str) -> Evidence:
    """A file that a customer has on record.

    Raises:
        NotFound: no such customer, or it has no such file.
    """
    existing(reader, customer_id)
    found = next((each for each in reader.evidence(customer_id) if each.sha256 == sha256), None)
    if found is None:
        raise NotFound(f"Customer {customer_id} has no file {sha256!r:.80} on record.")
    return found
