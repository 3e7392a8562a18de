"""The HTTPS server of the webhook.

HTTP/1.1 only: kube-apiserver speaks nothing else to a webhook behind a Service (kubernetes/kubernetes PR #82090).
"""

from __future__ import annotations

from pathlib import Path

from admission.http import WebhookApp
from admission.https import POLL_S, HttpsServer, Terms
from admission.idlers import HEADERS_WITHIN_S

# The API server drops idle connections after 90 s; ours must stay longer, or it meets closed ones.
KEEP_ALIVE_S = 300
# Each API server keeps up to 25 connections and opens more in bursts.
MOST_CONNECTIONS = 1024


class WebhookServer(HttpsServer):
    """Serves the webhook over TLS. Starts once."""

    def __init__(
        self,
        app: WebhookApp,
        certificate_folder: Path,
        *,
        poll_s: float = POLL_S,
        headers_within_s: float = HEADERS_WITHIN_S,
    ) -> None:
        """Load the certificate.

        Raises:
            InvalidInput: the folder holds no usable pair.
        """
        terms = Terms("webhook", MOST_CONNECTIONS, KEEP_ALIVE_S)
        super().__init__(app, certificate_folder, terms, poll_s=poll_s, headers_within_s=headers_within_s)
