"""Evidence and attestations on record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.evidence import CheckMethod, Statement
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.registry.office import NOON, enrol, log, org

SHA256 = "ab" * 32


def add(registry: Registry, **changes: Any) -> None:
    given = {"sha256": SHA256, "size_bytes": 7, "media_type": "application/pdf", "description": "x", "source": "y"}
    registry.add_evidence("lab", **{"by": "ana", **given, **changes})


def attest(registry: Registry, **changes: Any) -> None:
    given = {"statement": Statement.HEADQUARTERS_VERIFIED, "method": CheckMethod.BOTH, "by": "ana"}
    registry.attest("lab", **{**given, **changes})


def test_a_file_is_on_record_with_its_hash_and_who_added_it(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    add(registry, collected_on=date(2026, 11, 1))
    (found,) = registry.evidence("lab")
    assert (found.sha256, found.added_by, found.added_at) == (SHA256, "ana", NOON)
    last = log(stores)[-1]
    assert (last["type"], last["facts"]["sha256"], last["facts"]["collected_on"]) == (
        "evidence.added",
        SHA256,
        "2026-11-01",
    )
    with pytest.raises(Conflict, match="on record already"):
        add(registry, description="another text")
    assert registry.evidence() == [found]


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": SHA256.upper()},
        {"sha256": "../../etc/passwd"},
        {"size_bytes": 0},
        {"media_type": "pdf"},
        {"description": " "},
        {"source": "x" * 501},
        {"collected_on": NOON.date() + timedelta(days=1)},
    ],
)
def test_nonsense_is_refused_and_leaves_nothing(registry: Registry, stores: Stores, changes: dict[str, Any]) -> None:
    enrol(registry, org("lab", "US"))
    size = len(log(stores))
    with pytest.raises(InvalidInput):
        add(registry, **changes)
    assert registry.evidence("lab") == []
    assert len(log(stores)) == size


def test_an_attestation_names_files_that_are_there(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(NotFound, match="has no file"):
        attest(registry, evidence=[SHA256])
    add(registry)
    attest(registry, evidence=[SHA256], attested_by="Registrar of Companies")
    (made,) = registry.attestations("lab")
    assert (made.evidence, made.attested_by, made.recorded_by) == ((SHA256,), "Registrar of Companies", "ana")
    assert log(stores)[-1]["type"] == "attestation.made"


@pytest.mark.parametrize(
    "changes",
    [
        {"statement": Statement.OWNERSHIP_COMPLETE},
        {"statement": Statement.OWNERSHIP_COMPLETE, "above_percent": 51},
        {"above_percent": 25},
        {"attested_on": NOON.date() + timedelta(days=1)},
    ],
)
def test_an_attestation_that_contradicts_itself_is_refused(registry: Registry, changes: dict[str, Any]) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(InvalidInput):
        attest(registry, **changes)
    attest(registry, statement=Statement.OWNERSHIP_COMPLETE, above_percent=25)
    assert registry.attestations("lab")[0].above_percent == 25


def test_nothing_is_added_to_a_closed_account_or_to_nobody(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.close("lab", by="ana", reason="x")
    for act in (add, attest):
        with pytest.raises(NotPermitted, match="closed"):
            act(registry)
    with pytest.raises(NotFound):
        registry.check_may_add_evidence("nobody", by="ana")
