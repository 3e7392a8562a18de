"""Asking Prometheus over HTTP: limits of time and size, and the rest after a server that does not answer."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping

import httpx

from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.telemetry import answers
from gatekeeper.telemetry.source import PrometheusSource
from gatekeeper.telemetry.spans import MS_PER_S

# So many failures in a row are not about one question: a proxy without a server behind it, a wrong token, a server
# that refuses everything. One alone may be: a question too heavy must not silence those about other pods.
FAILURES_IN_A_ROW_MAX = 2
REFUSALS_IN_A_ROW_MAX = 8


class TooMuch(Unavailable):
    """The answer would be too large; one about fewer pods may not be."""


class Questions:
    """Prometheus' HTTP API. Safe to share between threads."""

    def __init__(self, source: PrometheusSource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """No redirects, and no proxy from the environment.

        Raises:
            InvalidInput: the CA file holds no certificates.
        """
        self._source = source
        self._monotonic = monotonic
        self._rests_until = float("-inf")
        self._failures = self._refusals = 0
        self._url = f"{source.url.rstrip('/')}/api/v1/query"
        self._client = httpx.Client(timeout=source.timeout_s, verify=_trust(source), trust_env=False)

    def ask(self, query: str, at_ms: int) -> bytes:
        """The body of the answer to a query at a time.

        Raises:
            TooMuch: it is too large.
            Unavailable: there is none.
        """
        if self._monotonic() < self._rests_until:
            raise Unavailable("Prometheus did not answer a moment ago and is asked again soon.")
        form = {"query": query, "time": f"{at_ms / MS_PER_S:.3f}", "timeout": f"{self._source.timeout_s:.0f}s"}
        try:
            status, body = self._exchange(form)
        except TooMuch:
            self._refused()
            raise
        except (httpx.HTTPError, OSError) as error:
            slow = isinstance(error, httpx.ReadTimeout)  # it listens, so this may be about the question
            self._failed(1 if slow else FAILURES_IN_A_ROW_MAX)
            raise Unavailable(
                f"Prometheus at {self._source.url} does not answer: {type(error).__name__}.",
                hint="Check the address in the settings and that the server is up.",
            ) from error
        if status == httpx.codes.OK:
            self._failures = self._refusals = 0
            return body
        text = f"Prometheus answered {status}{answers.reason(body)}."
        if status == httpx.codes.UNPROCESSABLE_ENTITY:  # such as more samples than it is allowed to load
            self._refused()
            raise TooMuch(text)
        self._failed(1)
        raise Unavailable(text)

    def _failed(self, weight: int) -> None:
        self._failures += weight
        if self._failures >= FAILURES_IN_A_ROW_MAX:
            self._rest()

    def _refused(self) -> None:
        self._refusals += 1
        if self._refusals >= REFUSALS_IN_A_ROW_MAX:
            self._rest()

    def _rest(self) -> None:
        self._rests_until = self._monotonic() + self._source.rest_s
        self._failures = self._refusals = 0

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body, within the limits of time and size."""
        deadline = self._monotonic() + self._source.timeout_s
        body = bytearray()
        with self._client.stream("POST", self._url, data=form, headers=self._headers()) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._source.answer_bytes_max:
                    raise TooMuch(f"Prometheus answered more than {self._source.answer_bytes_max:,} bytes.")
                if self._monotonic() > deadline:
                    raise httpx.ReadTimeout(f"not complete within {self._source.timeout_s:g} s")
            return response.status_code, bytes(body)

    def _headers(self) -> dict[str, str]:
        if self._source.token_file is None:
            return {}
        try:
            token = self._source.token_file.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:  # without a cause: that would show what the file holds
            raise Unavailable(
                f"{self._source.token_file} holds no token for Prometheus: it is not ASCII.", hint="Write it anew."
            ) from None
        return {"Authorization": f"Bearer {token}"}


def _trust(source: PrometheusSource) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=source.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"{source.ca_file} holds no certificates that could sign Prometheus' own.", hint="PEM is expected."
        ) from error
