"""Databases of tests: each is a copy of one that was migrated once, for a migration costs as much as fifty tests."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from gatekeeper.stores import SqlStores, open_stores


def new_stores(path: Path) -> SqlStores:
    """Stores over a new SQLite file, or over one that is there already."""
    if not path.exists():
        shutil.copyfile(_migrated(), path)
    return open_stores(f"sqlite:///{path}")


@cache
def _migrated() -> Path:
    """A migrated file without content, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_stores(f"sqlite:///{folder / 'empty.db'}").close()
    return folder / "empty.db"
