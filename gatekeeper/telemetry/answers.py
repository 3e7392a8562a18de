"""What Prometheus answers, read from JSON: samples as series of a family, or only their labels. Pure.

Form: Prometheus HTTP API v1, /api/v1/query (2.42, 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from gatekeeper.domain.errors import Unavailable
from gatekeeper.telemetry.exporters import FAMILIES
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.samples import Device, Series
from gatekeeper.telemetry.spans import MS_PER_S, Samples


class _Vector(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _VectorData(msgspec.Struct):
    result: list[_Vector]


class _VectorAnswer(msgspec.Struct):
    status: str
    data: _VectorData


class _Failure(msgspec.Struct):
    error: str = ""


# Of the twenty labels of a series only those that name a device or a pod become objects.
_READ = sorted(
    {label for family in FAMILIES for honored in (True, False) for label in family.pod_labels(honor_labels=honored)}
    | {label for family in FAMILIES for label in family.device}
)
_METRIC = msgspec.defstruct(
    "Metric", [("name", str, ""), *((each, str, "") for each in _READ)], rename={"name": "__name__"}, gc=False
)


def _decoder(value: type, *, strict: bool) -> msgspec.json.Decoder[Any]:
    """Decoder of an answer with series of this type of value; where not strict, it reads numbers from text."""
    one = msgspec.defstruct("Series", [("metric", _METRIC), ("values", list[tuple[float, value]])])  # type: ignore[valid-type]
    data = msgspec.defstruct("Data", [("result", list[one])])  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Answer", [("status", str), ("data", data)]), strict=strict)


_NUMBERS = _decoder(float, strict=False)
_TEXTS = _decoder(str, strict=True)
_LABELS = msgspec.json.Decoder(_VectorAnswer)


def labels(body: bytes) -> list[dict[str, str]]:
    """Labels of each row of an instant vector.

    Raises:
        Unavailable: this is no such answer.
    """
    try:
        answer = _LABELS.decode(body)
    except msgspec.MsgspecError as error:
        raise _no_samples() from error
    _check(answer.status)
    return [each.metric for each in answer.data.result]


def series(body: bytes, family: Family, pod_labels: tuple[str, str]) -> list[Series]:
    """All series of an answer. A value that is no number becomes NaN, which no check lets through.

    Raises:
        Unavailable: this is no list of samples.
    """
    read = attrgetter("name", *pod_labels, *family.device)
    found: list[Series] = []
    try:
        answer, number = _decoded(body)
        _check(answer.status)
        for each in answer.data.result:
            name, namespace, pod, device, *part = read(each.metric)
            at_ms = [round(at * MS_PER_S) for at, _ in each.values]
            samples = Samples.of(at_ms, [number(value) if number else value for _, value in each.values])
            named = Device(device, *part) if device else Device("")
            found.append(Series(name, named, (namespace, pod), samples))
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:  # no JSON of this form, or no time
        raise _no_samples() from error
    return found


def reason(body: bytes) -> str:
    """What Prometheus says of a question that it refuses."""
    try:
        error = msgspec.json.decode(body, type=_Failure).error
    except msgspec.MsgspecError:
        return ""
    return f": {error!r:.200}" if error else ""


def _decoded(body: bytes) -> tuple[Any, Callable[[str], float] | None]:
    """The answer, and what makes numbers of its values where they are text."""
    try:
        return _NUMBERS.decode(body), None
    except msgspec.ValidationError:  # such as "+Inf"
        return _TEXTS.decode(body), _number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _check(status: str) -> None:
    if status != "success":
        raise Unavailable(f"Prometheus answered with status {status!r:.40}.")


def _no_samples() -> Unavailable:
    return Unavailable("Prometheus answered something that is not a list of samples.")
