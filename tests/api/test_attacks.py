"""What somebody tries who wants in: other paths, forged cursors, oversized and crooked bodies, guessed tokens."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import time

import pytest

from gatekeeper.api.bodies import BODY_BYTES_MAX
from gatekeeper.api.sources import FAILURES_MAX
from gatekeeper.identity.tokens import new_token
from tests.api.office import ApiHouse, problem, record

JSON = {"Content-Type": "application/json"}


def raw(house: ApiHouse, request: bytes, *, rest: bytes = b"") -> bytes:
    """The answer to bytes that no client library would send."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", house.port), 10)) as connection:
        connection.sendall(request + rest)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
            head, _, body = answer.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            if head != answer and len(body) >= length:
                break
    return answer


def head(house: ApiHouse, line: str, *headers: str, name: str = "ana") -> bytes:
    lines = [line, "Host: x", f"Authorization: Bearer {house.tokens[name]}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/..%2f..%2fetc%2fpasswd",
        "/v1/customers/..",
        "/v1/customers/%2e%2e/approve",
        "/v1/customers/a%5cb",
        "/v1/customers/a%00b",
        "/v1/customers/%ff%fe",
        "/v1//customers",
        "/v1/customers/" + "a" * 5_000,
        "/v1/customers/a%0d%0aSet-Cookie:%20x=1",
        "/v1/customers/%E2%80%AElab",
        "http://other.example/v1/customers/../../x",
        "*",
        "//v1/customers",
    ],
)
def test_no_path_leads_out_of_its_route(house: ApiHouse, path: str) -> None:
    answer = raw(house, head(house, f"GET {path} HTTP/1.1"))
    assert answer.split(b" ")[1] in (b"400", b"404"), answer
    assert b"Set-Cookie" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "=",
        "a" * 500,
        base64.urlsafe_b64encode(b'["","zzz"]').decode(),
        "W10",
        "bnVsbA",
        "\u00e9",
        "%00",
        "W1tbW1tb",
    ],
)
def test_a_forged_cursor_is_refused(house: ApiHouse, cursor: str) -> None:
    problem(house.client("vera").get("/v1/customers", params={"cursor": cursor}), 400)


def test_a_huge_cursor_or_limit_is_refused(house: ApiHouse) -> None:
    for query in ("cursor=" + "a" * 513, "limit=0", "limit=-1", "limit=100000", "limit=1e3", "q=" + "a" * 201):
        problem(house.client("vera").get(f"/v1/customers?{query}"), 400)


def test_a_cursor_belongs_to_the_filters_that_it_was_made_with(house: ApiHouse) -> None:
    for name in ("a", "b", "c"):
        house.client("ana").put(f"/v1/customers/{name}", json=record(name), headers={"If-None-Match": "*"})
    following = house.client("vera").get("/v1/customers?limit=1&standing=submitted").json()["next"]
    problem(house.client("vera").get(following.replace("standing=submitted", "standing=approved")), 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"reason": "a", "reason": "b"}', 400),
        (b'{"reason": ' + b"[" * 100_000, 400),
        (b'{"reason": ' + b"[" * 30 + b"]" * 30 + b"}", 400),
        (b'{"reason": NaN}', 400),
        (b'{"reason": 1' + b"0" * 100 + b"}", 400),
        (b'{"reason": "\\ud800"}', 400),
        (b'{"reason": "\\u0000"}', 400),
        (b'{"reason": "\xff"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"reason=x", 400),
        (b"[]", 422),
        (b'"x"', 422),
        (b"null", 422),
        (b'{"reason": true}', 422),
        (b'{"reason": "x", "by": "ben"}', 422),
        (b'{"reason": "' + b"a" * 2_001 + b'"}', 422),
        (b"{}", 422),
        (b"", 422),
    ],
)
def test_a_crooked_body_is_refused(house: ApiHouse, body: bytes, status: int) -> None:
    house.enrol()
    answer = house.client("ana").post("/v1/customers/lab/suspend", content=body, headers=JSON)
    problem(answer, status)
    assert house.registry.review("lab").standing.value == "approved"


