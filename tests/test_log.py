"""The use cases on the log, on a real database and with a real key."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from gatekeeper import log
from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.checkpoint import VerifierKey, open_checkpoint
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.export import ExportHeader
from gatekeeper.domain.fleet import Fleet
from gatekeeper.domain.merkle import ProofRefused, leaf_hash, verify_inclusion
from gatekeeper.domain.policy import Site
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType, decode
from gatekeeper.domain.workload import Workload, WorkloadRef
from gatekeeper.ed25519 import check_ed25519
from gatekeeper.gate import Gate
from gatekeeper.ports import Transaction
from gatekeeper.signing import Ed25519Signer
from gatekeeper.stores import SqlStores, open_stores
from gatekeeper.verify.export import verify_export
from gatekeeper.view import Provider
from tests.databases import new_stores

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ANA = Actor(ActorKind.PERSON, "ana@provider")
SERVICE = Actor(ActorKind.SERVICE, "webhook")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "gatekeeper.db"


@pytest.fixture
def stores(database: Path) -> Iterator[SqlStores]:
    with new_stores(database) as opened:
        yield opened


@pytest.fixture
def signer(tmp_path: Path) -> Ed25519Signer:
    return Ed25519Signer.create(tmp_path / "log.key", "provider.example/log")


def append(stores: SqlStores, count: int = 1) -> None:
    """Records without meaning."""
    for_each: list[dict[str, JsonValue]] = [{"number": number} for number in range(count)]
    write(stores, *((RecordType.POLICY_LOADED, facts) for facts in for_each))


def write(stores: SqlStores, *events: tuple[RecordType, dict[str, JsonValue]]) -> None:
    """Records an hour apart."""
    records = [
        Record(str(uuid4()), NOW + timedelta(hours=hours), kind, SERVICE, facts)
        for hours, (kind, facts) in enumerate(events)
    ]
    stores.transact(lambda tx: [tx.append(record) for record in records])


def size_of(note: str, signer: Ed25519Signer) -> int:
    return open_checkpoint(note, VerifierKey.parse(signer.vkey), check_ed25519).size


def exported(stores: SqlStores, signer: Ed25519Signer, purpose: str = "") -> bytes:
    out = io.BytesIO()
    log.export(stores, signer, out, actor=ANA, at=NOW, purpose=purpose)
    return out.getvalue()


def tamper(database: Path, statement: str) -> None:
    """Change records as somebody can who owns the file: without the triggers that stand in the way."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        for trigger in ("update", "delete", "replace"):
            connection.execute(text(f"DROP TRIGGER record_kept_{trigger}"))
        assert connection.execute(text(statement)).rowcount == 1
    engine.dispose()


def test_a_checkpoint_covers_what_is_durable_and_is_kept(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores, 3)
    note = log.checkpoint(stores, signer)
    assert size_of(note, signer) == 3
    assert stores.read(lambda reader: reader.checkpoint()) == note
    assert log.checkpoint(stores, signer) == note
    append(stores)
    assert size_of(log.checkpoint(stores, signer), signer) == 4


def test_the_empty_log_has_a_checkpoint(stores: SqlStores, signer: Ed25519Signer) -> None:
    assert size_of(log.checkpoint(stores, signer), signer) == 0


def test_a_database_from_an_old_backup_is_not_signed(stores: SqlStores, signer: Ed25519Signer, tmp_path: Path) -> None:
    append(stores, 5)
    log.checkpoint(stores, signer)
    with open_stores(f"sqlite:///{tmp_path}/old.db") as old:
        append(old, 4)
        with pytest.raises(Conflict, match="old backup"):
            log.checkpoint(old, signer)
        append(old, 4)
        with pytest.raises(Conflict, match="old backup"):
            log.checkpoint(old, signer)
        assert old.read(lambda reader: reader.checkpoint()) is None


class Outrun:
    """A signer in whose moment of signing another process appends and signs first; real but for the order."""

    def __init__(self, stores: SqlStores, signer: Ed25519Signer, times: int) -> None:
        self.stores, self.signer, self.times = stores, signer, times

    def sign(self, **tree: object) -> str:
        if self.times:
            self.times -= 1
            append(self.stores)
            log.checkpoint(self.stores, self.signer)
        return self.signer.sign(**tree)  # type: ignore[arg-type]


