"""`python -m gatekeeper.verify EXPORT --key VKEY [--since OLD_EXPORT]`: for a laptop without a network.

Exit codes: 0 verified, 1 not verified, 2 it could not be tried (usage, a file that cannot be read).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.verify import Report, RunTotals, TierCheck, verify_export

VERIFIED, NOT_VERIFIED, NOT_TRIED = 0, 1, 2
PROBLEMS_SHOWN = 20


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
        report = verify_export(options.export, options.key, since=options.since, checks=[TierCheck()])
    except GatekeeperError as error:
        print(f"Could not verify: {_plain(str(error))}", file=sys.stderr)  # noqa: T201 - a command prints
        return NOT_TRIED
    lines = [json.dumps(as_json(report), indent=2)] if options.json else _tell(report)
    for line in lines:
        print(_plain(line) if not options.json else line)  # noqa: T201
    return VERIFIED if report.verified else NOT_VERIFIED


def as_json(report: Report) -> dict[str, object]:
    """The report for programs; amounts as decimal strings of TFLOP, as in the records."""
    return {
        "verified": report.verified,
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "problems_found": report.problems_found,
        "problems": [{"line": each.line, "byte": each.byte, "message": each.message} for each in report.problems],
        "runs": [_run_json(each) for each in report.runs.values()],
        "overruns": [
            {"run": each.run, "reservation": each.reservation, "overrun_tflop": str(each.overrun_tflop)}
            for each in report.overruns
        ],
    }


def _run_json(run: RunTotals) -> dict[str, object]:
    return {
        "run": run.run,
        "carried_in_tflop": str(run.carried_in_tflop),
        "low_tflop": str(run.low_tflop),
        "best_tflop": str(run.best_tflop),
        "settled_tflop": str(run.settled_tflop),
        "pending_tflop": str(run.pending_tflop),
        "limit_tflop": str(run.limit_tflop),
        "open_reservations": run.open_reservations,
    }


def _tell(report: Report) -> Iterator[str]:
    if not report.verified:
        yield f"NOT VERIFIED: {report.source}, {report.problems_found} problem(s)"
        for problem in report.problems[:PROBLEMS_SHOWN]:
            yield f"  {problem}"
        if report.problems_found > PROBLEMS_SHOWN:
            yield f"  and {report.problems_found - PROBLEMS_SHOWN} more"
        return
    yield f"Verified: {report.source} holds the first {report.size} records of {report.origin}, root {report.root}"
    for run in report.runs.values():
        yield (
            f"  run {run.run}: carried in {run.carried_in_tflop} + settled {run.settled_tflop} + pending "
            f"{run.pending_tflop} = {run.used_tflop} TFLOP, limit {run.limit_tflop}"
        )
        if run.limit_tflop and run.used_tflop > run.limit_tflop:
            yield f"    past its limit by {run.used_tflop - run.limit_tflop} TFLOP"
    for overrun in report.overruns:
        yield (
            f"  overrun: reservation {overrun.reservation} of run {overrun.run} used {overrun.overrun_tflop} TFLOP "
            "more than was held for it"
        )


def _plain(text: str) -> str:
    """Texts of an export come from others: what could steer a terminal is shown by its code."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


if __name__ == "__main__":
    sys.exit(main())
