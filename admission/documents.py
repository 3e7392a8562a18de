"""Files of manifests -> plain values: which format a file has, and how many objects are read of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from admission.json_texts import read_json
from admission.members import Document
from admission.sources import MOST_OBJECTS, CheckedSource, Peeked, Progress, Source, name_of, opened
from admission.yaml_texts import read_yaml
from gatekeeper.domain.errors import InvalidInput

JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
_SNIFFED = 4096


def load_documents(path: Path, progress: Progress | None = None) -> Iterator[Document]:
    """The documents of one YAML or JSON file, or of standard input for `-`; of long Lists their members.

    What has no suffix that we know is JSON where it begins like it, and YAML otherwise.

    Args:
        path: the file.
        progress: told of each piece that is read, in bytes.

    Raises:
        InvalidInput: not readable, too large, not YAML or JSON, duplicate keys, or aliases that multiply; the
            message starts with file and line.
    """
    name = name_of(path)
    with opened(path) as file:
        whole = Peeked(file, 0 if path.suffix in JSON_SUFFIXES | YAML_SUFFIXES else _SNIFFED, name)
        if path.suffix in JSON_SUFFIXES or _begins_like_json(whole.start):
            found = read_json(Source(whole, name, progress))
        else:
            found = read_yaml(CheckedSource(whole, name, progress))
        for number, document in enumerate(found, start=1):
            if number > MOST_OBJECTS:
                raise InvalidInput(f"{name}: more than {MOST_OBJECTS:,} objects.", hint="Split the file.")
            yield document


def _begins_like_json(start: bytes) -> bool:
    """An object with a key in quotes, or without any; `{{` begins a template and `{a` YAML."""
    rest = start.lstrip()
    return rest[:1] == b"{" and rest[1:].lstrip()[:1] in {b'"', b"}"}
