"""What Prometheus answers, read from JSON: samples as series of a family, or only their labels. Pure.

Form: Prometheus HTTP API v1, /api/v1/query (2.42, 2023).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatekeeper.domain.errors import Unavailable
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.samples import Device, Series
from gatekeeper.telemetry.spans import MS_PER_S, Samples


class _Matrix(msgspec.Struct):
    """A series; its values are text in the answer, and the decoder reads numbers from it."""

    metric: dict[str, str]
    values: list[tuple[float, float]]


class _Texts(msgspec.Struct):
    """The same for values that it does not take for numbers, such as "+Inf"."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Vector(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _MatrixData(msgspec.Struct):
    result: list[_Matrix]


class _TextsData(msgspec.Struct):
    result: list[_Texts]


class _VectorData(msgspec.Struct):
    result: list[_Vector]


class _MatrixAnswer(msgspec.Struct):
    status: str
    data: _MatrixData


class _TextsAnswer(msgspec.Struct):
    status: str
    data: _TextsData


class _VectorAnswer(msgspec.Struct):
    status: str
    data: _VectorData


class _Failure(msgspec.Struct):
    error: str = ""


_NUMBERS = msgspec.json.Decoder(_MatrixAnswer, strict=False)
_TEXTS = msgspec.json.Decoder(_TextsAnswer)
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
    namespace, pod = pod_labels
    found: list[Series] = []
    try:
        for metric, values in _decoded(body):
            device = Device(*family.device_of(metric))
            at_ms = [round(at * MS_PER_S) for at, _ in values]
            samples = Samples.of(at_ms, [value for _, value in values])
            owner = (metric.get(namespace, ""), metric.get(pod, ""))
            found.append(Series(metric.get("__name__", ""), device, owner, samples))
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


def _decoded(body: bytes) -> list[tuple[dict[str, str], Sequence[tuple[float, float]]]]:
    try:
        answer = _NUMBERS.decode(body)
    except msgspec.ValidationError:
        texts = _TEXTS.decode(body)
        _check(texts.status)
        return [(each.metric, [(at, _number(value)) for at, value in each.values]) for each in texts.data.result]
    _check(answer.status)
    return [(each.metric, each.values) for each in answer.data.result]


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
