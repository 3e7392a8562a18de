"""Files of manifests -> plain values, with limits on everything and errors that name file and line.

Built on the parser's events rather than its objects: duplicate keys are found, aliases cannot multiply without
limit, numbers stay exact (fractions become Decimal) and nesting cannot exhaust the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from admission.manifests.nodes import shown
from gatekeeper.domain.errors import InvalidInput

# The API server takes objects up to 3 MiB; a file may hold many of them.
LARGEST_FILE_BYTES = 16 * 1024 * 1024
# Values in one document with every alias written out: the largest CRDs known hold about 50,000.
LARGEST_DOCUMENT_NODES = 500_000
# The API server's own decoder stops at 10,000 levels; real manifests stay below 30.
DEEPEST = 100
_LONGEST_NUMBER = 64

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_DECIMAL_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)", re.ASCII)
_OTHER_INT = re.compile(r"([-+]?)0(?:x([0-9a-fA-F_]+)|o?([0-7_]+)|b([01_]+))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its number from 0 (empty ones count), the line it starts on, its content."""

    index: int
    line: int
    content: object


def load_documents(path: Path) -> Iterator[Document]:
    """The documents of one YAML or JSON file.

    Raises:
        InvalidInput: not readable, too large, not YAML or JSON, duplicate keys, or aliases that multiply; the
            message starts with file and line.
    """
    data = _read_limited(path)
    if path.suffix == ".json":
        yield _json_document(data, path)
    else:
        yield from parse_yaml(data, str(path))


def _read_limited(path: Path) -> bytes:
    if not path.exists():
        raise InvalidInput(f"{path}: there is no such file.")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror}).") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise InvalidInput(f"{path}: larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", hint="Split the file.")
    return data


def parse_yaml(data: bytes, name: str) -> Iterator[Document]:
    """The documents of a YAML stream; `name` stands in errors.

    Raises:
        InvalidInput: as load_documents.
    """
    index = -1
    builder = _Builder(name)
    events = _events(data, name)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            index += 1
            content = builder.document(events)
            yield Document(index, _line_of(event), content)


def _events(data: bytes, name: str) -> Iterator[Any]:
    try:
        loader = _LOADER(data)
        # One call for each event; yaml.parse would make two.
        while (event := loader.get_event()) is not None:
            yield event
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark or error.context_mark, "line", 0) + 1
        raise InvalidInput(
            f"{name}:{line}: this is not YAML: {error.problem or error.context}.", hint="Render templates first."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name}: this is not YAML text.") from error