def test_a_body_is_limited_as_announced_and_as_it_comes(house: ApiHouse) -> None:
    line = "POST /v1/customers/lab/suspend HTTP/1.1"
    kind = "Content-Type: application/json"
    assert b" 413 " in raw(house, head(house, line, kind, f"Content-Length: {BODY_BYTES_MAX + 1}"))
    assert b" 413 " in raw(house, head(house, line, kind, "Content-Length: 99999999999"))
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    assert b" 413 " in raw(house, head(house, line, kind, "Transfer-Encoding: chunked"), rest=piece * 17)
    for length in ("-1", "1, 1", "0x10"):
        assert b" 400 " in raw(house, head(house, line, kind, f"Content-Length: {length}"))


def test_only_plain_json_is_taken(house: ApiHouse) -> None:
    post = house.client("ana").post
    problem(post("/v1/customers/lab/suspend", content=b"{}", headers={"Content-Type": "text/plain"}), 415)
    problem(post("/v1/customers/lab/suspend", content=b"{}", headers={**JSON, "Content-Encoding": "gzip"}), 415)
    problem(house.client("ana").request("GET", "/v1/customers", content=b"{}", headers=JSON), 400)


def test_a_header_that_stands_twice_is_refused(house: ApiHouse) -> None:
    for name in ("If-Match", "Idempotency-Key", "Authorization", "Host"):
        answer = raw(house, head(house, "POST /v1/runs HTTP/1.1", f"{name}: a", f"{name}: b", "Content-Length: 0"))
        assert b" 400 " in answer, name


@pytest.mark.parametrize("value", ["abc", '"a', 'a"', '"a" "b"', '"a",,"b', "\x01", '"\u00e9"'])
def test_what_is_no_entity_tag_is_refused(house: ApiHouse, value: str) -> None:
    house.enrol()
    answer = raw(
        house, head(house, "POST /v1/customers/lab/approve HTTP/1.1", f"If-Match: {value}", "Content-Length: 0")
    )
    assert b" 400 " in answer


def test_methods_that_are_not_offered_are_refused_and_head_says_what_get_would(house: ApiHouse) -> None:
    etag = house.enrol()
    for method in ("OPTIONS", "TRACE", "DELETE", "PATCH"):
        answer = house.client("ana").request(method, "/v1/customers/lab")
        problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD, PUT"
        assert "access-control-allow-origin" not in answer.headers
    shown = house.client("ana").head("/v1/customers/lab")
    assert (shown.status_code, shown.content, shown.headers["etag"]) == (200, b"", etag)


def test_every_answer_forbids_a_browser_to_do_anything_with_it(house: ApiHouse) -> None:
    for path in ("/v1/customers", "/docs", "/openapi.json", "/healthz", "/nothing"):
        headers = house.client("ana").get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        assert "server" not in headers


def test_guessing_tokens_is_slowed_down_and_who_is_known_goes_on(house: ApiHouse) -> None:
    assert house.client("vera").get("/v1/packs").status_code == 200
    statuses = [
        house.client(None).get("/v1/packs", headers={"Authorization": f"Bearer {new_token()}"}).status_code
        for _ in range(FAILURES_MAX + 1)
    ]
    assert statuses == [401] * FAILURES_MAX + [429]
    assert house.client("vera").get("/v1/packs").status_code == 200
    assert int(house.client(None).get("/v1/packs").headers["retry-after"]) <= 61


def test_a_token_in_the_address_or_under_another_scheme_is_none(house: ApiHouse) -> None:
    token = house.tokens["ana"]
    problem(house.client(None).get(f"/v1/packs?access_token={token}"), 401)
    problem(house.client(None).get("/v1/packs", headers={"Authorization": f"Basic {token}"}), 401)
    problem(house.client(None).get("/v1/packs", headers={"Cookie": f"token={token}"}), 401)


def test_a_body_that_does_not_come_is_not_waited_for(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.api.reading.READ_WITHIN_S", 0.2)
    begun = time.monotonic()
    answer = raw(house, head(house, "POST /v1/runs HTTP/1.1", "Content-Length: 10", "Content-Type: application/json"))
    assert b" 408 " in answer
    assert time.monotonic() - begun < 5


def test_a_fault_of_ours_says_nothing_but_an_id_that_is_in_the_log(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, object]] = []
    monkeypatch.setattr("gatekeeper.api.door._log.error", lambda event, **facts: told.append({"event": event, **facts}))
    monkeypatch.setattr("gatekeeper.api.others.party_part", lambda _: 1 / 0)
    house.enrol()
    found = problem(house.client("ana").get("/v1/parties/lab"), 500)
    assert "division" not in json.dumps(found)
    assert [each["id"] for each in told] == [found["instance"].removeprefix("urn:uuid:")]
