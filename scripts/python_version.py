"""Stop with one sentence where Python is too old; written so that an old Python can still read it."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file exists for older ones
    sys.exit(
        "Compute Gatekeeper needs Python 3.11 or newer, and this is %d.%d. "  # noqa: UP031
        "Install a newer one and name it: make PYTHON=python3.12 demo" % sys.version_info[:2]
    )
