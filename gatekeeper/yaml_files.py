"""YAML that people write: read strictly, checked by a model, every error with file, line and column.

Only the plain part of YAML is understood: mappings, lists and scalars, and every scalar is text until a model says
what it should be. So `NO` is Norway and not false, `2025-01-13` is what stands there, and nothing is executed,
expanded or merged: anchors, aliases, tags, merge keys and duplicate keys are errors.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from gatekeeper.domain.errors import InvalidInput

LARGEST_FILE_BYTES = 1024 * 1024
DEEPEST_NESTING = 32
MOST_ERRORS_SHOWN = 20
# So many errors are told in full, with what may be meant: as many as anybody is shown. To look for that takes
# milliseconds each, and a body of 1 MiB may have 50,000 of them.
_TOLD_MAX = 50

Place = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EMPTY = {"", "~", "null"}
# What pydantic would say in terms of Python and of its own classes.
_WRONG_KIND = {
    "model_type": "a mapping, with lines like `key: value`",
    "model_attributes_type": "a mapping, with lines like `key: value`",
    "dict_type": "a mapping, with lines like `key: value`",
    "list_type": "a list, with lines like `- value`",
    "tuple_type": "a list, with lines like `- value`",
    "string_type": "text",
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "datetime_from_date_parsing": "a moment like 2026-11-22T03:00:00Z, or a day",
    "datetime_parsing": "a moment like 2026-11-22T03:00:00Z, or a day",
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_day(value: object) -> object:
    """Only YYYY-MM-DD is a day; pydantic alone would also take a Unix time."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("write a day like 2026-11-22")
    return date.fromisoformat(value)


class _Refusal(ValueError):
    """A text that a check of the domain refuses. Its sentence is worked out only where it is told: to find what may be
    meant takes milliseconds, and a body may have thousands of such texts."""

    def __init__(self, check: Callable[[str], object], text: str) -> None:
        super().__init__()
        self._check, self._text = check, text

    def told(self) -> str:
        """The sentence."""
        try:
            self._check(self._text)
        except InvalidInput as error:
            return str(error)
        return f"{self._text!r} is refused."


def checked(check: Callable[[str], object], *, accepts: Callable[[str], bool] | None = None) -> AfterValidator:
    """A text that a check of the domain accepts, so that its refusals are told with all others of a file. Empty passes:
    it says nothing.

    Args:
        accepts: the same question answered at once, where it takes the check long to say why not.
    """

    def accepted(text: str) -> bool:
        try:
            check(text)
        except InvalidInput:
            return False
        return True

    def validate(text: str) -> str:
        if text and not (accepts or accepted)(text):
            raise _Refusal(check, text)
        return text

    return AfterValidator(validate)


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Day = Annotated[date, BeforeValidator(_iso_day)]


class Part(BaseModel):
    """A mapping in a file: no key that we do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document and where each of its values stands.

    Attributes:
        name: how the file is called in errors.
        data: mappings, lists, text and None.
        marks: path of keys and indexes -> (line, column), both from 1.
        sha256: over the bytes that were read, in hex.
    """

    name: str
    data: Any
    marks: Mapping[Place, tuple[int, int]]
    sha256: str

    def where(self, place: Sequence[str | int]) -> str:
        """`file:line:column` of a place, or of the nearest thing around it."""
        path = tuple(place)
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks[path]
        return f"{self.name}:{line}:{column}"

    def error(self, place: Sequence[str | int], message: str) -> InvalidInput:
        """The error to raise for a place."""
        return self.errors([(tuple(place), message)])

    def errors(self, found: Sequence[tuple[Place, str]]) -> InvalidInput:
        """The error to raise for several places, one line each."""
        lines = [f"{self.where(place)}: {sentence}" for place, sentence in found[:MOST_ERRORS_SHOWN]]
        if len(found) > MOST_ERRORS_SHOWN:
            lines.append(f"{self.name}: and {len(found) - MOST_ERRORS_SHOWN} more errors.")
        return InvalidInput("\n".join(lines))

    @contextmanager
    def at(self, *place: str | int) -> Iterator[None]:
        """Errors of the domain inside the block get the file, line and column of the place."""
        try:
            yield
        except InvalidInput as error:
            raise self.error(place, str(error)) from error

    def check(self, model: type[_Model]) -> _Model:
        """The document as a value of the model.

        Raises:
            InvalidInput: one line per error, each with its place.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise self.errors(faults_of(error, model)) from error


def read(path: Path, *, name: str | None = None) -> Document:
    """Read a file with one YAML document.

    Raises:
        InvalidInput: not there, over 1 MiB, not UTF-8, or not the plain YAML that we accept.
    """
    shown = name or str(path)
    return parse(content_of(path, name=shown), name=shown)


def read_all(path: Path, *, name: str | None = None) -> list[Document]:
    """Read a file with several YAML documents; errors as for `read`. Each document has the hash of the whole file."""
    shown = name or str(path)
    return parse_all(content_of(path, name=shown), name=shown)


def content_of(path: Path, *, name: str | None = None) -> bytes:
    """The bytes of a file, for `parse`: of one that is too large, as many as show that it is.

    Raises:
        InvalidInput: it is not there, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{name or path}: cannot be read: {error.strerror}.") from error


