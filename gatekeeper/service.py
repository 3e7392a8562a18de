"""`gatekeeper serve`: webhook, controller, meter and checkpoints in one process, until it is told to end.

It may be killed at any line: what it decided is in the database before it takes effect, and at its next start it
compares the ledger with the cluster before it releases anything.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from admission.http import WebhookApp
from admission.manifests.reach import Reach, default_reach
from admission.manifests.registry import expected_pods, read
from admission.server import WebhookServer
from admission.webhook import Webhook
from gatekeeper import log
from gatekeeper.api.server import api_server
from gatekeeper.cluster.api import Api, Json, connect
from gatekeeper.cluster.controller import Cluster, Controller, Reading
from gatekeeper.cluster.runtimes import Runtimes
from gatekeeper.cluster.state import Times
from gatekeeper.domain.errors import GatekeeperError, InvalidInput, Unavailable
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.workload import Workload
from gatekeeper.garbage import never_searched_again, seldom_searched
from gatekeeper.meter import Meter
from gatekeeper.metrics.exporter import RUNS_MAX, Exporter
from gatekeeper.metrics.watching import WatchedCounters, WatchedGate, WatchedStores
from gatekeeper.policies import SERVICE, tell_open_site
from gatekeeper.ports import Counters
from gatekeeper.retiering import Retiering
from gatekeeper.service_logs import log_as_json
from gatekeeper.settings import PrometheusSettings, Settings
from gatekeeper.telemetry.absent import NoCounters
from gatekeeper.telemetry.prometheus import Prometheus
from gatekeeper.telemetry.source import PrometheusSource, Trust
from gatekeeper.unreserved import Unreserved
from gatekeeper.wiring import Wiring

_log = structlog.get_logger(__name__)
# A probe every few seconds from each API server and kubelet must not become the database's main load.
STORE_ASKED_EVERY_S = 1.0
NOTICES_EVERY_S = 3_600.0
# Nobody waits for what is looked at again, but the next signature and the end of the process wait for it.
LOOKED_AGAIN_S_MAX = 1.0


class Service:
    """All parts of the process, put together from its settings."""

    def __init__(self, wiring: Wiring) -> None:
        """Put it together; nothing runs yet.

        Raises:
            InvalidInput: a setting, a policy pack, the certificate or the token cannot be used.
            Unavailable: the database cannot be opened.
        """
        settings = wiring.settings
        self._wiring = wiring
        reach = default_reach().adding(settings.reach)
        reading = _reading(settings.cluster, reach)
        api = Api(connect(str(settings.kubernetes.kubeconfig) if settings.kubernetes.kubeconfig else None))
        cluster = Cluster(api, wiring.catalogue, reading, reach.exempt_namespaces)
        self._exporter = exporter = _exporter(wiring)
        stores = WatchedStores(wiring.stores, exporter.events)
        provider = wiring.provider(cluster.fleet)
        gate = WatchedGate(stores, provider, wiring.clock, exporter.events)
        counters, times = _telemetry(settings.prometheus)
        watched = WatchedCounters(counters, exporter.events)
        self._controller = Controller(
            api=api,
            cluster=cluster,
            gate=gate,
            meter=Meter(stores, watched, wiring.clock, wiring.catalogue, times),
            unreserved=Unreserved(stores, provider, wiring.clock),
            stores=stores,
            clock=wiring.clock,
            reading=reading,
            times=_times(settings),
            listener=exporter.events,
        )
        exporter.follow(self._controller.sight)
        self._registry = wiring.registry
        self._retiering = Retiering(stores, wiring.clock, wiring.packs)
        self._runtimes = Runtimes(api)
        webhook = Webhook(
            gate,
            cluster=settings.cluster,
            reach=reach,
            runtimes=self._runtimes,
            answered=exporter.events.reviewed,
        )
        app = WebhookApp(webhook.handle, token=_token(settings.webhook.path_token_file), ready=self.ready)
        self._server = WebhookServer(app, settings.webhook.certificate_dir)
        wiring.count_refusal = exporter.events.token_refused
        self._api = api_server(wiring)
        self._store_answered_at = float("-inf")
        self._notices_told_at = float("-inf")

    def ready(self) -> bool:
        """Whether it can decide: the cluster has been seen whole, and the database answers."""
        if not self._controller.ready:
            return False
        if time.monotonic() - self._store_answered_at >= STORE_ASKED_EVERY_S:
            try:
                self._wiring.stores.read(lambda reader: reader.log_size())
            except Unavailable:
                return False
            self._store_answered_at = time.monotonic()
        return True

    def run(self, ending: threading.Event) -> None:
        """Run until the event is set, then end in order.

        Raises:
            Conflict: the log is not the one that was signed before; nothing may be decided on it.
        """
        self._checkpoint()  # First of all: a ledger from an old backup has forgotten what was used since.
        settings = self._wiring.settings
        self._wiring.record_packs(SERVICE)
        tell_open_site(self._wiring.packs, self._wiring.site, self._wiring.clock.now().date())
        port = self._server.start(settings.webhook.host, settings.webhook.port)
        try:
            if settings.metrics is not None:
                _log.info("metrics", port=self._exporter.start(settings.metrics.host, settings.metrics.port))
            if self._api is not None and settings.api is not None:
                _log.info("api", port=self._api.start(settings.api.host, settings.api.port))
            self._controller.start()
            self._runtimes.start()
            _log.info("started", cluster=settings.cluster, port=port)
            while not ending.wait(settings.log.checkpoint_every_s):
                self._checkpoint()
                self._look_again(ending)
        finally:
            _log.info("ending")
            self._controller.stop()
            self._runtimes.stop()
            self._server.stop()
            if self._api is not None:
                self._api.stop()
            self._exporter.stop()
        self._checkpoint()
        _log.info("ended")

    def _look_again(self, ending: threading.Event) -> None:
        """What has to be on record though nobody acted: a part of it, if it is much; the next time goes on from there.

        A store that does not answer is asked again next time.
        """
        until = time.monotonic() + LOOKED_AGAIN_S_MAX

        def enough() -> bool:
            return ending.is_set() or time.monotonic() >= until

        try:
            moved = self._retiering.record(enough)
            self._tell_notices(enough)
            # After an upgrade that compares names otherwise. Until it is done all hits that there are go on blocking.
            self._registry.catch_up(enough)
        except Unavailable as error:
            _log.warning("not_looked_again", error=str(error)[:500])
            return
        if moved:
            _log.info("tiers_changed", count=moved)

    def _tell_notices(self, enough: Callable[[], bool]) -> None:
        """Approvals that end soon, once an hour: their notices are counted in days."""
        if time.monotonic() - self._notices_told_at < NOTICES_EVERY_S:
            return
        told = self._registry.record_notices(enough)
        if not enough():
            self._notices_told_at = time.monotonic()
        if told:
            _log.info("notices", count=told)

    def _checkpoint(self) -> None:
        """Sign what is durable. A key or disk that does not answer is no reason to stop; a forked log is."""
        try:
            log.checkpoint(self._wiring.stores, self._wiring.signer)
        except Unavailable as error:
            _log.warning("not_signed", error=str(error)[:500])
        else:
            self._exporter.events.signed()


def serve(wiring: Wiring) -> None:
    """Run the service in the main thread until SIGTERM or SIGINT.

    Raises:
        GatekeeperError: it cannot start, or may not go on.
    """
    log_as_json()
    ending = threading.Event()

    def end(*_: object) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        service = Service(wiring)
        with never_searched_again(), seldom_searched():
            service.run(ending)
    except GatekeeperError as error:
        _log.error("cannot_serve", error=str(error)[:1000])
        raise


def _exporter(wiring: Wiring) -> Exporter:
    """What counts and reads for /metrics; where the settings ask for none, nobody serves it."""
    settings = wiring.settings
    own = settings.metrics
    return Exporter(
        wiring.stores,
        wiring.clock,
        packs=wiring.packs,
        site=wiring.site,
        telemetry=settings.prometheus is not None,
        runs_max=own.runs_max if own else RUNS_MAX,
        token_file=own.token_file if own else None,
    )


def _reading(cluster: str, reach: Reach) -> Reading:
    def workload(pod: Json) -> Workload | None:
        """A pod of the cluster, by the same lists as the API server's policies."""
        return read(pod, cluster=cluster, namespace=pod["metadata"]["namespace"], reach=reach)

    return Reading(cluster, workload, partial(expected_pods, reach=reach), reach.is_device)


