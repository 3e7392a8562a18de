"""The wheel holds what the process reads at run time: a missing data file shows only on somebody else's machine."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = (
    "admission/_bundled/reach.yaml",
    "gatekeeper/_bundled/policies/countries.yaml",
    "gatekeeper/name_data/sounds.txt",
    "gatekeeper/_bundled/policies/us-ai-diffusion/pack.yaml",
    "gatekeeper/_bundled/policies/us-ai-diffusion/suite.yaml",
    "gatekeeper/data/accelerators/nvidia.yaml",
    "gatekeeper/demo/data/scenario.yaml",
    "gatekeeper/demo/data/reviews/job.json",
)


@pytest.mark.slow
def test_the_wheel_holds_packs_catalogue_migrations_and_the_table_of_what_reaches_a_device(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*command, str(ROOT)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in NEEDED if name not in names] == []
    assert any("stores/migrations/versions" in name and name.endswith(".py") for name in names)