def test_who_is_outrun_by_another_process_signs_what_that_one_left(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores)
    note = log.checkpoint(stores, Outrun(stores, signer, times=1))
    assert size_of(note, signer) == 2
    with pytest.raises(Conflict):
        log.checkpoint(stores, Outrun(stores, signer, times=10))


def test_an_export_verifies_and_holds_its_own_record(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores, 2_500)  # more than two pages
    lines = exported(stores, signer, "inquiry 17").splitlines(keepends=True)
    report = verify_export(lines, signer.vkey)
    assert (report.problems, report.size, len(lines)) == ((), 2_501, 2_502)
    assert ExportHeader.parse(lines[0].removesuffix(b"\n")).size == 2_501
    last = decode(lines[-1].removesuffix(b"\n"))
    assert (last.type, last.actor) == (RecordType.LOG_EXPORTED, ANA)
    assert dict(last.facts) == {"purpose": "inquiry 17", "records_before": 2_500}


def test_a_later_export_continues_an_earlier_one(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores, 3)
    earlier = exported(stores, signer)
    append(stores, 3)
    later = exported(stores, signer)
    report = verify_export(later.splitlines(keepends=True), signer.vkey, since=earlier.splitlines(keepends=True))
    assert (report.problems, report.size) == ((), 8)


def test_an_export_of_changed_records_ends_with_an_alarm(
    stores: SqlStores, signer: Ed25519Signer, database: Path
) -> None:
    append(stores, 5)
    tamper(database, "UPDATE record SET body = (SELECT body FROM record WHERE seq = 0) WHERE seq = 2")
    out = io.BytesIO()
    with pytest.raises(Conflict, match="somebody changed them"):
        log.export(stores, signer, out, actor=ANA, at=NOW)
    assert verify_export(out.getvalue().splitlines(keepends=True), signer.vkey).problems


def test_an_export_that_breaks_off_is_in_the_log(stores: SqlStores, signer: Ed25519Signer) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        log.export(stores, signer, Full(), actor=ANA, at=NOW)
    types = stores.read(lambda reader: [decode(leaf).type for leaf in reader.leaves()])
    assert types == [RecordType.LOG_EXPORTED]


def test_any_record_is_proved_against_the_newest_checkpoint(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores, 11)
    root = open_checkpoint(log.checkpoint(stores, signer), VerifierKey.parse(signer.vkey), check_ed25519).root
    append(stores, 2)
    for seq in range(11):
        proof = stores.read(lambda reader, seq=seq: log.prove(reader, seq))  # type: ignore[misc]
        verify_inclusion(leaf_hash(proof.leaf), proof.seq, size_of(proof.checkpoint, signer), proof.path, root)
        assert decode(proof.leaf).facts["number"] == seq


def test_what_no_checkpoint_covers_cannot_be_proved(stores: SqlStores, signer: Ed25519Signer) -> None:
    append(stores)
    with pytest.raises(NotFound, match="No checkpoint covers record 0 yet"):
        stores.read(lambda reader: log.prove(reader, 0))
    log.checkpoint(stores, signer)
    append(stores)
    with pytest.raises(NotFound, match="No checkpoint covers record 1 yet"):
        stores.read(lambda reader: log.prove(reader, 1))
    for seq in (-1, 2):
        with pytest.raises(NotFound, match="There is no record"):
            stores.read(lambda reader, seq=seq: log.prove(reader, seq))  # type: ignore[misc]


def test_a_changed_record_cannot_be_proved(stores: SqlStores, signer: Ed25519Signer, database: Path) -> None:
    append(stores, 3)
    log.checkpoint(stores, signer)
    tamper(database, "UPDATE record SET body = (SELECT body FROM record WHERE seq = 0) WHERE seq = 2")
    with pytest.raises(ProofRefused):
        stores.read(lambda reader: log.prove(reader, 2))