def parse(content: bytes, *, name: str) -> Document:
    """Read the bytes of one YAML document; errors as for `read`."""
    documents = parse_all(content, name=name)
    if len(documents) > 1:
        raise documents[1].error((), "one document per file.")
    return documents[0]


def parse_all(content: bytes, *, name: str) -> list[Document]:
    """Read the bytes of one or several YAML documents; errors as for `read`."""
    if len(content) > LARGEST_FILE_BYTES:
        raise InvalidInput(f"{name}:1:1: the file is larger than 1 MiB.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{name}:1:1: the file is not UTF-8 (byte {error.start})."
        raise InvalidInput(message, hint="Save it as UTF-8.") from error
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        found = [Document(name, data, marks, sha256) for data, marks in _Reader(name).documents(text)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise InvalidInput(f"{name}:{line}:{column}: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{name}:1:1: {' '.join(str(error).split())}.") from error
    if not found:
        raise InvalidInput(f"{name}:1:1: the file is empty.")
    return found


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[Place, str]]:
    """Each place that a model refused, with one sentence in our words."""
    causes = _causes(error.errors(include_url=False, include_input=False))
    return [(each["loc"], _say(each, model if at < _TOLD_MAX else None)) for at, each in enumerate(causes)]


def said_by_check(error: Any) -> str:
    """The sentence of what `checked` refused; "" for every other error of a model."""
    refusal = error.get("ctx", {}).get("error")
    return refusal.told() if isinstance(refusal, _Refusal) else ""


def meant(name: str, names: Sequence[str]) -> str:
    """What may be meant by a name that is none, as the end of a sentence: the one that is similar, or else all."""
    near = difflib.get_close_matches(name.lower(), names, 1)
    return f"do you mean {near[0]}?" if near else f"there are {', '.join(names)}."


def _causes(errors: Sequence[Any]) -> list[Any]:
    """The errors without those that only follow: a list counts as too short where its members were refused."""
    places = [each["loc"] for each in errors]

    def follows(each: Any) -> bool:
        place = each["loc"]
        return each["type"] == "too_short" and any(len(o) > len(place) and o[: len(place)] == place for o in places)

    return [each for each in errors if not follows(each)]


def _keys_at(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that a model knows at a place; none where it may be one of several."""
    for each in place:
        field = next((it for name, it in model.model_fields.items() if each in (name, it.alias)), None)
        if field is not None:
            inside = _models_in(field.annotation)
            if len(inside) != 1:
                return []
            (model,) = inside
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {each for part in get_args(annotation) for each in _models_in(part)}


def _say(error: Any, model: type[BaseModel] | None) -> str:
    """One error of a model in our words; without one, not in full."""
    if model is not None and (said := said_by_check(error)):
        return said
    names = [each for each in error["loc"] if isinstance(each, str) and each != "[key]"]
    key = names[-1] if names else "the document"
    if error["type"] == "missing":
        return f"{key!r} is missing."
    if error["type"] == "extra_forbidden":
        known = _keys_at(model, error["loc"][:-1]) if model is not None else []
        return f"{key!r} is no key that belongs here{f'; {meant(key, known)}' if known else '.'}"
    if error["type"] in _WRONG_KIND:
        return f"{repr(key) if names else key} should be {_WRONG_KIND[error['type']]}."
    return f"{key!r}: {error['msg'].removeprefix('Value error, ').rstrip('.')}."


class _Reader:
    """Builds values from the parser's events, so that nothing is ever constructed that we did not ask for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._marks: dict[Place, tuple[int, int]] = {}
        self._events: Iterator[Any] = iter(())

    def documents(self, text: str) -> Iterator[tuple[Any, Mapping[Place, tuple[int, int]]]]:
        """The value of each document, and where its parts stand."""
        self._events = yaml.parse(text, Loader=_Loader)
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                first = self._next()
                self._marks = {}
                yield self._value(first, ()), self._marks

    def _next(self) -> Any:
        return next(self._events)

    def _refuse(self, event: Any, message: str) -> InvalidInput:
        mark = event.start_mark
        return InvalidInput(f"{self._name}:{mark.line + 1}:{mark.column + 1}: {message}.")

    def _value(self, event: Any, place: Place) -> Any:
        self._marks.setdefault(place, (event.start_mark.line + 1, event.start_mark.column + 1))
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refuse(event, "anchors and aliases are not accepted: write out what they stand for")
        if event.tag is not None:
            raise self._refuse(event, f"the tag {event.tag} is not accepted")
        if len(place) > DEEPEST_NESTING:
            raise self._refuse(event, f"nested deeper than {DEEPEST_NESTING} levels")
        if isinstance(event, yaml.ScalarEvent):
            return None if event.implicit[0] and event.value in _EMPTY else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(place)
        return self._mapping(place)

    def _list(self, place: Place) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*place, len(values))))
        return values

    def _mapping(self, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
                raise self._refuse(event, "a key must be plain text")
            if event.value in values:
                raise self._refuse(event, f"the key {event.value!r} stands twice")
            if event.value == "<<":
                raise self._refuse(event, "merge keys are not accepted")
            # The key's own place: an error about the value points at the name that people search for.
            mark: Any = event.start_mark
            self._marks[(*place, event.value)] = (mark.line + 1, mark.column + 1)
            values[event.value] = self._value(self._next(), (*place, event.value))
        return values
