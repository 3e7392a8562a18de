"""Settings of the REST API: names, units and defaults, as a section of `settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from gatekeeper.yaml_files import Line, Part


class ApiSettings(Part):
    """The REST API of the registry, on a port of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: Line = "127.0.0.1"
    """Address to listen on. Default: this machine's own; any other needs a certificate."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8444
    """TCP port; 0 takes a free one. Default 8444."""
    certificate_dir: Path | None = None
    """Folder with tls.crt and tls.key, read again when they change. Default: none, and then without TLS, which only a
    loopback address may."""
