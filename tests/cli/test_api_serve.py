"""`gatekeeper api serve`: the same API without a cluster, tried with curl as docs/api.md has it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper import cli


def gatekeeper(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("gatekeeper")), *words]


@pytest.mark.slow
def test_the_api_is_served_without_a_cluster_as_the_docs_say(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    data = ["--data", str(tmp_path / "tryout")]

    def do(*words: str, say: str = "") -> str:
        done = subprocess.run(
            gatekeeper(*words, *data), input=say, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    added = do("user", "add", "ana@provider.example", "--role", "policy-admin", "--role", "kyc-editor")
    do("login", say=added)
    token = (tmp_path / ".config/compute-gatekeeper/token").read_text().strip()
    with subprocess.Popen(
        gatekeeper("api", "serve", "--port", "0", *data), env=environment, stdout=subprocess.PIPE, text=True
    ) as serving:
        try:
            assert serving.stdout is not None
            found = re.fullmatch(r"API on (http://127\.0\.0\.1:\d+) until Ctrl-C\n", serving.stdout.readline())
            assert found
            url = f"{found[1]}/v1/customers"
            asked = ["curl", "--silent", "--header", f"Authorization: Bearer {token}", url]
            assert json.loads(subprocess.check_output(asked))["items"] == []
            code = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url]
            assert subprocess.check_output(code) == b"401"
        finally:
            serving.send_signal(signal.SIGTERM)
        assert serving.wait(timeout=30) == 0


def test_an_address_that_others_reach_needs_a_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["api", "serve", "--host", "0.0.0.0", "--data", str(tmp_path)]) == 2
    assert "needs TLS" in capsys.readouterr().err
