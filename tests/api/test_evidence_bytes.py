"""Evidence over HTTP, by a client that wants to hurt: too much, too slow, too many, half, and somebody else's."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatekeeper.api import transfers
from gatekeeper.api.transfers import AT_ONCE_MAX, OF_ONE_CALLER_MAX, Transfers
from gatekeeper.evidence_files import EvidenceFiles
from gatekeeper.stores import SqlStores
from tests.api.office import ApiHouse, Served, problem
from tests.polling import until
from tests.registry.office import log

SAID = {"description": "Extract", "source": "MCA, India"}
PDF = b"%PDF-1.7 an extract"
MIB = 2**20
Make = Callable[..., ApiHouse]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


@pytest.fixture
def make(stores: SqlStores, served: Served, folder: Path) -> Iterator[Make]:
    opened: list[ApiHouse] = []

    def made(transfers: Transfers | None = None, **files: int) -> ApiHouse:
        opened.append(ApiHouse(stores, served, files=EvidenceFiles(folder, **files), transfers=transfers))
        opened[-1].enrol()
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def send(house: ApiHouse, content: Any = PDF, who: str = "ana", customer: str = "lab", **said: str) -> httpx.Response:
    return house.client(who).post(f"/v1/customers/{customer}/evidence", params={**SAID, **said}, content=content)


def kept(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


def connected(house: ApiHouse) -> ssl.SSLSocket:
    """A connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opened = context.wrap_socket(socket.create_connection(("127.0.0.1", house.port), 10))
    opened.settimeout(10)
    return opened


def raw(house: ApiHouse, headers: str, body: bytes = b"") -> ssl.SSLSocket:
    """A connection that has sent the head of an upload, and perhaps something of its body."""
    opened = connected(house)
    head = f"POST /v1/customers/lab/evidence?description=a&source=b HTTP/1.1\r\nHost: x\r\n{headers}\r\n"
    head += f"Authorization: Bearer {house.tokens['ana']}\r\n\r\n"
    opened.sendall(head.encode() + body)
    return opened


def answer_of(line: ssl.SSLSocket) -> str:
    said = b""
    while piece := line.recv(65_536):
        said += piece
    return said.decode()


def test_a_file_comes_in_is_on_record_and_goes_out_as_an_attachment(make: Make, folder: Path) -> None:
    house = make()
    done = send(house, sensitivity="internal", collected_on="2026-11-01")
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert (done.status_code, done.json()["sha256"], done.json()["media_type"]) == (201, sha256, "application/pdf")
    assert (folder / sha256).read_bytes() == PDF
    assert house.client("vera").get("/v1/customers/lab/evidence").json()["items"] == [done.json()]
    out = house.client("vera").get(f"/v1/customers/lab/evidence/{sha256}")
    assert out.content == PDF
    assert out.headers["content-disposition"] == f'attachment; filename="{sha256}"'
    assert out.headers["content-type"] == "application/octet-stream"
    assert out.headers["x-content-type-options"] == "nosniff"
    told = [(each["type"], each["actor"]["name"]) for each in log(house.stores)[-2:]]
    assert told == [("evidence.added", "ana"), ("evidence.read", "vera")]


def test_the_same_file_again_changes_nothing(make: Make) -> None:
    house = make()
    first = send(house)
    size = len(log(house.stores))
    again = send(house, description="another text")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(log(house.stores)) == size


def test_five_gigabytes_are_refused_by_what_they_say_before_a_byte_is_sent(make: Make, folder: Path) -> None:
    house = make()
    said = answer_of(raw(house, f"Content-Length: {5 * 2**30}"))
    assert said.startswith("HTTP/1.1 413 ")
    assert "application/problem+json" in said
    assert "5,368,709,120 bytes" in said
    assert "name where the whole is kept in `source`." in said
    assert kept(folder) == []