def _times(settings: Settings) -> Times:
    own = settings.controller
    return Times(
        resync_s=own.resync_s,
        clearance_s=own.clearance_s,
        settle_every_s=own.settle_every_s,
        settle_cleared_every_s=own.settle_cleared_every_s,
    )


def _telemetry(settings: PrometheusSettings | None) -> tuple[Counters, MeterTimes]:
    """Where counters come from, and when the meter asks them; without any there is nothing to wait for."""
    if settings is None:
        return NoCounters(), MeterTimes(delay_s=0, patience_s=0)
    source = PrometheusSource(
        url=settings.url,
        trusted=settings.trusted,
        honor_labels=settings.honor_labels,
        exporters={name: Trust(each.trusted, each.honor_labels) for name, each in settings.exporters.items()},
        sample_s=settings.sample_s,
        token_file=settings.token_file,
        ca_file=settings.ca_file,
    )
    times = MeterTimes(
        delay_s=settings.delay_s,
        patience_s=settings.patience_s,
        # A gauge mixes in what was before for up to two samples, and what comes after for one.
        start_edge_s=2 * settings.sample_s,
        end_edge_s=settings.sample_s,
    )
    return Prometheus(source), times


def _token(path: Path) -> str:
    """The unguessable end of the webhook's path.

    Raises:
        InvalidInput: the file cannot be read.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The webhook's path token cannot be read from {path}.",
            hint="Name its file as webhook.path_token_file; the chart mounts one.",
        ) from error
