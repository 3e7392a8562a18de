"""Verifying an export offline: the standard library, a signature library, and the log's own arithmetic.

    report = verify_totals_and_tiers("export.jsonl", "log.example/gatekeeper+1b2c3d4e+AbC...")
    report.verified, report.problems, report.runs

`python -m gatekeeper.verify EXPORT --key VKEY` does the same from a shell.
"""

from gatekeeper.verify.export import Check, Source, verify_export
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.recompute import Recompute
from gatekeeper.verify.report import Overrun, Problem, Report, RunTotals
from gatekeeper.verify.tiers import TierCheck
from gatekeeper.verify.whole import verify_totals_and_tiers

__all__ = [
    "Check",
    "Overrun",
    "Problem",
    "Recompute",
    "Report",
    "RunTotals",
    "Source",
    "TierCheck",
    "Wrong",
    "verify_export",
    "verify_totals_and_tiers",
]
