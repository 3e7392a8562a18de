"""A server that answers like Prometheus over a fleet of any size, so that nothing but our side is measured.

python -m bench.telemetry_server --begins 1790856000 --seconds 300    # prints its port, serves until it is ended

Pod `trainer-N` has the eight GPUs 8 N to 8 N + 7. Each has the four series that dcgm-exporter prints with cycle
counters switched on, one sample every 30 s; the answers are made of one text, prepared beforehand.
"""

from __future__ import annotations

import argparse
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from bench.fleet import DEVICES_PER_POD, SAMPLE_S, series_of

PODS = re.compile(r"trainer-(\d+)")
UUIDS = re.compile(r"GPU-([0-9a-f]{8})")
HEAD, TAIL = b'{"status":"success","data":{"resultType":"%s","result":[', b"]}}"
DEVICE, POD = b"@DEVICE@", b"@POD@"


class Fleet:
    """The answers."""

    def __init__(self, begins: int, seconds: int) -> None:
        at = range(begins - 2 * SAMPLE_S + 1, begins + seconds + SAMPLE_S + 1, SAMPLE_S)
        self._row = (
            b'{"metric":{"UUID":"GPU-%s-0000-4000-8000-000000000000","exported_namespace":"lab",'
            b'"exported_pod":"trainer-%s"},"value":[%d,"4"]}' % (DEVICE, POD, begins)
        )
        self._series = ",".join(series_of(DEVICE.decode(), POD.decode(), at)).encode()

    def answer(self, query: str) -> bytes:
        """What Prometheus would say to this question."""
        if query.startswith("count by"):
            pods = sorted({int(each) for each in PODS.findall(query)})
            devices = [pod * DEVICES_PER_POD + index for pod in pods for index in range(DEVICES_PER_POD)]
            found = [self._filled(self._row, each) for each in devices] if "PIPE_TENSOR" in query else []
            return HEAD % b"vector" + b",".join(found) + TAIL
        found = [self._filled(self._series, int(each, 16)) for each in UUIDS.findall(query)]
        return HEAD % b"matrix" + b",".join(found) + TAIL

    def _filled(self, text: bytes, device: int) -> bytes:
        return text.replace(DEVICE, b"%08x" % device).replace(POD, b"%d" % (device // DEVICES_PER_POD))


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--begins", type=int, required=True, help="second since 1970 at which the window begins")
    parser.add_argument("--seconds", type=int, required=True, help="how long the window lasts")
    chosen = parser.parse_args()
    fleet = Fleet(chosen.begins, chosen.seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = fleet.answer(form["query"][0])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Thousands of questions; nobody reads a line for each."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