def refusal(customer: str | None, namespace: str, **decision: JsonValue) -> dict[str, JsonValue]:
    return {
        "customer": customer,
        "workload": {"cluster": "east", "namespace": namespace, "kind": "Job", "name": "train", "uid": ""},
        "decision": {"verdict": "deny", "sentence": "Refused.", "tier": "tier2", **decision},
    }


def test_blocked_tells_who_was_refused_and_how_far_it_was(stores: SqlStores) -> None:
    limits: dict[str, JsonValue] = {"limit_tflop": str(10**14), "used_tflop": str(10**14 - 1)}
    write(
        stores,
        (RecordType.POLICY_LOADED, {}),
        (RecordType.WORKLOAD_REFUSED, refusal("lab", "train", **limits)),
        (RecordType.WORKLOAD_WARNED, refusal("lab", "train")),
    )
    rows = stores.read(lambda reader: list(log.blocked(reader)))
    assert rows == [
        log.Blocked(
            seq=1,
            at=NOW + timedelta(hours=1),
            verdict="refused",
            customer="lab",
            cluster="east",
            namespace="train",
            workload="Job/train",
            tier="tier2",
            limit_tflop=10**14,
            used_tflop=10**14 - 1,
            sentence="Refused.",
        )
    ]


def test_blocked_also_tells_what_was_only_warned_about_when_asked_to(stores: SqlStores) -> None:
    write(
        stores,
        (RecordType.WORKLOAD_REFUSED, refusal("lab", "one")),
        (RecordType.WORKLOAD_WARNED, refusal("lab", "two")),
    )
    rows = stores.read(lambda reader: list(log.blocked(reader, warned=True)))
    assert [(row.verdict, row.namespace) for row in rows] == [("refused", "one"), ("warned", "two")]


def test_blocked_is_narrowed_by_customer_namespace_and_time(stores: SqlStores) -> None:
    write(
        stores,
        (RecordType.WORKLOAD_REFUSED, refusal("lab", "one")),
        (RecordType.WORKLOAD_HELD, refusal("lab", "two")),
        (RecordType.WORKLOAD_STOPPED, refusal("other", "one")),
        (RecordType.WORKLOAD_REFUSED, refusal(None, "one")),
    )

    def seqs(**wanted: object) -> list[int]:
        return stores.read(lambda reader: [row.seq for row in log.blocked(reader, **wanted)])  # type: ignore[arg-type]

    assert seqs() == [0, 1, 2, 3]
    assert seqs(customer="lab") == [0, 1]
    assert seqs(namespace="one") == [0, 2, 3]
    assert seqs(namespace="one", customer="lab") == [0]
    assert seqs(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3)) == [1, 2]


def test_a_stop_is_found_by_the_customer_that_it_hit(stores: SqlStores) -> None:
    class Clock:
        def now(self) -> datetime:
            return NOW

    def bind(tx: Transaction) -> None:
        tx.put_customer(Customer("lab", "lab-inc", Standing.DRAFT, "ana"))
        tx.put_binding(Binding("east", "train", "lab"))

    stores.transact(bind)
    fleet = Fleet.of(load_catalogue(), [])
    gate = Gate(stores, Provider("east", Site(), (), lambda: fleet, 0), Clock())
    workload = Workload(WorkloadRef("east", "train", "Job", "train"))
    gate.record_stop(workload, Decision(Verdict.STOP, (), "Stopped: suspended."))
    (row,) = stores.read(lambda reader: list(log.blocked(reader, customer="lab")))
    assert (row.verdict, row.customer, row.workload, row.sentence) == (
        "stopped",
        "lab",
        "Job/train",
        "Stopped: suspended.",
    )


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"workload": "train", "decision": [1], "customer": 5},
        {"workload": {"kind": 1}, "decision": {"limit_tflop": "much", "used_tflop": 7, "tier": None}},
    ],
)
def test_a_record_that_says_little_still_shows_that_something_was_blocked(
    stores: SqlStores, facts: dict[str, JsonValue]
) -> None:
    write(stores, (RecordType.WORKLOAD_REFUSED, facts))
    (row,) = stores.read(lambda reader: list(log.blocked(reader)))
    assert (row.verdict, row.customer, row.limit_tflop, row.used_tflop) == ("refused", "", None, None)
