"""Serves the exposition on a loopback port, from a thread; what it prints can be changed at any time.

python -m tests.exporter.server --port 9400 --state gpus.json    # a JSON list of GPUs, read at each scrape
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.exporter.exposition import Gpu, exposition

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exporter:
    """What is printed now. `page` is asked at each scrape."""

    def __init__(self, page: Callable[[], str], *, port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path == "/metrics"
                body = page().encode() if found else b"not found\n"
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Scrapes come every second; nobody reads a line for each."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="exporter", daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as a scrape target."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until the process ends."""
        self._thread.join()


@contextmanager
def exporting(gpus: Callable[[], Iterable[Gpu]], *, port: int = 0) -> Iterator[Exporter]:
    """A running exporter of GPUs, stopped at the end."""
    with printing(lambda: exposition(gpus()), port=port) as exporter:
        yield exporter


@contextmanager
def printing(page: Callable[[], str], *, port: int = 0) -> Iterator[Exporter]:
    """A running exporter of any page, stopped at the end."""
    exporter = Exporter(page, port=port)
    exporter.start()
    try:
        yield exporter
    finally:
        exporter.stop()


def main() -> None:
    """Serve the GPUs that a file names until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9400, help="loopback port, 0 for any")
    parser.add_argument("--state", type=Path, required=True, help="JSON list of GPUs")
    chosen = parser.parse_args()
    exporter = Exporter(
        lambda: exposition(Gpu(**each) for each in json.loads(chosen.state.read_text())), port=chosen.port
    )
    exporter.start()
    print(f"exporting {chosen.state} on http://{exporter.address}/metrics", flush=True)
    exporter.wait()


if __name__ == "__main__":
    main()
