"""`gatekeeper serve`: the process of the cluster."""

from __future__ import annotations

from gatekeeper.cli.options import Config, Data, opened

SERVE_EXAMPLE = "Example: gatekeeper serve --config /etc/compute-gatekeeper/config.yaml"


def serve(config: Config = None, data: Data = None) -> None:
    """Run webhook, controller, meter and checkpoints until SIGTERM."""
    from gatekeeper.service import serve

    with opened(config, data, makes_data=True, makes_key=True) as wiring:
        serve(wiring)
