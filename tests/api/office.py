"""The API on a real server with TLS, over a database of its own, and people with tokens."""

from __future__ import annotations

import json
import ssl
import tempfile
from pathlib import Path
from typing import Any

import httpx

from gatekeeper.api.app import api
from gatekeeper.api.asking import Office
from gatekeeper.api.bodies import parse
from gatekeeper.api.door import Door, Receive, Scope, Send
from gatekeeper.api.server import ApiServer
from gatekeeper.api.transfers import Transfers
from gatekeeper.customer_files import record_of
from gatekeeper.domain.person import Role
from gatekeeper.domain.user import User
from gatekeeper.evidence_files import EvidenceFiles
from gatekeeper.identity.authenticator import Authenticator, Realms
from gatekeeper.identity.local import LocalUsers
from gatekeeper.identity.tokens import kept_of, new_token
from gatekeeper.ports import Stores, Transaction
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.registry.screener import Screener
from gatekeeper.stores import SqlStores
from tests.admission.reviews import write_pair
from tests.registry.office import NOON, PACKS, HandClock

PEOPLE = {
    "ana": {Role.KYC_EDITOR},
    "ben": {Role.KYC_APPROVER},
    "both": {Role.KYC_EDITOR, Role.KYC_APPROVER},
    "vera": {Role.VIEWER},
    "reg": {Role.REGULATOR},
    "pia": {Role.POLICY_ADMIN},
    "quy": {Role.POLICY_ADMIN},
    "nobody": set(),
}


class Served:
    """A server over TLS, whose application is put together anew for each test: so the server starts once."""

    def __init__(self, folder: Path) -> None:
        write_pair(folder, "api")
        self.certificate = folder / "tls.crt"
        self.verify = ssl.create_default_context(cafile=str(self.certificate))
        self.app: Door | None = None
        self.server = ApiServer(self, "127.0.0.1", folder)
        self.port = self.server.start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


class ApiHouse:
    """The API over one store; `client(name)` speaks for one of PEOPLE."""

    def __init__(
        self,
        stores: SqlStores,
        served: Served,
        authenticator: Authenticator | None = None,
        files: EvidenceFiles | None = None,
        transfers: Transfers | None = None,
    ) -> None:
        self.stores, self.clock, self._served = stores, HandClock(), served
        self.tokens = {name: new_token() for name in PEOPLE}
        users = [
            User(name, frozenset(roles), kept_of(self.tokens[name]), NOON, "setup", handed=False)
            for name, roles in PEOPLE.items()
        ]

        def add(tx: Transaction) -> None:
            for user in users:
                tx.put_user(user)

        stores.transact(add)
        self.files = files or EvidenceFiles(Path(tempfile.mkdtemp(prefix="evidence-")) / "evidence")
        self.screener = Screener()
        self.registry = self.registry_over(stores)
        self.office = office = Office(
            stores=stores,
            registry_over=self.registry_over,
            screener=self.screener,
            authenticator=authenticator or Realms([LocalUsers(stores)]),
            clock=self.clock,
            packs=PACKS,
            cluster="east",
            evidence_files=self.files,
            scrub=stores.scrub,
            transfers=transfers or Transfers(),
        )
        served.app = api(office)
        self.port, self.url = served.port, f"https://127.0.0.1:{served.port}"
        self._clients: dict[str, httpx.Client] = {}

    def registry_over(self, stores: Stores) -> Registry:
        return Registry(stores, self.clock, packs=PACKS, cluster="east", screener=self.screener)

    def client(self, name: str | None = "ana") -> httpx.Client:
        """Somebody's client; None is somebody without a token."""
        key = name or ""
        if key not in self._clients:
            headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
            self._clients[key] = httpx.Client(
                base_url=self.url, verify=self._served.verify, headers=headers, timeout=20
            )
        return self._clients[key]

    def close(self) -> None:
        for each in self._clients.values():
            each.close()

    def enrol(self, customer: str = "lab", hq: str = "US") -> str:
        """A customer that ana applied and ben approved; the ETag of what is there now."""
        self.client("ana").put(
            f"/v1/customers/{customer}", json=record(customer, hq), headers={"If-None-Match": "*"}
        ).raise_for_status()
        return self.approve(customer)

    def approve(self, customer: str = "lab") -> str:
        etag = self.etag(customer)
        done = self.client("ben").post(f"/v1/customers/{customer}/approve", headers={"If-Match": etag})
        done.raise_for_status()
        return done.headers["etag"]

    def etag(self, customer: str = "lab") -> str:
        return self.client("ana").get(f"/v1/customers/{customer}").headers["etag"]


def record(customer: str = "lab", hq: str = "US", **changes: Any) -> dict[str, Any]:
    """The body of a PUT: one customer that nobody owns."""
    party = {"id": customer, "legal_name": customer.title(), "headquarters": hq, "no_parent_reason": "listed company"}
    return {"format": 1, "customer": customer, "parties": [{**party, **changes}]}


def kyc_record(customer: str = "lab", hq: str = "US") -> KycRecord:
    """The same as a value of the registry."""
    return record_of(parse(json.dumps(record(customer, hq)).encode()))


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer is; fails where it is none."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"].startswith("/docs#")
    assert found["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return found
