"""Device counters from Prometheus: dcgm-exporter's series, asked over the HTTP API.

A tenant can run an exporter too, so only series with the *trusted* labels count: give all that your own scrape sets
and no tenant can (with Prometheus Operator, `job` alone is a name that a tenant's ServiceMonitor may choose; add
`namespace`, and do not let tenants' monitors relabel). A second safeguard is in samples.py: of two series of one
device the higher counts.

Metric and label names: NVIDIA dcgm-exporter 4.x (render_metrics.go, 2026-05) and DCGM 4.6.0 (2026-07-06), whose new
name for tensor activity is read as well. The host label has two spellings, `Hostname` and `hostname`: neither is read.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.units import require_utc
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.telemetry import promql
from gatekeeper.telemetry.samples import Device, Series, Window, observations

ACTIVITY = ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_PROF_TENSOR_UTIL_RATIO")
CLOCK = ("DCGM_FI_DEV_SM_CLOCK",)
# No node has more; a pod that seems to have more has counters that cannot be trusted, and its worst case is booked.
DEVICES_MAX = 256
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")  # no user:password, which would end up in messages


@dataclass(frozen=True, slots=True)
class PrometheusSource:
    """Where Prometheus is and which of its series are to be believed.

    Attributes:
        url: base address, such as http://prometheus.monitoring.svc:9090.
        trusted: labels (exact values) of the provider's own exporter, at least one.
        honor_labels: the scrape keeps the exporter's `namespace` and `pod`; else they arrive as `exported_*`,
            the default of dcgm-exporter's chart.
        sample_s: the longest time that a sample stands for: the longer of scrape and collect interval.
        timeout_s: of a whole answer.  answer_bytes_max: of its body.
        rest_s: after a question without an answer, for how long no other is asked: thousands of pods that each wait
            for a timeout would hold up everything else.
        token_file: bearer token, read at each question, so that it may change.  ca_file: for https.
    """

    url: str
    trusted: Mapping[str, str]
    honor_labels: bool = False
    sample_s: int = 30
    timeout_s: float = 10.0
    answer_bytes_max: int = 64 * 1024 * 1024
    rest_s: float = 15.0
    token_file: Path | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            raise InvalidInput(f"{self.url!r:.200} is not the address of a Prometheus server.")
        if not self.trusted or not all(self.trusted.values()):
            raise InvalidInput(
                "Which exporter is trusted is not said, so a tenant's own could lower its count.",
                hint="Name the labels that only your scrape sets, such as job: dcgm-exporter.",
            )
        for name, value in self.trusted.items():
            if promql.checked_label(name) in {"__name__", "UUID", *self.pod_labels}:
                raise InvalidInput(f"The label {name} is the exporter's own and cannot say which exporter is trusted.")
            promql.quoted(value)
        if not 0 < self.sample_s <= 600 or self.timeout_s <= 0 or self.answer_bytes_max <= 0:
            raise InvalidInput("A sample stands for 1 to 600 s, and time and size limits are positive.")

    @property
    def pod_labels(self) -> tuple[str, str]:
        """The labels that name the pod which a device was given to: (namespace, pod)."""
        return ("namespace", "pod") if self.honor_labels else ("exported_namespace", "exported_pod")


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    status: str
    data: _Data


class _Failure(msgspec.Struct):
    error: str = ""


class Prometheus:
    """`Counters` over Prometheus' HTTP API. Safe to share between threads."""

    def __init__(self, source: PrometheusSource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """No redirects, and no proxy from the environment.

        Raises:
            InvalidInput: the CA file holds no certificates.
        """
        self._source = source
        self._monotonic = monotonic
        self._rests_until = float("-inf")
        self._client = httpx.Client(timeout=source.timeout_s, verify=_trust(source), trust_env=False)

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        """One observation for each device that the exporter says a pod had in its interval.

        Ask when samples up to `sample_s` after the interval can have arrived.
        """
        for each in asked:
            try:
                yield each, self._of(each)
            except Unavailable as error:
                yield each, error

    def _of(self, asked: PodInterval) -> list[Observation]:
        begins_ms, through_ms = _ms(asked.begins_at), _ms(asked.through)
        if through_ms <= begins_ms:
            return []
        window = Window(begins_ms, through_ms, self._source.sample_s * 1_000)
        pod_key = (asked.namespace, asked.pod)
        own = self._samples(window, ACTIVITY, equal=dict(zip(self._source.pod_labels, pod_key, strict=True)))
        uuids = {uuid for each in own if (uuid := each.metric.get("UUID", "")) and promql.is_plain(uuid)}
        if not uuids:
            return []
        if len(uuids) > DEVICES_MAX:
            return [Observation(uuid, rate=0, covered_s=0) for uuid in sorted(uuids)]
        around = self._samples(window, (*ACTIVITY, *CLOCK), one_of={"UUID": uuids})
        activity = [each for each in around if each.metric.get("__name__") in ACTIVITY]
        return observations(
            [_series(each) for each in own if each.metric.get("UUID") in uuids],
            [_series(each) for each in around if each.metric.get("__name__") in CLOCK],
            [_series(each) for each in activity if self._pod_of(each) not in {pod_key, ("", "")}],
            window,
        )

    def _pod_of(self, series: _Series) -> tuple[str, str]:
        namespace, pod = self._source.pod_labels
        return series.metric.get(namespace, ""), series.metric.get(pod, "")

    def _samples(
        self,
        window: Window,
        names: Iterable[str],
        *,
        equal: Mapping[str, str] | None = None,
        one_of: Mapping[str, Iterable[str]] | None = None,
    ) -> list[_Series]:
        """Raw samples of trusted series, from two samples before the window to one after it."""
        at_ms = window.through_ms + window.sample_ms
        span_ms = at_ms - (window.begins_ms - 2 * window.sample_ms)
        query = promql.samples(
            names, equal={**(equal or {}), **self._source.trusted}, one_of=one_of or {}, span_ms=span_ms
        )
        form = {"query": query, "time": f"{at_ms / 1_000:.3f}", "timeout": f"{self._source.timeout_s:.0f}s"}
        body = self._post(form)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.MsgspecError as error:
            raise Unavailable("Prometheus answered something that is not a list of samples.") from error
        if answer.status != "success":
            raise Unavailable(f"Prometheus answered with status {answer.status!r:.40}.")
        return answer.data.result

    def _post(self, form: Mapping[str, str]) -> bytes:
        """The body of the answer to a query."""
        if self._monotonic() < self._rests_until:
            raise Unavailable("Prometheus did not answer a moment ago and is asked again soon.")
        try:
            status, body = self._exchange(form)
        except (httpx.HTTPError, OSError) as error:
            self._rests_until = self._monotonic() + self._source.rest_s
            raise Unavailable(
                f"Prometheus at {self._source.url} does not answer: {type(error).__name__}.",
                hint="Check the address in the settings and that the server is up.",
            ) from error
        if status != httpx.codes.OK:
            raise Unavailable(f"Prometheus answered {status}{_reason(body)}.")
        return body

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body, within the limits of time and size."""
        deadline = self._monotonic() + self._source.timeout_s
        body = bytearray()
        url = f"{self._source.url.rstrip('/')}/api/v1/query"
        with self._client.stream("POST", url, data=form, headers=self._headers()) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._source.answer_bytes_max:
                    raise Unavailable(f"Prometheus answered more than {self._source.answer_bytes_max:,} bytes.")
                if self._monotonic() > deadline:
                    raise httpx.ReadTimeout(f"not complete within {self._source.timeout_s:g} s")
            return response.status_code, bytes(body)

    def _headers(self) -> dict[str, str]:
        if self._source.token_file is None:
            return {}
        return {"Authorization": f"Bearer {self._source.token_file.read_text(encoding='ascii').strip()}"}


def _trust(source: PrometheusSource) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=source.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"{source.ca_file} holds no certificates that could sign Prometheus' own.", hint="PEM is expected."
        ) from error


def _reason(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Failure).error
    except msgspec.MsgspecError:
        return ""
    return f": {error!r:.200}" if error else ""


def _series(raw: _Series) -> Series:
    """Typed samples, oldest first; what is no number becomes NaN, which no check lets through."""
    samples = sorted((round(at * 1_000), _number(value)) for at, value in raw.values)
    return Series(Device(raw.metric.get("UUID", ""), raw.metric.get("GPU_I_ID", "")), tuple(samples))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _ms(moment: datetime) -> int:
    return (require_utc(moment) - _EPOCH) // timedelta(milliseconds=1)
