"""JSON bodies: read strictly, then checked by the same models as the files of people, every error with its place.

Numbers arrive as the text that stands there, as in our YAML files, so that a share of 33.333333333333333333 is not
rounded before somebody decides what it means. Refused: duplicate keys, NaN, deep nesting, lone surrogates, NUL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from gatekeeper.api.problems import ERRORS_MAX, Fault, InvalidBody, Refused
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.yaml_files import Document, Place, faults_of

BODY_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 16
NUMBER_CHARACTERS_MAX = 64
_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Body(Document):
    """The body of a request, or a part of it, whose places are JSON pointers.

    Attributes:
        pointer: to the part; "" for the whole body.
    """

    pointer: str = ""

    def where(self, place: Sequence[str | int]) -> str:
        """The pointer to a place (RFC 6901); "" is the whole body."""
        return self.pointer + "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in place)

    def part(self, *place: str | int) -> Body:
        """What stands at a place, as a body that knows where it is from."""
        data = self.data
        for each in place:
            data = data[each]
        return replace(self, data=data, pointer=self.where(place))

    def errors(self, found: Sequence[tuple[Place, str]]) -> InvalidInput:
        """The error to raise for several places."""
        return InvalidBody([Fault(sentence, pointer=self.where(place)) for place, sentence in found[:ERRORS_MAX]])

    def check(self, model: type[_M]) -> _M:
        """The body as a value of the model.

        Raises:
            InvalidBody: every place that is wrong.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise self.errors(faults_of(error, model)) from error


def parse(content: bytes) -> Body:
    """Read a body; an empty one is an object without members.

    Raises:
        Refused: 400, not JSON as we accept it.
    """
    try:
        data = _DECODER.decode(content.decode("utf-8")) if content.strip() else {}
        _check(data, 1)
    except UnicodeDecodeError as error:
        raise Refused(400, f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Refused(400, f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    return Body("the body", data, {}, "")


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    # Neither can be stored, and both are only ever written to confuse.
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text if each > "\ud7ff"):
        raise Refused(400, "A text of the body holds a NUL or half of a surrogate pair.")


def _too_deep() -> Refused:
    return Refused(400, f"The body nests deeper than {DEPTH_MAX} levels.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(400, f"The key {twice!r:.80} stands twice in one object.")
    return found


def _number(text: str) -> str:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise Refused(400, f"A number of the body has more than {NUMBER_CHARACTERS_MAX} characters.")
    return text


def _no_number(text: str) -> NoReturn:
    raise Refused(400, f"{text} is no number in JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_number, parse_float=_number, parse_constant=_no_number
)
