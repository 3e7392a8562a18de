"""How operations are counted, in sentences that go with every report. Numbers come from the code that counts."""

from __future__ import annotations

from gatekeeper.domain.counting import MARGIN_PERCENT, UNMETERED_PERCENT, WITHOUT_RECOMPUTE_PERCENT


def _paragraphs(text: str) -> tuple[str, ...]:
    """Each paragraph on one line."""
    return tuple(" ".join(each.split()) for each in text.split("\n\n"))


METHOD = _paragraphs(f"""
    What is counted: executed operations, floating point or integer, of every accelerator that a pod of this run was
    given, from the start of its first container to the observed end of its last one. Which devices and how long is the
    cluster's word; how busy they were is that of hardware counters. A device counts once in each interval, by its
    identity. Restarts, discarded steps, roll-outs, generation of synthetic data and teachers are included; only what
    two people of the provider classified as inference or evaluation is booked elsewhere.

    best: tensor activity x clock x operations per clock at 16 bits, times device time; where counters are missing,
    {UNMETERED_PERCENT} % of the dense peak.

    high: the same at the chip's fastest format x {MARGIN_PERCENT / 100:.2f}, and the vector units at their peak all the
    time; where counters are missing, shared, late or impossible, the dense peak of the fastest format at the highest
    clock. Limits rest on high.

    low: {WITHOUT_RECOMPUTE_PERCENT} % of best where counters cover the time (activations computed twice are taken out
    as far as they can be), and nothing elsewhere. For reports only.

    Margins: tensor activity x clock follows the operations of matrix products within 2 points and of whole runs within
    about 10 % (arXiv 2605.20799, as summarised publicly; its body was not read). {UNMETERED_PERCENT} % of the peak was
    passed by 3 of 54 published decoder runs, by 8 % at most. Peaks are dense; each has its source in
    gatekeeper/data/accelerators/. Reasons: docs/decisions/0003-counting-margins.md.
""")

(EU_METHOD,) = _paragraphs(f"""
    Cumulative training compute with two significant figures, rounded half up: operations carried in as declared, plus
    the best estimate of what was counted here. It is the hardware method C = sum over periods of N x L x H x U (number
    of devices, seconds, peak rate, average utilization), with H x U measured for each device and interval and
    U = {UNMETERED_PERCENT / 100:.1f} where counters are missing. Operations count alike at every precision.
""")

EU_CAVEATS = _paragraphs("""
    Basis: annex of the Commission's guidelines on general-purpose AI models, C(2025) 5045 of 18 July 2025, adopted as
    C(2025) 7719 on 19 November 2025. The formula, the two figures, the tolerated error of 30 % and what counts were
    read in a copy of the full text, not in the Official Journal. The guidelines define neither U nor H's precision.

    The guidelines leave out recomputed activations, failed experiments, evaluation and public synthetic data. Counters
    cannot tell these from training, so they are contained here unless they ran in namespaces that are classified
    otherwise: by them the figure may be too high, not too low. What was trained elsewhere is contained only as far as
    it was declared as carried in.

    It is the provider of the model who reports to the AI Office, not the provider of the computing.
""")
