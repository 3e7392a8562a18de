"""The server of the API: a port, a thread and an event loop of its own, with TLS wherever others could listen."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from admission.https import HttpsServer, Terms
from gatekeeper.api.app import api
from gatekeeper.api.asking import Office
from gatekeeper.api.door import App
from gatekeeper.api.transfers import Transfers
from gatekeeper.api_settings import ApiSettings
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.wiring import Wiring

TERMS = Terms("api", most_connections=256, keep_alive_s=30, most_owing=64)


class ApiServer(HttpsServer):
    """Serves the API. Starts once."""

    def __init__(self, app: App, host: str, certificate_folder: Path | None) -> None:
        """Load the certificate, or go without where nobody else can listen.

        Raises:
            InvalidInput: no certificate on an address that others reach, or no usable one.
        """
        if certificate_folder is None and not is_loopback(host):
            raise InvalidInput(
                f"The API on {host} needs TLS: tokens would be read on the way.",
                hint="Name a folder with tls.crt and tls.key as api.certificate_dir, or listen on 127.0.0.1.",
            )
        super().__init__(app, certificate_folder, TERMS)


def api_server(wiring: Wiring) -> ApiServer | None:
    """The server that the settings ask for; None where they ask for none. Errors as for `server_of`."""
    chosen = wiring.settings.api
    return server_of(wiring, chosen) if chosen is not None else None


def server_of(wiring: Wiring, chosen: ApiSettings) -> ApiServer:
    """The server as settings ask for it.

    Raises:
        InvalidInput: no certificate where one is needed, or no usable one.
    """
    office = Office(
        stores=wiring.stores,
        registry_over=wiring.registry_over,
        screener=wiring.screener,
        authenticator=wiring.authenticator,
        clock=wiring.clock,
        packs=wiring.packs,
        cluster=wiring.settings.cluster,
        evidence_files=wiring.evidence_files,
        scrub=wiring.stores.scrub,
        transfers=Transfers(hourly_bytes=wiring.settings.records.evidence_hourly_mib * 2**20),
    )
    return ApiServer(api(office), chosen.host, chosen.certificate_dir)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address. A name could lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
