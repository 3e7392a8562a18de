"""The command line: one small file a group of commands. They translate and print; nothing is decided here.

Exit codes: 0 done; 1 the answer is no (refused, not verified, a suite failed); 2 it could not be done, with one
sentence and what to do next on stderr. Heavy modules are imported inside the commands, so that --help stays fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli import (
    accelerators,
    apis,
    corrections,
    countries,
    customer_life,
    customers,
    declarations,
    endings,
    evidence,
    exports,
    flop,
    imports,
    inquiries,
    lists,
    logs,
    namespaces,
    plays,
    policies,
    policy_questions,
    retention,
    runs,
    screening,
    service,
    tiers,
    tokens,
    users,
    workloads,
)
from gatekeeper.cli.late import late_group
from gatekeeper.cli.printing import complain, say
from gatekeeper.domain.errors import GatekeeperError

COULD_NOT = 2


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"gatekeeper {version('compute-gatekeeper')}")
        raise typer.Exit


app = typer.Typer(
    name="gatekeeper",
    help="Counts the training FLOP of each customer's run, and stops a run before a policy threshold.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_tell_version, is_eager=True)
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help="File with your token, for you alone to read; - is the first line of stdin. "
            "[env: COMPUTE_GATEKEEPER_TOKEN_FILE]",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """What is said before any command."""
    from gatekeeper.settings import TOKEN_FILE_VARIABLE

    named = os.environ.get(TOKEN_FILE_VARIABLE)
    tokens.choose_file(token_file or (Path(named) if named else None))


app.command("serve", epilog=service.SERVE_EXAMPLE)(service.serve)
app.command("demo", epilog=plays.DEMO_EXAMPLE)(plays.demo)
app.command("simulate", epilog=plays.SIMULATE_EXAMPLE)(plays.simulate)
app.command("inspect", epilog=workloads.INSPECT_EXAMPLE)(workloads.inspect)
app.command("check", epilog=workloads.CHECK_EXAMPLE)(workloads.check)
customers.app.command("export", epilog=exports.EXPORT_EXAMPLE)(exports.export)
customers.app.command("submit", epilog=customer_life.SUBMIT_EXAMPLE)(customer_life.submit)
customers.app.command("reinstate", epilog=customer_life.REINSTATE_EXAMPLE)(customer_life.reinstate)
customers.app.command("renew", epilog=customer_life.RENEW_EXAMPLE)(customer_life.renew)
customers.app.command("reject", epilog=customer_life.REJECT_EXAMPLE)(customer_life.reject)
customers.app.command("reopen", epilog=customer_life.REOPEN_EXAMPLE)(customer_life.reopen)
customers.app.command("close", epilog=customer_life.CLOSE_EXAMPLE)(customer_life.close)
customers.app.command("history", epilog=customer_life.HISTORY_EXAMPLE)(customer_life.history)
customers.app.command("due", epilog=customer_life.DUE_EXAMPLE)(customer_life.due)
customers.app.command("override", epilog=customer_life.OVERRIDE_EXAMPLE)(customer_life.override)
customers.app.command("approve-override", epilog=customer_life.APPROVE_OVERRIDE_EXAMPLE)(customer_life.approve_override)
customers.app.command("end-override", epilog=customer_life.END_OVERRIDE_EXAMPLE)(customer_life.end_override)
customers.app.command("overrides", epilog=customer_life.OVERRIDES_EXAMPLE)(customer_life.overrides)
customers.app.command("hold", epilog=retention.HOLD_EXAMPLE)(retention.hold)
customers.app.command("holds", epilog=retention.HOLDS_EXAMPLE)(retention.holds)
customers.app.command("lift-hold", epilog=retention.LIFT_EXAMPLE)(retention.lift_hold)
customers.app.command("approve-lift", epilog=retention.APPROVE_LIFT_EXAMPLE)(retention.approve_lift)
customers.app.command("reject-lift", epilog=retention.REJECT_LIFT_EXAMPLE)(retention.reject_lift)
customers.app.command("retention", epilog=retention.RETENTION_EXAMPLE)(retention.retention)
customers.app.command("erase", epilog=retention.ERASE_EXAMPLE)(retention.erase)
customers.app.command("approve-erasure", epilog=retention.APPROVE_ERASURE_EXAMPLE)(retention.approve_erasure)
customers.app.command("reject-erasure", epilog=retention.REJECT_ERASURE_EXAMPLE)(retention.reject_erasure)
app.add_typer(customers.app, name="customer")
app.add_typer(evidence.app, name="evidence")
app.add_typer(imports.app, name="import")
app.add_typer(namespaces.app, name="namespace")
app.add_typer(inquiries.app, name="inquiry")
policies.app.command("diff", epilog=policy_questions.DIFF_EXAMPLE)(policy_questions.diff)
policies.app.command("explain", epilog=policy_questions.EXPLAIN_EXAMPLE)(policy_questions.explain)
runs.app.command("declare", epilog=declarations.DECLARE_EXAMPLE)(declarations.declare)
runs.app.command("handover", epilog=declarations.HANDOVER_EXAMPLE)(declarations.handover)
runs.app.command("correct", epilog=corrections.CORRECT_EXAMPLE)(corrections.correct)
runs.app.command("approve-correction", epilog=corrections.APPROVE_EXAMPLE)(corrections.approve_correction)
runs.app.command("reject-correction", epilog=corrections.REJECT_EXAMPLE)(corrections.reject_correction)
runs.app.command("end-reservation", epilog=endings.END_EXAMPLE)(endings.end_reservation)
runs.app.command("ends", epilog=endings.LIST_EXAMPLE)(endings.ends)
runs.app.command("approve-end", epilog=endings.APPROVE_EXAMPLE)(endings.approve_end)
runs.app.command("reject-end", epilog=endings.REJECT_EXAMPLE)(endings.reject_end)
app.add_typer(runs.app, name="run")
app.add_typer(users.app, name="user")
app.command("login", epilog=users.LOGIN_EXAMPLE)(users.login)
app.command("logout", epilog=users.LOGOUT_EXAMPLE)(users.logout)
app.add_typer(flop.app, name="flop")
app.command("blocked", epilog=logs.BLOCKED_EXAMPLE)(logs.blocked)
app.add_typer(logs.app, name="log")
app.add_typer(policies.app, name="policy")
app.add_typer(tiers.app, name="tier")
app.add_typer(apis.app, name="api")
app.add_typer(lists.app, name="list")
app.add_typer(screening.app, name="screening")
app.command("countries", epilog=countries.COUNTRIES_EXAMPLE)(countries.countries)
app.command("accelerators", epilog=accelerators.ACCELERATORS_EXAMPLE)(accelerators.accelerators)


def main() -> None:
    """Run the command of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        code = late_group(app)(args=list(arguments), prog_name="gatekeeper", standalone_mode=False)
    except GatekeeperError as error:
        complain(error.message, error.hint)
        return COULD_NOT
    except typer.Abort:
        complain("Nothing was done.", "Answer y to go on, or give --yes where nobody can be asked.")
        return COULD_NOT
    except typer.TyperException as error:
        _explain_usage(error)
        return COULD_NOT
    except BrokenPipeError:
        sys.stderr.close()  # who reads our output has enough of it
        return 0
    return code if isinstance(code, int) else 0


def _explain_usage(error: typer.TyperException) -> None:
    """A wrong option or argument, with the way to the right one."""
    context = getattr(error, "ctx", None)
    say = getattr(error, "format_message", lambda: str(error))
    message = say().replace("Value error, ", "")
    if message.startswith("Usage: "):  # a group of commands without a word: its help says it all
        sys.stderr.write(message + "\n")
        return
    complain(
        message,
        f"See `{context.command_path} --help`." if context else "See `gatekeeper --help`.",
    )
