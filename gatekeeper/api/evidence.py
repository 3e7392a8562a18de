"""What records rest on, over HTTP: the list of files on record, and attestations. Their bytes: `evidence_bytes`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gatekeeper.api.asking import Answer, Reading, Writing
from gatekeeper.api.customer_answers import CustomerId
from gatekeeper.api.life_shapes import Attest, AttestationShown, AttestationsShown, EvidenceShown, EvidencesShown
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.domain.evidence import Attestation, Evidence
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["evidence"])


@router.get("/customers/{customer_id}/evidence", response_model=EvidencesShown)
def list_evidence(
    customer_id: CustomerId, asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> EvidencesShown:
    """List the files that a customer's record rests on, oldest first."""
    found = list(enumerate(asked.read(lambda registry, _: registry.evidence(customer_id))))
    items, following = page(
        found, lambda each: f"{each[0]:012d}", limit=limit, cursor=cursor, path=asked.path, asked={}
    )
    return EvidencesShown(items=[file_shown(each) for _, each in items], next=following)


@router.get("/customers/{customer_id}/attestations", response_model=AttestationsShown)
def list_attestations(
    customer_id: CustomerId, asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> AttestationsShown:
    """List what people attest of a customer, oldest first."""
    found = list(enumerate(asked.read(lambda registry, _: registry.attestations(customer_id))))
    items, following = page(
        found, lambda each: f"{each[0]:012d}", limit=limit, cursor=cursor, path=asked.path, asked={}
    )
    return AttestationsShown(items=[_shown(each) for _, each in items], next=following)


@router.post(
    "/customers/{customer_id}/attestations",
    response_model=AttestationShown,
    status_code=201,
    openapi_extra={"x-body": "Attest"},
)
def attest(customer_id: CustomerId, asked: Writing) -> Response:
    """Put on record that somebody checked something, and on which files it rests. Nothing of it is ever changed."""
    said = asked.body.check(Attest)

    def work(registry: Registry, _: Reader) -> Answer:
        made = registry.attest(
            customer_id,
            by=asked.caller,
            statement=said.statement,
            method=said.method,
            attested_on=said.attested_on,
            attested_by=said.attested_by,
            above_percent=said.above_percent,
            evidence=said.evidence,
        )
        return Answer(_shown(made), 201)

    return asked.act(work)


def file_shown(evidence: Evidence) -> EvidenceShown:
    return EvidenceShown(
        sha256=evidence.sha256,
        size_bytes=evidence.size_bytes,
        media_type=evidence.media_type,
        description=evidence.description,
        source=evidence.source,
        sensitivity=evidence.sensitivity.value,
        collected_on=evidence.collected_on,
        added_by=evidence.added_by,
        added_at=evidence.added_at,
    )


def _shown(attestation: Attestation) -> AttestationShown:
    return AttestationShown(
        attestation=attestation.id,
        customer=attestation.customer_id,
        statement=attestation.statement.value,
        method=attestation.method.value,
        above_percent=attestation.above_percent,
        attested_by=attestation.attested_by,
        attested_on=attestation.attested_on,
        recorded_by=attestation.recorded_by,
        recorded_at=attestation.recorded_at,
        evidence=list(attestation.evidence),
    )
