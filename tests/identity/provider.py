"""An identity provider for tests: keys of every kind, tokens with every fault, and a real server of its keys."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AUDIENCE = "compute-gatekeeper"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(issuer: str, **changes: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    every = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "00u1",
        "iat": at - 10,
        "exp": at + 600,
        "email": "ana@provider.example",
        "email_verified": True,
        "groups": ["kyc"],
    }
    return {name: value for name, value in {**every, **changes}.items() if value is not ...}


def signed(payload: dict[str, Any] | bytes, key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """A token; header fields that are `...` are left out."""
    fields = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **header}
    fields = {name: value for name, value in fields.items() if value is not ...}
    rules = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    rules.max_header_length = 10_000
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact(fields, data, key, registry=rules)


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    return f"{part(header)}.{part(payload)}.{part(signature)}"


def public(*keys: Key) -> dict[str, Any]:
    return {"keys": [each.as_dict(private=isinstance(each, OctKey)) for each in keys]}


class Provider:
    """A server on this machine. `answers` maps a path to its body or a status; `asked` is what it was asked."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.answers: dict[str, Any] = {
            "/keys": public(RSA, EC, ED),
            "/.well-known/openid-configuration": {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"},
        }
        self.asked: list[str] = []


@contextmanager
def serving() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            answer = provider.answers.get(self.path, 404)
            if isinstance(answer, int):
                self.send_response(answer)
                self.send_header("Location", f"{provider.issuer}/keys")
                self.end_headers()
                return
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
