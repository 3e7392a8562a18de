"""What Prometheus answers, read from JSON: samples as series of a family, or only their labels. Pure.

Form: Prometheus HTTP API v1, /api/v1/query (2.42, 2023).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from gatekeeper.domain.errors import Unavailable
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.series import Device, Series
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


# Values stay text until their own series is read: the objects of one series are soon free again, those of a whole
# answer would be many and cold. Numbers come as text, and some of them are none, such as "+Inf".
_NUMBERS = msgspec.json.Decoder(list[tuple[float, float]], strict=False)
_TEXTS = msgspec.json.Decoder(list[tuple[float, str]])
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
    found: list[Series] = []
    scrapes: dict[tuple[float, ...], tuple[int, ...]] = {}
    try:
        answer = _decoder(pod_labels, family.device).decode(body)
        _check(answer.status)
        for each in answer.data.result:
            metric = each.metric
            named = Device(metric.device, metric.part if metric.device else "")
            found.append(Series(metric.name, named, (metric.namespace, metric.pod), _samples(each.values, scrapes)))
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:  # no JSON of this form, or no time
        raise _no_samples() from error
    return found


@cache
def _decoder(pod_labels: tuple[str, str], device: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Decoder of an answer. Of the twenty labels of a series only those that name a device or a pod become objects."""
    named = dict(zip(("name", "namespace", "pod", "device", "part"), ("__name__", *pod_labels, *device), strict=False))
    fields = [(name, str, "") for name in ("name", "namespace", "pod", "device", "part")]
    named = {"part": "", **named}  # no label is called so
    metric = msgspec.defstruct("Metric", fields, rename=named, gc=False)
    one = msgspec.defstruct("Series", [("metric", metric), ("values", msgspec.Raw)], gc=False)
    data = msgspec.defstruct("Data", [("result", list[one])])  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Answer", [("status", str), ("data", data)]))


def _samples(text: msgspec.Raw, scrapes: dict[tuple[float, ...], tuple[int, ...]]) -> Samples:
    """The samples of one series. All series of a scrape share their times, which `scrapes` holds."""
    pairs = _pairs(text)
    if not pairs:
        return Samples((), ())
    at, values = zip(*pairs, strict=True)
    at_ms = scrapes.get(at)
    if at_ms is not None:
        return Samples(at_ms, values)
    samples = Samples.of([round(each * MS_PER_S) for each in at], values)
    if samples.values is values:  # as they were: in order
        scrapes[at] = samples.at_ms
    return samples


def reason(body: bytes) -> str:
    """What Prometheus says of a question that it refuses."""
    try:
        error = msgspec.json.decode(body, type=_Failure).error
    except msgspec.MsgspecError:
        return ""
    return f": {error!r:.200}" if error else ""


def _pairs(text: msgspec.Raw) -> list[tuple[float, float]]:
    try:
        return _NUMBERS.decode(text)
    except msgspec.ValidationError:
        return [(at, _number(value)) for at, value in _TEXTS.decode(text)]


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
