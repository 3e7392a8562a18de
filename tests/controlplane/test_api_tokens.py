"""The REST API of a running `gatekeeper serve`, asked with real tokens of a real cluster's service accounts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from kubernetes import client as kube

from gatekeeper.identity.authenticator import claimed_issuer
from tests.api.office import problem, record
from tests.controlplane.chart import install_chart
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import free_ports, wait_until
from tests.controlplane.served import Served
from tests.controlplane.test_token_review import AUDIENCE, token

IMPORTER = "system:serviceaccount:kyc:default"
NEW = {"If-None-Match": "*"}


@dataclass(frozen=True, slots=True)
class Office:
    """The plane, our process beside it, and the API's port."""

    plane: ControlPlane
    service: Served
    port: int

    def of(self, namespace: str, *audiences: str) -> httpx.Client:
        """A program of this namespace, with a new token."""
        shown = token(self.plane, namespace, *(audiences or (AUDIENCE,)))
        return self.client(shown)

    def client(self, shown: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {shown}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=20)


@pytest.fixture(scope="module")
def office(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The chart gives the one right that this takes where its values name token_review; nothing else is given here."""
    del binaries
    with ControlPlane() as plane:
        for name in ("kyc", "lab"):
            plane.create_namespace(name)
        review = {"issuer": claimed_issuer(token(plane, "kyc")), "roles": {"kyc-editor": [IMPORTER]}}
        (port,) = free_ports(1)
        service = Served(
            tmp_path_factory.mktemp("served"), api={"port": port}, identity={"token_review": review}
        )  # fmt: skip
        given = ("--set-json", f"config.identity={json.dumps({'token_review': review})}")
        install_chart(plane, *service.chart_settings(), *given)
        service.prepare(plane)
        try:
            service.start()
            yield Office(plane, service, port)
        finally:
            service.close()


def test_a_program_of_the_cluster_hands_a_record_in_and_a_person_approves_it(office: Office) -> None:
    importer = office.of("kyc")
    put = importer.put("/v1/customers/nile", json=record("nile"), headers=NEW)
    assert (put.status_code, put.json()["outcome"]) == (201, "enrolled")
    etag = importer.get("/v1/customers/nile").headers["etag"]
    problem(importer.post("/v1/customers/nile/approve", headers={"If-Match": etag}), 403)
    assert office.service.run("customer", "approve", "nile", "--yes", person="ben").returncode == 0
    assert importer.get("/v1/customers/nile").json()["standing"] == "approved"
    leaves = office.service.books.stores.read(lambda reader: list(reader.leaves()))
    (enrolled,) = [each for each in map(json.loads, leaves) if each["type"] == "customer.enrolled"]
    assert (enrolled["actor"]["kind"], enrolled["actor"]["name"]) == ("service", IMPORTER)
    assert enrolled["actor"]["auth"] == "token-review"


def test_a_tenant_that_makes_itself_a_token_for_us_reads_nothing(office: Office) -> None:
    tenant = office.of("lab")
    for answer in (tenant.get("/v1/customers"), tenant.put("/v1/customers/mine", json=record("mine"), headers=NEW)):
        problem(answer, 403)


@pytest.mark.parametrize("audience", ["https://kubernetes.default.svc", "another"])
def test_a_token_for_somebody_else_is_nobodys_here(office: Office, audience: str) -> None:
    problem(office.of("kyc", audience).get("/v1/customers"), 401)


def test_a_token_of_an_account_that_is_gone_is_nobodys(office: Office) -> None:
    """The account that the cluster makes anew under its name is another one: the old one's token went with it."""
    shown = token(office.plane, "kyc", AUDIENCE)
    core = kube.CoreV1Api(office.plane.client("admin"))
    office.plane.kubectl("delete", "serviceaccount", "default", "--namespace", "kyc", "--wait=true")
    answer = office.client(shown).get("/v1/customers")
    assert problem(answer, 401)["title"] == "Unauthorized"
    assert shown not in answer.text
    again = wait_until(lambda: _accounts(core), "the cluster to make the account anew")
    assert again == ["default"]
    assert office.of("kyc").get("/v1/customers").status_code == 200


def _accounts(core: kube.CoreV1Api) -> list[str]:
    return [each.metadata.name for each in core.list_namespaced_service_account("kyc").items]
