"""`gatekeeper inspect`: what the workloads in files ask for, one line each, decided as the webhook decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from admission.documents import JSON_SUFFIXES, YAML_SUFFIXES, load_documents
from admission.manifests.nodes import mapping, text
from admission.manifests.reach import Reach
from admission.manifests.registry import is_cluster_scoped, read
from admission.members import Document, objects
from admission.runtimes import FileRuntimes
from admission.sources import Progress, name_of
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Workload

_SUFFIXES = JSON_SUFFIXES | YAML_SUFFIXES


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or document that could not be read: one sentence that starts with file and line."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A workload and where it stands: file, number of the document from 0, and its place in a List."""

    file: str
    index: int
    item: int | None
    api_version: str
    workload: Workload


@dataclass(frozen=True, slots=True)
class _Item:
    """One object of a document; `item` is its place in a List."""

    manifest: Any
    item: int | None


def inspect_paths(
    paths: Iterable[Path], *, reach: Reach | None = None, progress: Progress | None = None
) -> Iterator[dict[str, Any] | Problem]:
    """One line for each workload in the files, and in the YAML and JSON files below the folders.

    Yields:
        A dict with the keys file, index, item, apiVersion, kind, namespace, name, gated, host_access, devices,
        claims, unknown, reason; or a Problem. A problem ends its file or object, not the others.
    """
    for each in find_workloads(paths, reach=reach, progress=progress):
        yield each if isinstance(each, Problem) else _line(each)


def find_workloads(
    paths: Iterable[Path],
    *,
    cluster: str = "",
    namespace: str | None = None,
    reach: Reach | None = None,
    progress: Progress | None = None,
) -> Iterator[Found | Problem]:
    """The workloads themselves, as they would stand in a cluster; TrainJobs with the runtimes among the files.

    Args:
        paths: files and folders; `-` is standard input.
        cluster: our name of the cluster.
        namespace: where manifests go that name none; "default" without it.
        reach: the lists that decide what is an accelerator.
        progress: told of each piece that is read, in bytes.
    """
    found = [(named, _files(named)) for named in paths]
    runtimes = FileRuntimes([each for _, files in found for each in files], namespace)
    reader = partial(read, cluster=cluster, reach=reach, runtimes=runtimes)
    for named, files in found:
        if not files:
            yield Problem(f"{named} holds no file that ends in {', '.join(sorted(_SUFFIXES))}.", "Name another folder.")
        for path in files:
            try:
                for document in load_documents(path, progress):
                    for each in _items(document):
                        runtimes.note(each.manifest)
                        yield from _read(reader, path, document, each, namespace)
            except InvalidInput as error:
                yield Problem(error.message, error.hint)


def _read(
    reader: Callable[..., Workload | None], path: Path, document: Document, each: _Item, namespace: str | None
) -> Iterator[Found | Problem]:
    try:
        workload = reader(each.manifest, namespace=_home(each.manifest) or namespace)
    except InvalidInput as error:
        place = "" if each.item is None else f" item {each.item}:"
        yield Problem(f"{name_of(path)}:{document.line}:{place} {error.message}", error.hint)
        return
    if workload is not None:
        yield Found(name_of(path), document.index, each.item, text(each.manifest, "apiVersion"), workload)


def _home(manifest: Any) -> str:
    """The namespace that a manifest names, or ""."""
    return text(mapping(manifest, "metadata", []), "namespace") if isinstance(manifest, Mapping) else ""


def _files(path: Path) -> list[Path]:
    """The file itself; of a folder those below it that hold YAML or JSON, in the order of their names."""
    if not path.is_dir():
        return [path]
    return [each for each in sorted(path.rglob("*")) if each.suffix in _SUFFIXES and each.is_file()]


def _items(document: Document) -> Iterator[_Item]:
    """The objects of a document.

    Raises:
        InvalidInput: it is a plain list, in which no object says where it belongs.
    """
    if document.item is not None:
        return iter([_Item(document.content, document.item)])
    if isinstance(document.content, list):
        raise InvalidInput("a list without a kind; write its members one after the other, or as a List's `items`.")
    return (_Item(manifest, item) for manifest, item in objects(document.content))


def _line(found: Found) -> dict[str, Any]:
    workload = found.workload
    return {
        "file": found.file,
        "index": found.index,
        "item": found.item,
        "apiVersion": found.api_version,
        "kind": workload.ref.kind,
        "namespace": "" if is_cluster_scoped(found.api_version, workload.ref.kind) else workload.ref.namespace,
        "name": workload.ref.name,
        "gated": workload.asks,  # the published key; what could only reach a device stands in host_access
        "host_access": workload.host_access,
        "devices": {key: {"min": count.least, "max": count.most} for key, count in workload.devices.items()},
        "claims": workload.claims,
        "unknown": workload.unknown,
        "reason": workload.reason,
    }
