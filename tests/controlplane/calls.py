"""Plain calls to the API server as one identity: every verb, subresource and patch type, and who refused what."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.controlplane.harness.plane import ControlPlane

PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)'")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        return "" if self.ok else str(self.body.get("message", self.body))

    @property
    def refused_by(self) -> str:
        """The policy that refused, without our prefix and what files add to a name; `rbac` or `api` for others; empty
        when nobody did."""
        if self.ok:
            return ""
        policy = _POLICY.search(self.message)
        if policy:
            return policy[1].removeprefix("compute-gatekeeper-").removesuffix(".static.k8s.io")
        return "rbac" if self.status == 403 and "cannot" in self.message else "api"

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


class Caller:
    """One identity at the API server."""

    def __init__(self, plane: ControlPlane, name: str, *groups: str) -> None:
        identity = plane.identity(name, *groups)
        self._url = plane.url
        self._pool = urllib3.PoolManager(
            ca_certs=str(plane.ca_file),
            cert_file=str(identity.certificate),
            key_file=str(identity.key),
            retries=False,
            timeout=30,
        )

    def call(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Answer:
        """One request; `path` from the server's root on."""
        encoded = None if body is None else json.dumps(body).encode()
        response = self._pool.request(method, self._url + path, body=encoded, headers={"Content-Type": content})
        text = response.data.decode()
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = {"message": text}
        return Answer(response.status, parsed)

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def create(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self.call("POST", path, body)

    def replace(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Any, kind: str = "merge") -> Answer:
        return self.call("PATCH", path, body, PATCHES[kind])

    def delete(self, path: str, options: Mapping[str, Any] | None = None) -> Answer:
        return self.call("DELETE", path, options)
