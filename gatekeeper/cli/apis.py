"""`gatekeeper api`: the description of the REST API."""

from __future__ import annotations

import typer

from gatekeeper.cli.printing import say_json

app = typer.Typer(help="Describe the REST API that `gatekeeper serve` offers.", no_args_is_help=True)


@app.command("openapi", epilog="Example: gatekeeper api openapi > openapi.json")
def openapi() -> None:
    """Print the description of the REST API (OpenAPI 3.1)."""
    from gatekeeper.api.app import description

    say_json(description())
