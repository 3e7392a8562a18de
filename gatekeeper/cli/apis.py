"""`gatekeeper api`: the REST API without a cluster, and its description."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, opened
from gatekeeper.cli.printing import note, say, say_json

app = typer.Typer(help="Serve the REST API of the registry alone, or describe it.", no_args_is_help=True)


@app.command("openapi", epilog="Example: gatekeeper api openapi > openapi.json")
def openapi() -> None:
    """Print the description of the REST API (OpenAPI 3.1)."""
    from gatekeeper.api.app import description

    say_json(description())


@app.command("serve", epilog="Example: gatekeeper api serve --data tryout")
def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on. Default: the settings', else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="0 for any that is free. Default: the settings', else 8444.", min=0, max=65535),
    ] = None,
    tls: Annotated[
        Path | None,
        typer.Option("--tls", help="Folder with tls.crt and tls.key; needed but on loopback.", metavar="FOLDER"),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Serve the REST API until SIGTERM or Ctrl-C, without a cluster: no controller, no webhook, no checkpoints.

    It is the same server as that of `gatekeeper serve`, and needs tokens: `gatekeeper user add`, `gatekeeper login`.
    """
    from gatekeeper.api.server import server_of
    from gatekeeper.api_settings import ApiSettings
    from gatekeeper.policies import SERVICE

    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with opened(config, data, makes_data=True, tell=note) as wiring:
        chosen = wiring.settings.api or ApiSettings()
        given = {"host": host, "port": port, "certificate_dir": tls}
        chosen = chosen.model_copy(update={name: each for name, each in given.items() if each is not None})
        server = server_of(wiring, chosen)
        wiring.record_packs(SERVICE)
        wiring.registry.catch_up()
        bound = server.start(chosen.host, chosen.port)
        try:
            name = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
            say(f"API on {'https' if chosen.certificate_dir else 'http'}://{name}:{bound} until Ctrl-C")
            sys.stdout.flush()
            ending.wait()
        finally:
            server.stop()
