"""Where Prometheus is, and which of its series are to be believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.telemetry import promql
from gatekeeper.telemetry.exporters import EXPORTERS, FAMILIES
from gatekeeper.telemetry.exporters.family import Family

_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")  # no user:password, which would end up in messages


@dataclass(frozen=True, slots=True)
class Trust:
    """How the provider's own exporter is told from a tenant's.

    Attributes:
        labels: (exact values) that only the provider's scrape sets, at least one.
        honor_labels: the scrape keeps the exporter's `namespace` and `pod`; else they arrive as `exported_*`,
            the default of dcgm-exporter's chart.
    """

    labels: Mapping[str, str]
    honor_labels: bool = False

    def check(self, family: Family) -> None:
        """Raises InvalidInput where the labels say nothing, or are what the exporter itself says."""
        if not self.labels or not all(self.labels.values()):
            raise InvalidInput(
                "Which exporter is trusted is not said, so a tenant's own could lower its count.",
                hint="Name the labels that only your scrape sets, such as job: dcgm-exporter.",
            )
        own = {"__name__", *family.device, *family.pod_labels(honor_labels=self.honor_labels)}
        for name, value in self.labels.items():
            if promql.checked_label(name) in own:
                raise InvalidInput(f"The label {name} is the exporter's own and cannot say which exporter is trusted.")
            promql.quoted(value)


@dataclass(frozen=True, slots=True)
class PrometheusSource:
    """Where Prometheus is and which of its series are to be believed.

    Attributes:
        url: base address, such as http://prometheus.monitoring.svc:9090.
        trusted, honor_labels: of every exporter that `exporters` does not name.
        exporters: name of an exporter (nvidia, amd, tpu, neuron, ascend) -> how it is known, where it differs.
        sample_s: the longest time that a sample stands for: the longer of scrape and collect interval.
        timeout_s: of a whole answer.  answer_bytes_max: of its body.
        rest_s: after a server that is down, for how long none is asked: thousands of pods that each wait for a
            timeout would hold up everything else.
        at_once: how many questions are under way at once.
        token_file: bearer token, read at each question, so that it may change.  ca_file: for https.
    """

    url: str
    trusted: Mapping[str, str]
    honor_labels: bool = False
    exporters: Mapping[str, Trust] = field(default_factory=dict)
    sample_s: int = 30
    timeout_s: float = 10.0
    answer_bytes_max: int = 64 * 1024 * 1024
    rest_s: float = 15.0
    at_once: int = 4
    token_file: Path | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            raise InvalidInput(f"{self.url!r:.200} is not the address of a Prometheus server.")
        for name in self.exporters:
            if name not in EXPORTERS:
                raise InvalidInput(f"No exporter is called {name!r:.40}.", hint=f"Known are {', '.join(EXPORTERS)}.")
        for family in FAMILIES:
            self.trust(family).check(family)
        if not 0 < self.sample_s <= 600 or self.timeout_s <= 0 or self.answer_bytes_max <= 0:
            raise InvalidInput("A sample stands for 1 to 600 s, and time and size limits are positive.")
        if not 1 <= self.at_once <= 16:
            raise InvalidInput("Between 1 and 16 questions can be under way at once.")

    def trust(self, family: Family) -> Trust:
        """How the exporter of a family is known."""
        return self.exporters.get(family.exporter) or Trust(self.trusted, self.honor_labels)
