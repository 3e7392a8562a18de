"""YAML text -> plain values, with limits on everything and errors that name file and line.

Built on the parser's events rather than its objects: duplicate keys are found, aliases cannot multiply without
limit, numbers stay exact (fractions become Decimal), nesting cannot exhaust the stack, and members of a List leave as
they are read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from admission.manifests.nodes import shown
from admission.members import KEY, Document, Members
from admission.scalars import plain
from admission.sources import LARGEST_OBJECT_BYTES, TEMPLATE_HINT, CheckedSource
from gatekeeper.domain.errors import InvalidInput

# Values in one document, or member of a List, with every alias written out: the largest CRDs known hold about 50,000.
LARGEST_DOCUMENT_NODES = 500_000
# The API server's own decoder stops at 10,000 levels; real manifests stay below 30.
DEEPEST = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"


def parse_yaml(data: bytes, name: str, first_line: int = 1) -> Iterator[Document]:
    """The documents of a YAML text; `name` stands in errors, and its first line has the number `first_line`.

    Raises:
        InvalidInput: as read_yaml.
    """
    return read_yaml(CheckedSource(io.BytesIO(data), name), first_line)


def read_yaml(source: CheckedSource, first_line: int = 1) -> Iterator[Document]:
    """The documents of a YAML stream, and the members of those that are Lists too long to be held.

    Raises:
        InvalidInput: not readable, too large, not YAML, duplicate keys, or aliases that multiply; the message starts
            with file and line.
    """
    index = -1
    builder = _Builder(source, first_line - 1)
    events = _events(source, first_line)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            index += 1
            yield from builder.document(events, index, _line_of(event) + first_line)


def _line_of(event: Any) -> int:
    """The line that an event starts on, from 0."""
    return int(event.start_mark.line)


def _events(source: CheckedSource, first_line: int) -> Iterator[Any]:
    try:
        loader = _LOADER(source)
        # One call for each event; yaml.parse would make two.
        while (event := loader.get_event()) is not None:
            yield event
    except yaml.MarkedYAMLError as error:
        line = int(getattr(error.problem_mark or error.context_mark, "line", 0)) + first_line
        raise InvalidInput(
            f"{source.name}:{line}: this is not YAML: {error.problem or error.context}.", hint=_hint(source, error)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{source.name}: this is not YAML text.") from error


def _hint(source: CheckedSource, error: yaml.MarkedYAMLError) -> str:
    """What to do about it, where the text tells."""
    if source.braces_seen:
        return TEMPLATE_HINT
    several = "document start" in str(error.problem)
    return "Several JSON documents in one file: call it .jsonl, or pipe it in." if several and source.is_json else ""


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

    def __init__(self, source: CheckedSource, lines_before: int) -> None:
        self._source = source
        self._lines_before = lines_before
        self._begin(0, 0)

    def _begin(self, index: int, line: int) -> None:
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open_anchors: set[str] = set()
        self._aliased = 0
        self._root: Any = None
        self._index, self._line = index, line
        self._from = self._source.read_bytes
        self._members: Members | None = None
        self._members_frame: _Frame | None = None
        self._leaving: list[Document] = []

    def document(self, events: Iterator[Any], index: int, line: int) -> Iterator[Document]:
        """Take events up to the end of the document; the document, or the members that left it."""
        self._begin(index, line)
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
            if self._leaving:
                yield from self._leaving
                self._leaving = []
        self._source.next_object()
        if self._members is not None:
            self._members.end(self._root)
        if self._members is None or not self._members.leaving:
            yield Document(index, line, self._root)

    def _end(self, event: Any) -> None:
        self._close(self._stack.pop(), event)

    def _scalar(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._take_key(frame, event)
            return
        value = _resolve(event)
        if event.anchor:
            self._check_anchor(event)
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, event)

    def _take_key(self, frame: _Frame, event: Any) -> None:
        """Remember a mapping's next key, as text like Kubernetes does; refuse it the second time."""
        frame.key = event.value
        if event.anchor:
            self._check_anchor(event)
            self._anchors[event.anchor] = (event.value, 1)
        is_merge = event.value == "<<" and event.implicit[0]
        if not is_merge and event.value in frame.value:
            raise self._error(event, f"the key {shown(event.value)!r} appears twice in one object")

    def _open(self, event: Any) -> None:
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            raise self._error(event, "a key is not text")
        if len(self._stack) >= DEEPEST:
            raise self._error(event, f"nested deeper than {DEEPEST} levels")
        if event.anchor:
            self._check_anchor(event)
            self._open_anchors.add(event.anchor)
        frame = _Frame({} if type(event) is yaml.MappingStartEvent else [], event.anchor)
        if len(self._stack) == 1 and not event.anchor and type(frame.value) is list:
            self._begin_members(self._stack[0], frame)
        self._stack.append(frame)

    def _begin_members(self, root: _Frame, frame: _Frame) -> None:
        """A list of the document itself begins: its members may leave, if it is the one of a List."""
        if root.key == KEY and isinstance(root.value, dict):
            self._members = Members(self._source.name, self._index, self._line, root.value)
            self._members_frame = frame
            self._source.next_object()

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None or event.anchor in self._open_anchors:
            raise self._error(event, f"the alias *{shown(event.anchor)} stands inside, or before, what it repeats")
        frame = self._stack[-1]
        if isinstance(frame.value, dict) and frame.key is None:
            raise self._error(event, "an alias cannot be a key")
        self._aliased += found[1]
        self._check_size(self._aliased, event)
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
        if frame is self._members_frame:
            self._put_member(value, frame)
            return
        if frame.size > LARGEST_DOCUMENT_NODES:
            self._check_size(frame.size, event)
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key == "<<" and "<<" not in frame.value and (merges := _mergeable(value)) is not None:
            frame.merges += merges
            frame.key = None
        else:
            frame.value[str(frame.key)] = value
            frame.key = None

    def _put_member(self, value: Any, frame: _Frame) -> None:
        """A member of the document's `items` is complete."""
        members = self._members
        assert members is not None  # as it has a frame
        self._source.next_object()
        self._leaving += members.add(value, full=frame.size > LARGEST_DOCUMENT_NODES or self._is_long())
        frame.value = members.held
        if members.leaving:
            frame.size = 1

    def _is_long(self) -> bool:
        """Whether this document is longer than one object may be."""
        return self._source.read_bytes - self._from > LARGEST_OBJECT_BYTES

    def _check_anchor(self, event: Any) -> None:
        """What has an anchor is kept to the end of its document, and so a long document may have none."""
        if self._is_long():
            raise self._error(event, "an anchor in a list that is too long for it")

    def _check_size(self, size: int, event: Any) -> None:
        if size > LARGEST_DOCUMENT_NODES:
            raise self._error(event, f"more than {LARGEST_DOCUMENT_NODES:,} values with every alias written out")

    def _error(self, event: Any, problem: str) -> InvalidInput:
        line = _line_of(event) + 1 + self._lines_before
        hint = TEMPLATE_HINT if self._source.braces_seen else ""
        return InvalidInput(f"{self._source.name}:{line}: {problem}.", hint=hint)


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
        return plain(text)
    if event.tag in {f"{_CORE}int", f"{_CORE}float", f"{_CORE}bool", f"{_CORE}null"}:
        return plain(text)
    return text
