"""Training runtimes among files: a TrainJob says half of what it asks for in the runtime that it names.

The files are searched once, when the first TrainJob asks. What comes through a pipe cannot be read twice: of it, only
runtimes that stand before the TrainJob are known.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from admission.documents import load_documents
from admission.manifests.nodes import Node, mapping, text
from admission.manifests.registry import DEFAULT_NAMESPACE, identity
from admission.manifests.trainer import CLUSTER_RUNTIME, GROUP, RUNTIME, VERSIONS
from admission.members import objects
from admission.sources import STDIN
from gatekeeper.domain.errors import InvalidInput

# Both kinds end like this, so a file without it is not parsed a second time.
_MARK = RUNTIME.encode()
_PIECE = 1024**2


class FileRuntimes:
    """Finds a runtime by kind, namespace and name."""

    def __init__(self, files: Iterable[Path], namespace: str | None = None) -> None:
        """Nothing is read yet.

        Args:
            namespace: where runtimes stand that name none; "default" without it.
        """
        self._unread = list(files)
        self._home = namespace or DEFAULT_NAMESPACE
        self._found: dict[tuple[str, str, str], Node] = {}

    def __call__(self, kind: str, namespace: str, name: str) -> Node | None:
        """The runtime, or None where no file holds it."""
        files, self._unread = self._unread, []
        for path in files:
            self._search(path)
        return self._found.get((kind, "" if kind == CLUSTER_RUNTIME else namespace, name))

    def note(self, manifest: object) -> None:
        """Remember an object, if it is a runtime."""
        if not isinstance(manifest, dict):
            return
        group, version, kind = identity(manifest)
        if group == GROUP and version in VERSIONS and kind in {RUNTIME, CLUSTER_RUNTIME}:
            metadata = mapping(manifest, "metadata", [])
            home = "" if kind == CLUSTER_RUNTIME else text(metadata, "namespace") or self._home
            self._found[kind, home, text(metadata, "name")] = manifest

    def _search(self, path: Path) -> None:
        try:
            if str(path) == STDIN or not path.is_file() or not _holds(path, _MARK):
                return
            for document in load_documents(path):
                whole = objects(document.content) if document.item is None else [(document.content, document.item)]
                for each, _ in whole:
                    self.note(each)
        except (InvalidInput, OSError):
            return  # told where the file itself is inspected


def _holds(path: Path, mark: bytes) -> bool:
    """Whether these bytes stand anywhere in the file, which is never held whole."""
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if mark in before + piece:
                return True
            before = piece[-len(mark) :]
    return False
