"""The server of the API as the settings ask for it, and requests that come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gatekeeper.api.server import api_server, is_loopback
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.settings import load_settings
from gatekeeper.wiring import Wiring
from tests.admission.reviews import write_pair
from tests.api.office import ApiHouse, record
from tests.registry.office import log_types


def wired(folder: Path, text: str) -> Wiring:
    (folder / "config.yaml").write_text(f"data: data\n{text}")
    return Wiring(load_settings({}, config=folder / "config.yaml"), makes_data=True)


def test_without_a_section_of_the_settings_it_is_not_served(tmp_path: Path) -> None:
    with wired(tmp_path, "") as wiring:
        assert api_server(wiring) is None


def test_on_an_address_that_others_reach_it_needs_a_certificate(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1", "localhost"):
        with (
            wired(tmp_path, f"api: {{host: '{host}'}}") as wiring,
            pytest.raises(InvalidInput, match=r"TLS.*api\.certificate_dir"),
        ):
            api_server(wiring)
    assert [is_loopback(each) for each in ("127.0.0.1", "127.9.9.9", "::1")] == [True] * 3


def test_on_loopback_it_serves_without_tls_and_with_a_certificate_only_with_it(tmp_path: Path) -> None:
    write_pair(tmp_path, "api")
    for section, scheme in (("{port: 0}", "http"), ("{port: 0, certificate_dir: .}", "https")):
        with wired(tmp_path, f"api: {section}") as wiring:
            server = api_server(wiring)
            assert server is not None
            port = server.start()
            try:
                with httpx.Client(base_url=f"{scheme}://127.0.0.1:{port}", verify=False) as client:
                    assert client.get("/healthz").text == "ok"
                    assert client.get("/v1/customers").status_code == 401
            finally:
                server.stop()


def test_one_key_at_once_is_one_act_and_one_answer_for_all(house: ApiHouse) -> None:
    headers = {"If-None-Match": "*", "Idempotency-Key": "k-1"}
    client = house.client("ana")
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(client.put, "/v1/customers/lab", json=record(), headers=headers) for _ in range(16)]
        answers = [each.result() for each in waiting]
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert log_types(house.stores).count("customer.enrolled") == 1


def test_of_two_who_change_what_both_looked_at_one_is_told_to_look_again(house: ApiHouse) -> None:
    etag = house.enrol()
    with ThreadPoolExecutor(8) as pool:
        waiting = [
            pool.submit(house.client("ana").put, "/v1/customers/lab", json=record(hq=hq), headers={"If-Match": etag})
            for hq in ("AE", "IN", "CN", "SG", "MX", "BR", "CH", "PL")
        ]
        statuses = sorted(each.result().status_code for each in waiting)
    assert statuses == [200] + [412] * 7
