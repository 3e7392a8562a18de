"""Where the programs come from: the folder that the user names, else a build that leaves a program or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.harness import binaries, toolchain
from tests.controlplane.harness.processes import HarnessError


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A cache folder of the test's own, and nothing remembered from tests before or for tests after."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    binaries.binary.cache_clear()
    yield
    binaries.binary.cache_clear()


def program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def fake_go(monkeypatch: pytest.MonkeyPatch, folder: Path, version: str, build: str) -> None:
    """Put a `go` first in PATH that reports a version and runs `build` when asked to build ($out: the file to make)."""
    script = f"""
if [ "$1" = env ]; then echo {version}; exit 0; fi
while [ $# -gt 1 ]; do if [ "$1" = -o ]; then out="$2"; fi; shift; done
{build}"""
    program(folder / "go", script)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_program_in_kubebuilder_assets_is_taken_and_nothing_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = program(tmp_path / "assets" / "etcd", "exit 0")
    fake_go(monkeypatch, tmp_path / "go", "go1.99.0", "exit 1")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given.parent))
    assert binaries.binary("etcd") == str(given)


def test_what_kubebuilder_assets_lacks_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = program(tmp_path / "assets" / "etcd", "exit 0")
    fake_go(monkeypatch, tmp_path / "go", "go1.99.0", 'echo made > "$out"; chmod +x "$out"')
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given.parent))
    assert binaries.binary("kubectl") == str(binaries.bin_folder(binaries.HERE) / "kubectl")


def test_a_failed_build_leaves_no_program_and_says_what_the_compiler_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_go(monkeypatch, tmp_path / "go", "go1.99.0", 'echo half > "$out"; echo no space left >&2; exit 1')
    with pytest.raises(HarnessError, match="no space left"):
        binaries.binary("etcd")
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []


def test_another_lock_file_is_another_cache_folder(tmp_path: Path) -> None:
    folders = set()
    for text in ("one", "two"):
        (tmp_path / "go.sum").write_text(text)
        folders.add(binaries.bin_folder(tmp_path))
    assert len(folders) == 2


def test_a_go_older_than_the_lock_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needed = toolchain.needed_version(binaries.HERE / "go.mod")
    fake_go(monkeypatch, tmp_path / "go", "go1.20.1", "exit 1")
    old = toolchain.installed_version(str(tmp_path / "go" / "go"))
    assert old == (1, 20, 1)
    assert old < needed
    newer = program(tmp_path / "own" / "go" / "bin" / "go", "echo go1.99.0")
    assert toolchain.find_go(binaries.HERE / "go.mod", tmp_path / "own") == str(newer)
