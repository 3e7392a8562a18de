"""The webhook's certificate: read from a folder, exchanged without a restart.

Every handshake is pointed at the newest context that loaded completely. A broken or half-written pair is therefore
never served: the old one stays until a good one is there.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import structlog

from gatekeeper.domain.errors import InvalidInput

# The names that Kubernetes and cert-manager give the two files of a TLS secret.
CERTIFICATE, KEY = "tls.crt", "tls.key"

_Stamp = tuple[int, int, int]
_log = structlog.get_logger(__name__)


class Certificates:
    """The certificate pair of a folder, as contexts for a server."""

    def __init__(self, folder: Path) -> None:
        """Load the pair.

        Raises:
            InvalidInput: a file is missing, or they are no certificate with its key.
        """
        self._folder = folder
        self._stamps = self._read_stamps()
        try:
            self._newest = self._load()
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(
                f"{folder} holds no usable {CERTIFICATE} and {KEY}.", hint="Both in PEM, the key without a passphrase."
            ) from error
        # The listening socket keeps its first context for ever; this callback exchanges it at each handshake.
        self.listening = self._load()
        self.listening.sni_callback = self._exchange

    def refresh(self) -> bool:
        """Load the pair again if a file changed; whether a new one is in use. A broken pair changes nothing."""
        stamps = self._read_stamps()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self._newest = self._load()
        except (OSError, ssl.SSLError) as error:
            _log.error("certificate_kept", folder=str(self._folder), fault=type(error).__name__)
            return False
        _log.info("certificate_taken", folder=str(self._folder))
        return True

    def _exchange(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        """Called by OpenSSL at each handshake, also for clients that name no server."""
        connection.context = self._newest

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        # The password callable keeps OpenSSL from asking on the terminal for the passphrase of an encrypted key.
        context.load_cert_chain(self._folder / CERTIFICATE, self._folder / KEY, password=lambda: "")
        return context

    def _read_stamps(self) -> tuple[_Stamp | None, _Stamp | None]:
        return _stamp(self._folder / CERTIFICATE), _stamp(self._folder / KEY)


def _stamp(path: Path) -> _Stamp | None:
    """What tells one version of a file from the next; None where it is missing just now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
