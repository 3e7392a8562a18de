"""The webhook as a process of its own, so that its CPU time is its own: the real server, gate and database.

python -m bench.webhook_server FOLDER TOKEN CUSTOMERS    # prints its port; FOLDER holds tls.crt and tls.key
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import structlog

from admission.http import WebhookApp
from admission.server import WebhookServer
from admission.webhook import Webhook
from bench.provider import CLUSTER, make_gate
from gatekeeper.stores import open_stores


def main() -> None:
    """Serve until SIGTERM."""
    folder, token, customers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # As in service: one JSON line for each refusal, written to a file.
    structlog.configure(
        processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory((folder / "webhook.jsonl").open("w")),
    )
    with open_stores(f"sqlite:///{folder / 'webhook.db'}") as stores:
        webhook = Webhook(make_gate(stores, customers=customers), cluster=CLUSTER)
        server = WebhookServer(WebhookApp(webhook.handle, token=token, ready=lambda: True), folder)
        # Blocked before the server's threads start, so that they inherit it and the wait below gets it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print(server.start(), flush=True)
        signal.sigwait({signal.SIGTERM})
        server.stop()


if __name__ == "__main__":
    main()