@dataclass(slots=True)
class _Frame:
    """One collection being built; a mapping keeps the key whose value comes next, and what it merges."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    size: int = 1
    key: str | None = None
    merges: list[Any] = field(default_factory=list)


class _Builder:
    """Builds one document after the other from parser events, without recursion."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open_anchors: set[str] = set()
        self._root: object = None

    def document(self, events: Iterable[Any]) -> object:
        """Take events up to the end of the document; its content."""
        self._stack, self._anchors, self._open_anchors, self._root = [], {}, set(), None
        take = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        for event in events:
            if type(event) is yaml.DocumentEndEvent:
                break
            take[type(event)](event)
        return self._root

    def _end(self, event: Any) -> None:
        self._close(self._stack.pop(), event)

    def _scalar(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._take_key(frame, event)
            return
        value = _resolve(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, event)

    def _take_key(self, frame: _Frame, event: Any) -> None:
        """Remember a mapping's next key, as text like Kubernetes does; refuse it the second time."""
        frame.key = event.value
        if event.anchor:
            self._anchors[event.anchor] = (event.value, 1)
        is_merge = event.value == "<<" and event.implicit[0]
        if not is_merge and event.value in frame.value:
            raise self._error(event, f"the key {shown(event.value)!r} appears twice in one object")

    def _open(self, event: Any) -> None:
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            raise self._error(event, "a key is not text; templates must be rendered first")
        if len(self._stack) >= DEEPEST:
            raise self._error(event, f"nested deeper than {DEEPEST} levels")
        if event.anchor:
            self._open_anchors.add(event.anchor)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Frame(value, event.anchor))

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None or event.anchor in self._open_anchors:
            raise self._error(event, f"the alias *{shown(event.anchor)} stands inside, or before, what it repeats")
        frame = self._stack[-1]
        if isinstance(frame.value, dict) and frame.key is None:
            raise self._error(event, "an alias cannot be a key")
        self._put(*found, event)

    def _close(self, frame: _Frame, event: Any) -> None:
        """A collection is complete: apply its merges (own keys win, then earlier ones) and hand it up."""
        if isinstance(frame.value, dict):
            for merged in frame.merges:
                frame.value = {**merged, **frame.value}
        if frame.anchor:
            self._open_anchors.discard(frame.anchor)
            self._anchors[frame.anchor] = (frame.value, frame.size)
        self._put(frame.value, frame.size, event)

    def _put(self, value: Any, size: int, event: Any) -> None:
        """Place a finished value into what is open around it."""
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        frame.size += size
        if frame.size > LARGEST_DOCUMENT_NODES:
            raise self._error(event, f"more than {LARGEST_DOCUMENT_NODES:,} values with every alias written out")
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key == "<<" and "<<" not in frame.value and (merges := _mergeable(value)) is not None:
            frame.merges += merges
            frame.key = None
        else:
            frame.value[str(frame.key)] = value
            frame.key = None

    def _error(self, event: Any, problem: str) -> InvalidInput:
        return InvalidInput(f"{self._name}:{_line_of(event)}: {problem}.")


def _line_of(event: Any) -> int:
    """The line that an event starts on, from 1."""
    return int(event.start_mark.line) + 1


def _mergeable(value: Any) -> list[dict[str, Any]] | None:
    """The mappings that a merge key brings in; None where it is no merge."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return value
    return None


def _resolve(event: Any) -> object:
    """A scalar's value: plain ones by YAML 1.1 as Kubernetes reads them, all others text."""
    text: str = event.value
    if event.implicit[0] and event.style in {None, ""}:
        return _plain(text)
    if event.tag in {f"{_CORE}int", f"{_CORE}float", f"{_CORE}bool", f"{_CORE}null"}:
        return _plain(text)
    return text


def _plain(text: str) -> object:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _LONGEST_NUMBER or not (text[0].isdigit() or text[0] in "+-."):
        return text
    if _DECIMAL_INT.fullmatch(text):
        return int(text.replace("_", ""))
    if other := _OTHER_INT.fullmatch(text):
        sign, hexa, octal, binary = (each and each.replace("_", "") for each in other.groups())
        digits, base = (hexa, 16) if hexa else (octal, 8) if octal else (binary, 2)
        return int(f"{sign}{digits}", base) if digits else text
    return Decimal(text.replace("_", "")) if _FLOAT.fullmatch(text) else text


def _json_document(data: bytes, path: Path) -> Document:
    """A JSON file, the same way: duplicates refused, numbers exact."""
    try:
        content = json.loads(
            data, object_pairs_hook=_unique, parse_float=_json_number, parse_int=_json_number, parse_constant=str
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{path}:{error.lineno}: this is not JSON: {error.msg}.") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path}: this is not JSON text, or nested too deep.") from error
    except _DuplicateKeyError as error:
        raise _twice(str(error), data, path) from error
    return Document(0, 1, content)


class _DuplicateKeyError(Exception):
    """A JSON object has the same key twice."""


def _twice(key: str, data: bytes, path: Path) -> InvalidInput:
    """The finding, with its line where YAML can read this JSON too: JSON's own parser does not tell lines."""
    found = f"the key {shown(key)!r} appears twice in one object"
    try:
        list(parse_yaml(data, str(path)))
    except InvalidInput as located:
        if found in located.message:
            return located
    return InvalidInput(f"{path}: {found}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


def _json_number(text: str) -> object:
    """Exact; a number too long to be one stays text."""
    return _plain(text)
