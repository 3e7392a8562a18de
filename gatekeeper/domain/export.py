"""The export: a whole log in one plain file that proves itself to who has the log's public key.

Line 1 is a header in canonical JSON; each further line is one record, the very bytes that were hashed. Every line
ends with a newline, the last one too. The format is told for outsiders in docs/log-format.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.domain.checkpoint import NOTE_BYTES_MAX
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.merkle import SIZE_MAX
from gatekeeper.domain.record import JsonValue, canonical_json, parse_canonical

EXPORT_FORMAT = "compute-gatekeeper-export/1"
HEADER_BYTES_MAX = 2 * NOTE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class ExportHeader:
    """First line of an export: which log, how many records follow, and the signed note over exactly those."""

    origin: str
    size: int
    checkpoint: str

    def line(self) -> bytes:
        """The line, newline included."""
        fields: dict[str, JsonValue] = {
            "format": EXPORT_FORMAT,
            "origin": self.origin,
            "size": self.size,
            "checkpoint": self.checkpoint,
        }
        return canonical_json(fields) + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> ExportHeader:
        """Read the first line of an export, without its newline.

        Raises:
            InvalidInput: not canonical JSON, other fields, another format or version.
        """
        fields = parse_canonical(line, bytes_max=HEADER_BYTES_MAX)
        if not isinstance(fields, dict) or fields.get("format") != EXPORT_FORMAT:
            raise InvalidInput(f"This is not an export in the format {EXPORT_FORMAT}.")
        if fields.keys() != {"format", "origin", "size", "checkpoint"}:
            raise InvalidInput("The header has exactly the fields checkpoint, format, origin and size.")
        origin, size, checkpoint = fields["origin"], fields["size"], fields["checkpoint"]
        if not isinstance(origin, str) or not isinstance(checkpoint, str):
            raise InvalidInput("The header's origin and checkpoint are texts.")
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= SIZE_MAX:
            raise InvalidInput("The header's size is a whole number of records.")
        return cls(origin, size, checkpoint)
