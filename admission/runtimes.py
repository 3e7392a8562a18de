"""Training runtimes among files: a TrainJob says half of what it asks for in the runtime that it names.

The files are searched once, when the first TrainJob asks. What comes through a pipe cannot be read twice: of it, only
runtimes that stand before the TrainJob are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from admission.documents import LARGEST_FILE_BYTES, load_documents
from admission.manifests.nodes import Node, mapping, text
from admission.manifests.registry import DEFAULT_NAMESPACE, identity
from admission.manifests.trainer import CLUSTER_RUNTIME, GROUP, RUNTIME, VERSIONS
from gatekeeper.domain.errors import InvalidInput

# Both kinds end like this, so a file without it is not parsed a second time.
_MARK = RUNTIME.encode()
_LIST = "List"


def objects(content: Any) -> Iterator[tuple[Any, int | None]]:
    """The object itself, or the members of a List with their places.

    Members of a typed list take their kind from it.
    """
    if not isinstance(content, Mapping):
        return
    kind, members = text(content, "kind"), content.get("items")
    if not kind.endswith(_LIST) or not isinstance(members, list):
        yield content, None
        return
    inherited = {} if kind == _LIST else {"apiVersion": content.get("apiVersion"), "kind": kind.removesuffix(_LIST)}
    for number, member in enumerate(members):
        yield {**inherited, **member} if isinstance(member, Mapping) else member, number


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
            small = path.is_file() and path.stat().st_size <= LARGEST_FILE_BYTES
            if small and _MARK in path.read_bytes():
                for document in load_documents(path):
                    for each, _ in objects(document.content):
                        self.note(each)
        except (InvalidInput, OSError):
            return  # told where the file itself is inspected
