"""JSON text -> plain values: one document or several, one after another, and members of a long List as they are read.

As strict as for YAML: duplicate keys are refused, numbers stay exact. Only a window of the text is in memory: it
always holds more than one object may be long, so what does not end in it is too large.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from admission.manifests.nodes import shown
from admission.members import KEY, Document, Members
from admission.scalars import plain
from admission.sources import LARGEST_OBJECT_BYTES, Source, too_large
from admission.yaml_texts import parse_yaml
from gatekeeper.domain.errors import InvalidInput

_WHITE = re.compile(r"[ \t\n\r\x1e]*")  # 1e: the mark before each document of RFC 7464
_PIECE = 1024**2
_OPEN_STRING = "Unterminated string"


def read_json(source: Source) -> Iterator[Document]:
    """The documents of a JSON stream, and the members of those that are Lists too long to be held.

    Raises:
        InvalidInput: not readable, too large, not JSON, or duplicate keys; the message starts with the file, and with
            the line where it is known.
    """
    window = _Window(source)
    index = 0
    try:
        while window.skip_white() or not index:
            yield from _document(window, index)
            index += 1
    except json.JSONDecodeError as error:
        raise window.error(f"this is not JSON: {error.msg}", error.pos) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{source.name}: this is not JSON text, or nested too deep.") from error


def _document(window: _Window, index: int) -> Iterator[Document]:
    line, begin = window.line, window.position
    if window.peek() != "{":
        yield Document(index, line, window.value())
        return
    head: dict[str, Any] = {}
    members: Members | None = None
    window.take("{")
    more = window.peek() != "}"
    while more:
        key = window.key(head)
        if key == KEY and window.peek() == "[":
            head[key] = []
            members = Members(window.name, index, line, head)
            for member in _values(window):
                yield from members.add(member, full=window.position - begin > LARGEST_OBJECT_BYTES)
            head[key] = members.held
            begin = window.position
        else:
            head[key] = window.value()
        more = window.take(",", "}") == ","
        if window.position - begin > LARGEST_OBJECT_BYTES:
            raise too_large(f"{window.name}:{line}")
    if not head:
        window.take("}")
    if members is not None:
        members.end(head)
    if members is None or not members.leaving:
        yield Document(index, line, head)


def _values(window: _Window) -> Iterator[Any]:
    """The values of a list, each as soon as it is read."""
    window.take("[")
    if window.peek() == "]":
        window.take("]")
        return
    while True:
        yield window.value()
        if window.take(",", "]") == "]":
            return


class _Window:
    """The part of the text that is in memory, and how far it is read.

    Attributes:
        name: of the file, for errors.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._text = ""
        self._at = 0
        self._gone = 0  # characters before the window
        self._lines = 0  # before `_counted`
        self._counted = 0
        self._ended = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._scan = json.JSONDecoder(
            object_pairs_hook=_unique, parse_float=plain, parse_int=plain, parse_constant=str
        ).raw_decode

    @property
    def position(self) -> int:
        """Characters read so far."""
        return self._gone + self._at

    @property
    def line(self) -> int:
        """The line that is read next, from 1."""
        self._lines += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._lines + 1

    def skip_white(self) -> bool:
        """Go to what comes next; whether there is anything."""
        while True:
            match = _WHITE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return True
            if self._ended:
                return False
            self._fill()

    def peek(self) -> str:
        """The next character that is not white; "" at the end."""
        return self._text[self._at] if self.skip_white() else ""

    def take(self, *allowed: str) -> str:
        """Read one of these characters.

        Raises:
            json.JSONDecodeError: another one stands there.
        """
        found = self.peek()
        if found not in allowed or not found:
            wanted = " or ".join(f"'{each}'" for each in allowed)
            raise json.JSONDecodeError(f"Expecting {wanted}", "", self._at)
        self._at += 1
        return found

    def key(self, head: dict[str, Any]) -> str:
        """Read the next key of a document, which is not in it yet, with the colon behind it."""
        if self.peek() != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", "", self._at)
        key = str(self.value())
        if key in head:
            raise InvalidInput(f"{self.name}:{self.line}: the key {shown(key)!r} appears twice in one object.")
        self.take(":")
        return key

    def value(self) -> Any:
        """Read the next value, whole."""
        self.skip_white()
        while not self._ended and len(self._text) - self._at <= LARGEST_OBJECT_BYTES:
            self._fill()
        try:
            value, end = self._scan(self._text, self._at)
        except json.JSONDecodeError as error:
            if not self._ended and (error.pos >= len(self._text) - _PIECE or error.msg.startswith(_OPEN_STRING)):
                raise too_large(f"{self.name}:{self.line}") from error
            raise
        except _DuplicateKeyError as error:
            raise self._twice(str(error)) from error
        if end - self._at > LARGEST_OBJECT_BYTES:
            raise too_large(f"{self.name}:{self.line}")
        self._at = end
        return value

    def error(self, problem: str, at: int) -> InvalidInput:
        """A finding at a place of the window."""
        return InvalidInput(f"{self.name}:{self.line + self._text.count(chr(10), self._at, at)}: {problem}.")

    def _fill(self) -> None:
        """Forget what was read, and read as much as an object may be long."""
        self._lines = self.line - 1
        self._gone += self._at
        self._text, self._at, self._counted = self._text[self._at :], 0, 0
        pieces = [self._text]
        length = len(self._text)
        while not self._ended and length <= 2 * LARGEST_OBJECT_BYTES:
            pieces.append(self._decoded(self._source.read(_PIECE)))
            length += len(pieces[-1])
        self._text = "".join(pieces)

    def _decoded(self, data: bytes) -> str:
        self._ended = not data
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(_encoding(data))()
        return self._decoder.decode(data, final=self._ended)

    def _twice(self, key: str) -> InvalidInput:
        """The finding, with its line where YAML can read this JSON too: JSON's own parser does not tell lines."""
        found = f"the key {shown(key)!r} appears twice in one object"
        rest = self._text[self._at : self._at + LARGEST_OBJECT_BYTES].encode("utf-8", "replace")
        try:
            for _ in parse_yaml(rest, self.name, self.line):
                break
        except InvalidInput as located:
            if found in located.message:
                return located
        return self.error(found, self._at)


def _encoding(data: bytes) -> str:
    """UTF-8, or another one by its mark, as Windows' `>` writes it."""
    return json.detect_encoding(data[:4])


class _DuplicateKeyError(Exception):
    """A JSON object has the same key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return found
