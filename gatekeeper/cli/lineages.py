"""What a run rests on, in words: what an approver stands for."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.domain.join import shared_base
from gatekeeper.domain.lineage import Generator
from gatekeeper.domain.run import Run
from gatekeeper.domain.units import format_flop

_SAID = {True: "yes", False: "no", None: "not known, so no"}


def lineage_lines(run: Run) -> Iterator[str]:
    """Base model, data that models made, who attests, and what is planned; nothing where nothing was said."""
    base = run.lineage.base if run.lineage else None
    if base is not None:
        yield f"base model: {base.name} by {base.by}, {format_flop(base.training_tflop)} ({base.source})"
        yield f"  weights published: {_SAID[base.published]}; itself controlled: {_SAID[base.controlled]}"
    if shared_base(run):
        yield "  A PACK MAY ALLOW MORE BY IT; all runs of the corporate group with this base share that"
    if run.particulars.base_run:
        yield f"base run: {run.particulars.base_run}; both are one model, under one limit, once this is approved"
    for each in run.lineage.generators if run.lineage else ():
        yield from _generator_lines(each)
    if run.lineage and run.lineage.counted:
        yield f"counted already, and not a second time: {', '.join(run.lineage.counted)}"
    attested = run.particulars.attestation
    if attested is not None:
        yield f"carried-in operations attested by {attested.by}, {attested.organisation}, on {attested.on}"
        yield f"  document: SHA-256 {attested.document_sha256}"
    planned = [run.particulars.precision, run.particulars.hardware, run.particulars.intended_use]
    for what, said in zip(("precision", "hardware", "for"), planned, strict=True):
        if said:
            yield f"{what}: {said}"


def _generator_lines(generator: Generator) -> Iterator[str]:
    variant = f", a variant of {generator.variant_of}" if generator.variant_of else ""
    yield f"trained on data of {generator.id}{variant}: {generator.share_percent} % of the operations"
    made, trained = format_flop(generator.generation_tflop), format_flop(generator.training_tflop)
    yield f"  making the data took {made}, training the model {trained} ({generator.source})"
    yield f"  data published: {_SAID[generator.data_published]}; weights published: {_SAID[generator.published]}"
    for each in generator.included:
        yield f"  of that training {format_flop(each.amount_tflop)} are {each.name}"
