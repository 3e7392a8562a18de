"""`python -m gatekeeper.verify EXPORT --key VKEY [--since OLD_EXPORT]`: for a laptop without a network.

Exit codes: 0 verified, 1 not verified, 2 it could not be tried (usage, a file that cannot be read).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.verify import verify_totals_and_tiers
from gatekeeper.verify.telling import as_json, tell

VERIFIED, NOT_VERIFIED, NOT_TRIED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m gatekeeper.verify",
        description="Check that an export is what the log's key signed, and that its figures follow from each other.",
        epilog="Exit code 0: verified. 1: not verified. 2: could not be tried.",
    )
    parser.add_argument("export", metavar="EXPORT", help="the export to verify")
    parser.add_argument(
        "--key", metavar="VKEY", required=True, help="the log's verifier key, not taken from where the export came from"
    )
    parser.add_argument("--since", metavar="OLD_EXPORT", help="an older export, which this one must continue")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        report = verify_totals_and_tiers(options.export, options.key, since=options.since)
    except GatekeeperError as error:
        print(f"Could not verify: {_plain(str(error))}", file=sys.stderr)  # noqa: T201 - a command prints
        return NOT_TRIED
    lines = [json.dumps(as_json(report), indent=2)] if options.json else tell(report)
    for line in lines:
        print(_plain(line) if not options.json else line)  # noqa: T201
    return VERIFIED if report.verified else NOT_VERIFIED


def _plain(text: str) -> str:
    """Texts of an export come from others: what could steer a terminal is shown by its code."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


if __name__ == "__main__":
    sys.exit(main())
