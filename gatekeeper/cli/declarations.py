"""`gatekeeper run declare` and `run handover`: what is trained, from what, and which runs are of one model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Person, caller_of, day_of, opened
from gatekeeper.cli.printing import say
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.run import Purpose

if TYPE_CHECKING:
    from gatekeeper.domain.lineage import Lineage
    from gatekeeper.domain.particulars import Attestation
    from gatekeeper.run_files import Declaration

WHAT_COUNTS = (
    "Everything counts as training but what two people classified: restarts, discarded steps, roll-outs of "
    "reinforcement learning, generating synthetic data and running a teacher are training too."
)
DECLARE_EXAMPLE = (
    "Example: gatekeeper run declare indic-llm-2 --customer bharat-models --title 'Indic LLM 2' "
    "--carried-in 2.5e24 --source 'model card of the base model, 2026-03-01'"
)
HANDOVER_EXAMPLE = "Example: gatekeeper run handover indic-llm-2 indic-llm-3 --reason 'goes on from step 120,000'"


class Answer(StrEnum):
    """Whether something is so."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def declare(
    run: Annotated[str | None, typer.Argument(help="Id of the run.", show_default=False)] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="All of it, in place of options.", metavar="FILE", show_default=False),
    ] = None,
    customer: Annotated[str, typer.Option("--customer", help="Whose run it is.", show_default=False)] = "",
    title: Annotated[str, typer.Option("--title", help="What is trained, or what else is done.")] = "",
    carried_in: Annotated[
        str | None,
        typer.Option(
            "--carried-in",
            help="FLOP that are in the model already, such as 2.5e24: of its base and of other providers. Default: "
            "those of the base.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[str, typer.Option("--source", "--carried-in-source", help="Where that number comes from.")] = "",
    attested_by: Annotated[str, typer.Option("--attested-by", help="Who stands for what is carried in.")] = "",
    attested_for: Annotated[str, typer.Option("--attested-for", help="The organisation of who attests.")] = "",
    attested_on: Annotated[str, typer.Option("--attested-on", help="When, as YYYY-MM-DD.")] = "",
    attested_sha256: Annotated[str, typer.Option("--attested-sha256", help="SHA-256 of the document.")] = "",
    base_model: Annotated[str, typer.Option("--base-model", help="Name of the model that it begins from.")] = "",
    base_by: Annotated[str, typer.Option("--base-by", help="Who trained or published it.")] = "",
    base_flop: Annotated[str, typer.Option("--base-flop", help="All FLOP that went into it, such as 3e24.")] = "0",
    base_source: Annotated[str, typer.Option("--base-source", help="Where that number comes from.")] = "",
    base_published: Annotated[Answer, typer.Option("--base-published", help="Are its weights?")] = Answer.UNKNOWN,
    base_controlled: Annotated[
        Answer, typer.Option("--base-controlled", help="Is it itself a controlled model?")
    ] = Answer.UNKNOWN,
    base_run: Annotated[
        str, typer.Option("--base-run", help="The run here whose model it begins from: one model with this one.")
    ] = "",
    purpose: Annotated[
        Purpose,
        typer.Option(
            "--purpose",
            help=f"inference and evaluation count against no limit: your own classification. {WHAT_COUNTS}",
        ),
    ] = Purpose.TRAINING,
    namespace: Annotated[
        list[str] | None,
        typer.Option(
            "--namespace",
            help="A namespace of this cluster that works for it; repeatable. The approval binds all of them.",
            show_default=False,
        ),
    ] = None,
    parameters: Annotated[
        str, typer.Option("--parameters", help="Size of the model, such as 405e9: those active for a token.")
    ] = "0",
    tokens: Annotated[str, typer.Option("--tokens", help="Tokens that it is trained on, such as 15.6e12.")] = "0",
    precision: Annotated[str, typer.Option("--precision", help="As planned, such as bf16.")] = "",
    hardware: Annotated[str, typer.Option("--hardware", help="As planned, such as '512 x H100'.")] = "",
    intended_use: Annotated[str, typer.Option("--intended-use", help="What the model is for.")] = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Declare a run of a customer, or classify what some of its namespaces do. A second person has to approve it.

    Data that other models made is declared in a file (examples/runs). --parameters and --tokens are held beside what
    is counted, as 6 x parameters x tokens: more than 1.6 times that alarms in `run show`, and changes no count.
    """
    from gatekeeper.domain.particulars import Particulars
    from gatekeeper.domain.units import parse_count, parse_flop
    from gatekeeper.run_files import Declaration, load_run

    if file is not None and (run or customer or title):
        raise InvalidInput("A file says all of it.", hint="Leave out the run and all options but --as.")
    if file is None and not (run and customer and title):
        raise InvalidInput("Say the run, --customer and --title, or name a --file.")
    if file is not None:
        said = load_run(file)
    else:
        base_tflop = parse_flop(base_flop)
        carried_in_tflop = base_tflop if carried_in is None else parse_flop(carried_in)
        said = Declaration(
            run_id=run or "",
            customer_id=customer,
            title=title,
            purpose=purpose,
            namespaces=tuple(namespace or ()),
            parameters=parse_count(parameters),
            tokens=parse_count(tokens),
            carried_in_tflop=carried_in_tflop,
            carried_in_source=source or (base_source if carried_in is None else ""),
            lineage=_lineage(
                base_model, base_by, base_source, (base_published, base_controlled), (base_tflop, carried_in_tflop)
            ),
            particulars=Particulars(
                base_run,
                precision,
                hardware,
                intended_use,
                _attestation(attested_by, attested_for, attested_on, attested_sha256),
            ),
        )
    _declare(said, person, config, data)


def handover(
    run: Annotated[str, typer.Argument(help="The run whose checkpoint it is.", show_default=False)],
    into: Annotated[str, typer.Argument(help="The run that goes on from it.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Which checkpoint, and why; in the log.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say that a checkpoint of one run goes on as another: both are one model, and stand under one limit from now on.

    One person says it, also of runs of two customers: it only adds up. Nobody takes it back.
    """
    with opened(config, data) as wiring:
        wiring.registry.hand_over(run, into, by=caller_of(wiring, person), reason=reason)
    say(f"runs {run} and {into} are one model from now on: what either uses counts for both")


def _declare(said: Declaration, person: Person, config: Config, data: Data) -> None:
    with opened(config, data) as wiring:
        declared = wiring.registry.declare_run(
            said.run_id,
            said.customer_id,
            by=caller_of(wiring, person),
            title=said.title,
            carried_in_tflop=said.carried_in_tflop,
            carried_in_source=said.carried_in_source,
            purpose=said.purpose,
            namespaces=said.namespaces,
            parameters=said.parameters,
            tokens=said.tokens,
            lineage=said.lineage,
            particulars=said.particulars,
        )
    waits = "" if declared.approved_by else f"; a second person decides: gatekeeper run approve {declared.id}"
    say(f"run {declared.id} is {declared.state.value}{waits}")


def _lineage(
    name: str, by: str, source: str, answers: tuple[Answer, Answer], amounts_tflop: tuple[int, int]
) -> Lineage | None:
    from gatekeeper.domain.lineage import BaseModel, Lineage
    from gatekeeper.run_files import answer_of

    said = (by, source, amounts_tflop[0], *(each is not Answer.UNKNOWN for each in answers))
    if not name:
        if any(said):
            raise InvalidInput("This says something of a base model that has no name.", hint="Add --base-model.")
        return None
    published, controlled = (answer_of(each.value) for each in answers)
    base = BaseModel(name, by, amounts_tflop[0], source, published, controlled)
    return Lineage(base, amounts_tflop[1])


def _attestation(by: str, organisation: str, on: str, sha256: str) -> Attestation | None:
    from gatekeeper.domain.particulars import Attestation

    said = {"by": by, "for": organisation, "on": on, "sha256": sha256}
    missing = [f"--attested-{name}" for name, value in said.items() if not value.strip()]
    if len(missing) == len(said):
        return None
    if missing:
        left_out = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise InvalidInput(
            f"An attestation says who, for which organisation, on which day and in which document: {left_out}.",
            hint="Give all four, or none of them.",
        )
    return Attestation(by, organisation, day_of(on, "--attested-on"), sha256)