def test_a_file_that_does_not_say_how_long_it_is_is_counted(make: Make, folder: Path) -> None:
    house = make(largest_bytes=3 * MIB)
    line = raw(house, "Transfer-Encoding: chunked")
    piece = b"100000\r\n" + b"x" * MIB + b"\r\n"
    for _ in range(4):
        line.sendall(piece)
    said = answer_of(line)
    assert said.startswith("HTTP/1.1 413 ")
    assert "connection: close" in said
    assert kept(folder) == []
    assert house.registry.evidence("lab") == []


def test_a_file_that_breaks_off_leaves_nothing_and_gives_its_place_back(make: Make, folder: Path) -> None:
    house = make()
    for _ in range(2 * OF_ONE_CALLER_MAX):
        line = raw(house, f"Content-Length: {4 * MIB}", b"x" * (2 * MIB))
        until(lambda: bool(kept(folder)))
        line.close()
        until(lambda: kept(folder) == [])
    assert send(house).status_code == 201


def test_a_file_that_trickles_in_is_ended(make: Make, folder: Path) -> None:
    house = make(Transfers(patience_s=0.3))
    line = raw(house, f"Content-Length: {4 * MIB}", b"x")
    assert answer_of(line).startswith("HTTP/1.1 408 ")
    assert kept(folder) == []


def test_one_caller_has_few_places_and_others_have_theirs(make: Make, folder: Path) -> None:
    house = make()
    hanging = [raw(house, f"Content-Length: {MIB}", b"x") for _ in range(OF_ONE_CALLER_MAX)]
    # Whoever asked by sending would hold a place while one of these comes, and take it away from that one for good.
    until(lambda: len(kept(folder)) == OF_ONE_CALLER_MAX)
    refused = problem(send(house, who="ana"), 429)
    assert "on their way" in refused["detail"]
    assert send(house, who="both").status_code == 201
    for each in hanging:
        each.close()
    until(lambda: send(house).status_code == 200)


def test_of_a_hundred_at_once_each_is_whole_or_told_to_come_again(make: Make, folder: Path) -> None:
    house = make()
    contents = [os.urandom(200_000) for _ in range(100)]

    def one(content: bytes) -> httpx.Response:
        who = "ana" if content[0] % 2 else "both"
        return send(house, content, who)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(one, contents))
    counted = Counter(each.status_code for each in answers)
    assert counted[201] >= AT_ONCE_MAX
    assert set(counted) <= {201, 429, 503}
    whole = {hashlib.sha256(each).hexdigest() for each, got in zip(contents, answers, strict=True) if got.is_success}
    assert set(kept(folder)) == whole == {each.sha256 for each in house.registry.evidence("lab")}


