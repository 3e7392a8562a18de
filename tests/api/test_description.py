"""docs/openapi.json and docs/api.md say what the code does: the one is compared, the other is run."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gatekeeper.api.app import description
from gatekeeper.api.problems import KINDS
from gatekeeper.cli import run
from tests.api.office import ApiHouse, record

DOCS = Path(__file__).parents[2] / "docs"


def test_the_description_in_the_docs_is_the_one_that_the_code_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["api", "openapi"]) == 0
    assert capsys.readouterr().out == (DOCS / "openapi.json").read_text("utf-8"), (
        "gatekeeper api openapi > docs/openapi.json"
    )


def test_every_route_needs_a_token_and_tells_its_problems() -> None:
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            assert operation["security"] == [{"HTTPBearer": []}], path
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert "422" not in operation["responses"]
            references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(operation))
            assert set(references) <= description()["components"]["schemas"].keys(), (method, path)


def test_the_page_for_people_names_every_route_and_problem_and_loads_nothing(house: ApiHouse) -> None:
    page = house.client(None).get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    text = page.text
    for path, operations in description()["paths"].items():
        for method in operations:
            assert f"<code>{method.upper()} {path}</code>" in text
    for status, (name, _) in KINDS.items():
        assert f'id="{name}"' in text
        assert str(status) in text
    loading = set[str]()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loading.update(tag for name, _ in attrs if name in ("src", "style") or tag in ("script", "link", "img"))

    Tags().feed(text)
    assert loading == set()
    assert house.client(None).get("/openapi.json").json() == description()


@pytest.mark.slow
def test_the_examples_of_the_page_do_what_it_says(house: ApiHouse, tmp_path: Path, served_certificate: Path) -> None:
    for name in ("ana", "ben"):
        (tmp_path / f"{name}.token").write_text(house.tokens[name])
    (tmp_path / "ca.crt").write_bytes(served_certificate.read_bytes())
    (tmp_path / "nile.json").write_text(json.dumps(record("nile", "AE")))
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / "api.md").read_text("utf-8"), re.S)
    lines = "".join(blocks).splitlines()
    script = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    script = script.replace("https://127.0.0.1:8444", house.url)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [line for line in lines if line and not line.startswith("$ ")]
