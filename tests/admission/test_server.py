"""The server over real TLS sockets: what is answered, what is refused, certificates, stopping."""

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from admission import http as app_module
from admission.http import WebhookApp
from admission.review import LARGEST_REVIEW_BYTES
from admission.server import WebhookServer
from admission.webhook import Webhook
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import InvalidInput, Unavailable
from tests.admission.reviews import ToldGate, manifest, review, write_pair
from tests.polling import until

TOKEN = "0123456789abcdef0123456789abcdef"
PATH = f"/validate/{TOKEN}"
JSON = {"content-type": "application/json"}


class Served:
    """A running server with its readiness switch."""

    def __init__(self, folder: Path, *, headers_within_s: float = 10.0) -> None:
        write_pair(folder, "one")
        self.folder = folder
        self.ready = True
        app = WebhookApp(Webhook(ToldGate(Verdict.DENY), cluster="c1").handle, token=TOKEN, ready=lambda: self.ready)
        self.server = WebhookServer(app, folder, poll_s=0.02, headers_within_s=headers_within_s)
        self.port = self.server.start()
        self.url = f"https://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=False)

    def tls(self, name: str | None = None, most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode, context.maximum_version = False, ssl.CERT_NONE, most
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 5), server_hostname=name)

    def certificate_name(self, name: str | None = None) -> str:
        """Whose certificate a new connection is shown."""
        with self.tls(name) as connection:
            shown = connection.getpeercert(binary_form=True)
            assert shown is not None
            return x509.load_der_x509_certificate(shown).subject.rfc4514_string()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    running = Served(tmp_path_factory.mktemp("tls"))
    yield running
    running.server.stop()


