"""What every test of the command line begins with."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of whoever runs the tests acts in none of them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
