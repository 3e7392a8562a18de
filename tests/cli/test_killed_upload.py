"""A server that is killed in the middle of an upload leaves nothing that looks like a file; the next one clears up."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gatekeeper import cli
from tests.polling import until

MIB = 2**20
FILE = Path(__file__).parents[2] / "examples" / "customers" / "bharat-models.yaml"


@pytest.mark.slow
def test_killed_in_the_middle_it_keeps_nothing_and_begins_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folder = ["--data", str(tmp_path / "data")], tmp_path / "data" / "evidence"
    assert cli.run(["customer", "apply", "-f", str(FILE), "--as", "ana", *data]) == 0
    capsys.readouterr()
    assert cli.run(["user", "add", "ana", "--role", "policy-admin", "--role", "kyc-editor", *data]) == 0
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    gatekeeper = str(Path(sys.executable).with_name("gatekeeper"))
    subprocess.run([gatekeeper, "login", *data], input=capsys.readouterr().out, text=True, env=environment, check=True)
    token = (tmp_path / ".config/compute-gatekeeper/token").read_text().strip()
    asked = "/v1/customers/bharat-models/evidence?description=a&source=b"

    def serve() -> tuple[subprocess.Popen[str], int]:
        command = [gatekeeper, "api", "serve", "--port", "0", *data]
        serving = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert serving.stdout is not None
        found = re.search(r":(\d+) until", serving.stdout.readline())
        assert found
        return serving, int(found[1])

    serving, port = serve()
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        head = f"POST {asked} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {8 * MIB}\r\n\r\n"
        line.sendall(head.encode() + b"x" * (4 * MIB))
        until(lambda: folder.exists() and any(each.stat().st_size >= MIB for each in folder.iterdir()))
        serving.kill()
        serving.wait(10)
    (left,) = folder.iterdir()
    assert left.name.startswith(".new-")
    assert cli.run(["evidence", "list", "--output", "json", *data]) == 0
    assert capsys.readouterr().out.strip() == "[]"
    serving, port = serve()
    try:
        headers = {"Authorization": f"Bearer {token}"}
        done = httpx.post(f"http://127.0.0.1:{port}{asked}", content=b"%PDF-1", headers=headers, timeout=20)
        assert done.status_code == 201
        assert [each.name for each in folder.iterdir()] == [done.json()["sha256"]]
    finally:
        serving.terminate()
        assert serving.wait(30) == 0
