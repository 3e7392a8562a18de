"""Where the servers' logs are kept after a run, for whoever has to find out what went wrong."""

import datetime
import os
import shutil
from pathlib import Path

from tests.controlplane.harness.binaries import cache_folder

# A plane writes some MB; this many runs are enough to look back, and no disk fills up.
KEPT_RUNS = 20


def new_log_folder(what: str) -> Path:
    """A fresh folder for the logs of one plane or node; the oldest ones beyond KEPT_RUNS are removed."""
    home = cache_folder().parent / "logs"
    home.mkdir(parents=True, exist_ok=True)
    for old in sorted(home.iterdir())[: -KEPT_RUNS + 1]:
        shutil.rmtree(old, ignore_errors=True)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%f")
    folder = home / f"{moment}-{what}-{os.getpid()}"
    folder.mkdir()
    return folder
