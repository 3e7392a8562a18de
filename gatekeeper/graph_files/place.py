"""A place in a graph file, and what is read there: every error names it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import millionths
from gatekeeper.graph_files.content import Number

ID_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 1000
# Controls, direction marks, line ends and halves of characters.
UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file something stands: "graph.json: interests[3].share".

    What is read of an object's fields raises InvalidInput with the place where it is not as it should be; a missing
    key is null.
    """

    path: str

    def __truediv__(self, key: str | int) -> Place:
        return Place(f"{self.path}[{key}]" if isinstance(key, int) else f"{self.path}.{key}".replace(": .", ": "))

    def wrong(self, what: str, hint: str = "") -> InvalidInput:
        """An error about this place."""
        return InvalidInput(f"{self.path}: {what}", hint=hint)

    def fields(self, value: object, known: frozenset[str], beside: frozenset[str]) -> dict[str, Any]:
        """An object with known keys only, or with such beside that say nothing about a tier."""
        if not isinstance(value, dict):
            raise self.wrong("must be an object.")
        unknown = sorted(value.keys() - known - beside)
        if unknown:
            raise self.wrong(f"there is no key {unknown[0]!r:.80}.", f"The keys are {', '.join(sorted(known))}.")
        return value

    def list_of(self, fields: Mapping[str, Any], name: str, most: int) -> list[Any]:
        """A list of at most so many entries."""
        value = fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise (self / name).wrong("must be a list.")
        if len(value) > most:
            raise (self / name).wrong(f"has more than {most:,} entries.", "Split the graph.")
        return value

    def text(self, fields: Mapping[str, Any], name: str) -> str | None:
        """A text of ordinary length."""
        value = fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or isinstance(value, Number):
            raise (self / name).wrong("must be a text.")
        if len(value) > TEXT_CHARACTERS_MAX:
            raise (self / name).wrong(f"has more than {TEXT_CHARACTERS_MAX:,} characters.")
        return value

    def texts(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        """One text, or a list of them."""
        value = fields.get(name)
        if not isinstance(value, list):
            value = [value]
        found = (self.text({name: each}, name) for each in value)
        return tuple(dict.fromkeys(each for each in found if each))

    def id(self, fields: Mapping[str, Any], name: str) -> str | None:
        """The id of a party."""
        value = self.text(fields, name)
        if value is not None:
            (self / name).check_id(value)
        return value

    def check_id(self, text: str) -> None:
        """Ids that look alike must be alike: nothing unseen in them or around them."""
        if not 0 < len(text) <= ID_CHARACTERS_MAX:
            raise self.wrong(f"an id has 1 to {ID_CHARACTERS_MAX} characters.")
        if text != text.strip() or any(unicodedata.category(each) in UNSEEN for each in text):
            raise self.wrong(f"{text!a:.80} has blanks around it, or control or direction characters in it.")

    def share(self, fields: Mapping[str, Any], name: str) -> tuple[int, int] | None:
        """A share rounded down and up, in millionths of a percent."""
        value = fields.get(name)
        if value is None:
            return None
        if not isinstance(value, Number):
            raise (self / name).wrong("must be a number of percent, or null.")
        try:
            return millionths(value, up=False), millionths(value, up=True)
        except InvalidInput as error:
            raise (self / name).wrong(error.message, error.hint) from error

    def day(self, fields: Mapping[str, Any], name: str) -> date | None:
        """A day as YYYY-MM-DD."""
        value = self.text(fields, name)
        if value is None:
            return None
        try:
            if not _DAY.fullmatch(value):
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError as error:
            raise (self / name).wrong(f"{value!r:.40} is no day.", "Write it as YYYY-MM-DD.") from error
