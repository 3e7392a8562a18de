"""A run's declaration as a YAML file, for all that is more than a line: base model, other providers, data that models
made. The format is told by `examples/runs/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.domain.lineage import GENERATORS_MAX, INCLUDED_MAX, BaseModel, Generator, Lineage, Operations
from gatekeeper.domain.particulars import NOTHING_SAID, Attestation, Particulars
from gatekeeper.domain.run import NAMESPACES_MAX, Purpose
from gatekeeper.domain.units import parse_count, parse_flop
from gatekeeper.yaml_files import Day, Document, Line, Part, read

Answer = Literal["yes", "no", "unknown"]
Flop = Annotated[str, Field(max_length=40)]
_ANSWERS: dict[str, bool | None] = {"yes": True, "no": False, "unknown": None}


class Base(Part):
    """The model that it began from. `run`: a run here whose model that is; both are one model from then on."""

    name: Line
    by: Line
    flop: Flop
    source: Line
    published: Answer = "unknown"
    controlled: Answer = "unknown"


class Attested(Part):
    """Who stands for what other providers counted."""

    by: Line
    organisation: Line
    on: Day
    document_sha256: str


class CarriedIn(Part):
    """All operations that are in the model already, those of the base included."""

    flop: Flop
    source: Line
    attestation: Attested | None = None


class Stretch(Part):
    """Operations under a name of their own."""

    name: Line
    flop: Flop


class Synthetic(Part):
    """A model whose output it is trained on."""

    model: Line
    share_percent: int = Field(ge=0, le=100)
    generation_flop: Flop
    training_flop: Flop
    source: Line
    published: Answer = "unknown"
    data_published: Answer = "unknown"
    variant_of: Line | None = None
    includes: tuple[Stretch, ...] = Field(default=(), max_length=INCLUDED_MAX)


class RunFile(Part):
    """The whole file."""

    format: Literal["1"]
    run: Line
    customer: Line
    title: Line
    purpose: Purpose = Purpose.TRAINING
    namespaces: tuple[str, ...] = Field(default=(), max_length=NAMESPACES_MAX)
    parameters: str = "0"
    tokens: str = "0"
    base: Base | None = None
    base_run: Line | None = None
    carried_in: CarriedIn | None = None
    synthetic: tuple[Synthetic, ...] = Field(default=(), max_length=GENERATORS_MAX)
    counted_already: tuple[Line, ...] = Field(default=(), max_length=GENERATORS_MAX)
    precision: Line | None = None
    hardware: Line | None = None
    intended_use: Line | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of a run, as the registry takes it."""

    run_id: str
    customer_id: str
    title: str
    purpose: Purpose = Purpose.TRAINING
    namespaces: tuple[str, ...] = ()
    parameters: int = 0
    tokens: int = 0
    carried_in_tflop: int = 0
    carried_in_source: str = ""
    lineage: Lineage | None = None
    particulars: Particulars = NOTHING_SAID


def load_run(path: Path) -> Declaration:
    """Read a declaration.

    Raises:
        InvalidInput: not the format, or not what a run can be; with file, line and column.
    """
    document = read(path)
    found = document.check(RunFile)
    carried = found.carried_in
    with document.at("carried_in"):
        carried_in_tflop = parse_flop(carried.flop) if carried else 0
        attested = Attestation(**dict(carried.attestation)) if carried and carried.attestation else None
    with document.at("parameters" if found.parameters != "0" else "tokens"):
        parameters, tokens = parse_count(found.parameters), parse_count(found.tokens)
    with document.at():
        particulars = Particulars(
            found.base_run or "", found.precision or "", found.hardware or "", found.intended_use or "", attested
        )
    return Declaration(
        run_id=found.run,
        customer_id=found.customer,
        title=found.title,
        purpose=found.purpose,
        namespaces=found.namespaces,
        parameters=parameters,
        tokens=tokens,
        carried_in_tflop=carried_in_tflop,
        carried_in_source=carried.source if carried else "",
        lineage=_lineage(document, found, carried_in_tflop),
        particulars=particulars,
    )


def answer_of(text: str) -> bool | None:
    """What "yes", "no" and "unknown" mean."""
    return _ANSWERS[text]


def _lineage(document: Document, found: RunFile, carried_in_tflop: int) -> Lineage | None:
    if found.base is None and not found.synthetic and not found.counted_already:
        return None
    base = None
    if found.base is not None:
        with document.at("base"):
            base = BaseModel(
                name=found.base.name,
                by=found.base.by,
                training_tflop=parse_flop(found.base.flop),
                source=found.base.source,
                published=answer_of(found.base.published),
                controlled=answer_of(found.base.controlled),
            )
    generators = []
    for number, each in enumerate(found.synthetic):
        with document.at("synthetic", number):
            generators.append(_generator(each))
    with document.at("base" if found.base is not None else "synthetic"):
        return Lineage(base, carried_in_tflop, tuple(generators), found.counted_already)


def _generator(said: Synthetic) -> Generator:
    return Generator(
        id=said.model,
        share_percent=said.share_percent,
        generation_tflop=parse_flop(said.generation_flop),
        training_tflop=parse_flop(said.training_flop),
        source=said.source,
        published=answer_of(said.published),
        data_published=answer_of(said.data_published),
        variant_of=said.variant_of or "",
        included=tuple(Operations(each.name, parse_flop(each.flop)) for each in said.includes),
    )