def test_what_one_caller_sends_in_an_hour_has_an_end(make: Make, folder: Path) -> None:
    house = make(Transfers(hourly_bytes=3 * MIB))
    assert send(house, os.urandom(2 * MIB)).status_code == 201
    refused = send(house, os.urandom(2 * MIB))
    problem(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 3_600
    assert send(house, os.urandom(MIB), "both").status_code == 201
    assert len(kept(folder)) == 2


def test_a_full_disk_is_told_and_leaves_nothing(make: Make, folder: Path) -> None:
    house = make(spare_bytes=2**60)
    assert "is full" in problem(send(house), 503)["detail"]
    assert kept(folder) == []


@pytest.mark.parametrize(
    ("said", "content", "status"),
    [
        ({"sha256": "ab" * 32}, PDF, 422),
        ({}, b"", 422),
        ({"collected_on": "2126-01-01"}, PDF, 422),
        ({"description": " "}, PDF, 422),
        ({"description": "x" * 501}, PDF, 400),
        ({"sensitivity": "secret"}, PDF, 400),
        ({"sha256": "../../etc/passwd"}, PDF, 400),
    ],
)
def test_nonsense_is_refused_and_leaves_nothing(
    make: Make, folder: Path, said: dict[str, str], content: bytes, status: int
) -> None:
    house = make()
    problem(send(house, content, **said), status)
    assert kept(folder) == []
    assert house.registry.evidence("lab") == []


@pytest.mark.parametrize("who", ["vera", "ben", "reg", "pia"])
def test_who_may_not_edit_adds_nothing(make: Make, folder: Path, who: str) -> None:
    house = make()
    problem(send(house, who=who), 403)
    problem(house.client(None).post("/v1/customers/lab/evidence", params=SAID, content=PDF), 401)
    assert kept(folder) == []


def test_nothing_is_added_to_a_closed_account_or_to_nobody(make: Make, folder: Path) -> None:
    house = make()
    problem(send(house, customer="nobody"), 404)
    house.registry.close("lab", by="ana", reason="x")
    problem(send(house), 403)
    assert kept(folder) == []


@pytest.mark.parametrize(
    ("sensitivity", "may"),
    [
        ("internal", {"ana", "ben", "vera", "reg", "pia"}),
        ("confidential", {"ana", "ben", "reg"}),
        ("personal", {"ana", "ben"}),
    ],
)
def test_a_file_is_shown_to_whoever_needs_to_know(make: Make, sensitivity: str, may: set[str]) -> None:
    house = make()
    sha256 = send(house, sensitivity=sensitivity).json()["sha256"]
    for who in ("ana", "ben", "vera", "reg", "pia"):
        got = house.client(who).get(f"/v1/customers/lab/evidence/{sha256}")
        assert got.status_code == (200 if who in may else 403), who
    assert Counter(each["type"] for each in log(house.stores))["evidence.read"] == len(may)


def test_a_file_of_another_customer_is_not_read_by_its_hash(make: Make) -> None:
    house = make()
    house.enrol("other")
    sha256 = send(house).json()["sha256"]
    problem(house.client().get(f"/v1/customers/other/evidence/{sha256}"), 404)


@pytest.mark.parametrize("name", ["..", "%2e%2e%2fgatekeeper.db", "AB" * 32, "ab" * 33])
def test_no_path_leads_out_of_the_folder(make: Make, name: str) -> None:
    house = make()
    got = house.client().get(f"/v1/customers/lab/evidence/{name}")
    assert got.status_code in (200, 400, 404)  # `..` is taken away by the client: the list of customers' evidence
    assert b"SQLite" not in got.content


def test_a_link_that_has_the_name_of_a_file_is_not_followed(make: Make, folder: Path, tmp_path: Path) -> None:
    house = make()
    sha256 = send(house).json()["sha256"]
    (folder / sha256).unlink()
    (tmp_path / "secret").write_text("secret")
    (folder / sha256).symlink_to(tmp_path / "secret")
    problem(house.client().get(f"/v1/customers/lab/evidence/{sha256}"), 503)
    (folder / sha256).unlink()
    problem(house.client().get(f"/v1/customers/lab/evidence/{sha256}"), 404)


def test_a_reader_who_takes_nothing_loses_the_place(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "LEAST_BYTES_PER_S", 2**30)  # what lies in buffers counts as taken
    house = make(Transfers(patience_s=0.3))
    content = os.urandom(24 * MIB)  # more than those hold
    sha256 = hashlib.sha256(content).hexdigest()
    assert send(house, content).status_code == 201
    ask = f"GET /v1/customers/lab/evidence/{sha256} HTTP/1.1\r\nHost: x\r\n"
    idle = [connected(house) for _ in range(OF_ONE_CALLER_MAX)]
    for each in idle:
        each.sendall(f"{ask}Authorization: Bearer {house.tokens['ana']}\r\n\r\n".encode())
        assert each.recv(5) == b"HTTP/"
    until(lambda: house.client().get(f"/v1/customers/lab/evidence/{sha256}").status_code == 200)
    for each in idle:
        each.close()


def test_a_hundred_readers_who_hang_up_give_their_places_back(make: Make) -> None:
    house = make()
    sha256 = send(house, os.urandom(4 * MIB)).json()["sha256"]
    for _ in range(3 * OF_ONE_CALLER_MAX):
        with house.client().stream("GET", f"/v1/customers/lab/evidence/{sha256}") as got:
            if got.status_code == 200:
                next(got.iter_raw(1_000))
    until(lambda: house.client().get(f"/v1/customers/lab/evidence/{sha256}").status_code == 200)