def test_a_review_is_answered_over_https_on_one_kept_connection(served: Served) -> None:
    with served.client() as client:
        for _ in range(3):
            response = client.post(PATH, content=review(manifest()), headers=JSON)
            assert response.status_code == 200
            assert response.headers["content-type"] == "application/json"
            assert response.json()["response"]["status"]["code"] == 403
            assert "server" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", PATH, JSON, b"", 405),
        ("PUT", PATH, JSON, b"{}", 405),
        ("POST", "/validate/", JSON, b"{}", 404),
        ("POST", "/validate/0123456789abcdef0123456789abcdeX", JSON, b"{}", 404),
        ("POST", f"{PATH}/", JSON, b"{}", 404),
        ("POST", "/", JSON, b"{}", 404),
        ("POST", PATH, {"content-type": "text/plain"}, b"{}", 415),
        ("POST", PATH, {}, b"{}", 415),
        ("POST", PATH, JSON | {"content-encoding": "gzip"}, b"{}", 415),
        ("POST", PATH, JSON, b"", 400),
        ("POST", PATH, JSON, b"{", 400),
        ("POST", PATH, JSON, b"\xff\x00", 400),
        ("POST", PATH, JSON, b'{"apiVersion": "v1", "kind": "Pod"}', 400),
        ("POST", PATH, {"content-type": "application/json; charset=utf-8"}, b"{", 400),
    ],
)
def test_what_is_no_review_is_a_4xx_in_plain_words(
    served: Served, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    with served.client() as client:
        response = client.request(method, path, headers=headers, content=body)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text
    for leak in ("Traceback", TOKEN, "File "):
        assert leak not in response.text


def test_a_body_beyond_three_mebibytes_is_refused_by_its_announced_length(served: Served) -> None:
    with served.client() as client:
        response = client.post(PATH, content=b" " * (LARGEST_REVIEW_BYTES + 1), headers=JSON)
    assert response.status_code == 413


def test_a_body_without_an_announced_length_is_counted_while_it_comes(served: Served) -> None:
    sent = iter([b" " * 65536] * (LARGEST_REVIEW_BYTES // 65536) + [b" "])
    with served.client() as client:
        response = client.post(PATH, content=sent, headers=JSON)
    assert response.status_code == 413


def test_a_body_of_exactly_three_mebibytes_is_read(served: Served) -> None:
    body = review(manifest())
    with served.client() as client:
        response = client.post(PATH, content=body + b" " * (LARGEST_REVIEW_BYTES - len(body)), headers=JSON)
    assert response.status_code == 200


def test_a_client_that_hangs_up_mid_body_disturbs_nobody(served: Served) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
    for _ in range(5):
        with served.tls() as connection:
            connection.sendall(head.encode() + b'{"apiVersion":')
    with served.client() as client:
        assert client.post(PATH, content=review(manifest()), headers=JSON).status_code == 200


def test_a_body_that_does_not_arrive_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "READ_WITHIN_S", 0.05)
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
    with served.tls() as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("noise", [b"\x00" * 100, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_a_400_or_a_closed_connection(served: Served, noise: bytes) -> None:
    with served.tls() as connection:
        connection.sendall(noise)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begun", [b"", b"POST /validate/"])
def test_a_connection_that_never_completes_its_headers_is_ended_and_a_resting_one_is_not(
    tmp_path: Path, begun: bytes
) -> None:
    served = Served(tmp_path, headers_within_s=0.1)
    try:
        with served.client() as resting, served.tls() as silent:
            resting.post(PATH, content=review(manifest()), headers=JSON).raise_for_status()
            silent.sendall(begun)
            assert silent.recv(4096) == b""
            assert resting.post(PATH, content=review(manifest()), headers=JSON).status_code == 200
            assert len(served.server._server.server_state.connections) == 1
    finally:
        served.server.stop()


def test_who_goes_on_sending_what_was_refused_is_cut_off(tmp_path: Path) -> None:
    served = Served(tmp_path, headers_within_s=60)
    size = 2**40
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    try:
        with served.tls() as connection:
            connection.sendall(head.encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
            begun = time.monotonic()
            until(lambda: was_cut(connection))
            assert time.monotonic() - begun < 20  # and not only where a graceful end of TLS gives up, after 30 s
    finally:
        served.server.stop()


def was_cut(connection: ssl.SSLSocket) -> bool:
    try:
        connection.sendall(b"x" * 2**16)
    except OSError:
        return True
    return False


def test_silent_connections_never_take_so_many_places_that_health_goes_unanswered(tmp_path: Path) -> None:
    """A tenant that holds them all would get the process restarted, and with it the controller."""
    served = Served(tmp_path, headers_within_s=60)
    served.server._idlers._most = 3
    silent = []
    try:
        for _ in range(12):
            silent.append(served.tls())
            silent[-1].sendall(b"POST /val")
        connections = served.server._server.server_state.connections
        until(lambda: len(connections) <= 3)
        with served.client() as client:
            assert client.get("/healthz").status_code == 200
    finally:
        for each in silent:
            each.close()
        served.server.stop()


def test_a_connection_that_trickles_its_second_request_is_ended_too(tmp_path: Path) -> None:
    served = Served(tmp_path, headers_within_s=0.1)
    body = review(manifest())
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    try:
        with served.tls() as connection:
            connection.sendall(head.encode() + body)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.sendall(b"POST /val")
            while connection.recv(65536):
                pass  # what was left of the first answer, then the end
    finally:
        served.server.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/validate/guess"])
def test_only_who_knows_the_token_keeps_a_connection(served: Served, path: str) -> None:
    with served.client() as client:
        assert client.get(path).headers["connection"] == "close"


def test_health_and_readiness_are_told_apart(served: Served) -> None:
    with served.client() as client:
        assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
        served.ready = False
        try:
            assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
            assert client.post(PATH, content=review(manifest()), headers=JSON).status_code == 503
        finally:
            served.ready = True


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_below_1_2_is_refused(served: Served) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.tls(most=ssl.TLSVersion.TLSv1_1)
    with served.tls(most=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.version() == "TLSv1.2"


def test_a_new_certificate_is_shown_to_new_connections_and_a_broken_one_never(tmp_path: Path) -> None:
    served = Served(tmp_path)
    try:
        names = (None, "compute-gatekeeper.compute-gatekeeper.svc")
        assert [served.certificate_name(each) for each in names] == ["CN=one", "CN=one"]
        with served.client() as client:
            client.post(PATH, content=review(manifest()), headers=JSON).raise_for_status()
            write_pair(tmp_path, "two")
            until(lambda: served.certificate_name() == "CN=two")
            assert served.certificate_name(names[1]) == "CN=two"
            # The connection from before is still served.
            client.post(PATH, content=review(manifest()), headers=JSON).raise_for_status()

        loads = served.server._certificates  # the poll is awaited by what it last saw, not by time
        assert loads is not None
        (tmp_path / "tls.key").write_text("no key", "utf-8")
        broken = loads._read_stamps()
        until(lambda: loads._stamps == broken)
        assert served.certificate_name() == "CN=two"
        (tmp_path / "tls.crt").unlink()
        broken = loads._read_stamps()
        until(lambda: loads._stamps == broken)
        assert served.certificate_name() == "CN=two"
        write_pair(tmp_path, "three")
        until(lambda: served.certificate_name() == "CN=three")
    finally:
        served.server.stop()


def test_a_certificate_exchanged_by_a_symbolic_link_is_taken(tmp_path: Path) -> None:
    """A mounted secret changes by one rename of the link `..data`, as the kubelet does it."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        write_pair(tmp_path / version, version)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(tmp_path / "one")
    for file in ("tls.crt", "tls.key"):
        (mounted / file).symlink_to(Path("..data") / file)
    app = WebhookApp(Webhook(ToldGate(), cluster="c1").handle, token=TOKEN, ready=lambda: True)
    certificates = WebhookServer(app, mounted)._certificates
    assert certificates is not None
    assert certificates.refresh() is False
    (mounted / "..new").symlink_to(tmp_path / "two")
    os.replace(mounted / "..new", mounted / "..data")
    assert certificates.refresh() is True
    assert certificates.refresh() is False


def test_stopping_answers_what_is_under_way_and_frees_the_port(tmp_path: Path) -> None:
    entered, go_on = threading.Event(), threading.Event()

    async def slow(body: bytes) -> bytes:
        entered.set()
        until(go_on.is_set)
        return body

    write_pair(tmp_path, "one")
    server = WebhookServer(WebhookApp(slow, token=TOKEN, ready=lambda: True), tmp_path)
    port = server.start()
    answers: list[int] = []

    def ask() -> None:
        response = httpx.post(f"https://127.0.0.1:{port}{PATH}", content=b"{}", headers=JSON, verify=False)
        answers.append(response.status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    assert entered.wait(5)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    go_on.set()
    stopping.join(10)
    asking.join(10)
    assert answers == [200]
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_a_server_starts_once_and_says_why_it_cannot(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")

    async def echo(body: bytes) -> bytes:
        return body

    app = WebhookApp(echo, token=TOKEN, ready=lambda: True)
    first = WebhookServer(app, tmp_path)
    port = first.start()
    try:
        with pytest.raises(InvalidInput, match="only once"):
            first.start()
        with pytest.raises(Unavailable, match="cannot listen"):
            WebhookServer(app, tmp_path).start(port=port)
    finally:
        first.stop()


def test_a_folder_without_a_usable_pair_is_refused(tmp_path: Path) -> None:
    async def echo(body: bytes) -> bytes:
        return body

    app = WebhookApp(echo, token=TOKEN, ready=lambda: True)
    with pytest.raises(InvalidInput, match=r"no usable tls\.crt and tls\.key"):
        WebhookServer(app, tmp_path)


@pytest.mark.parametrize("token", ["", "short", "x" * 31, "x" * 31 + "/", "x" * 31 + "é", "x" * 31 + "\n"])
def test_a_path_token_that_could_be_guessed_or_misread_is_refused(token: str) -> None:
    async def echo(body: bytes) -> bytes:
        return body

    with pytest.raises(InvalidInput, match="openssl rand"):
        WebhookApp(echo, token=token, ready=lambda: True)


def test_the_answer_to_a_review_is_json_that_names_its_uid(served: Served) -> None:
    with served.client() as client:
        raw = client.post(PATH, content=review(manifest(), uid="u-1"), headers=JSON).content
    assert json.loads(raw)["response"]["uid"] == "u-1"
