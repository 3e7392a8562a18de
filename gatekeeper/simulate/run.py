"""Plays a scenario file from end to end on a throw-away database, with the product's own registry, gate and meter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.customer_files import load_customers
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.run import undeclared_run_id
from gatekeeper.domain.tier import TierFinding
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter, MeterTimes
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.registry import Registry
from gatekeeper.simulate.counters import ScenarioCounters
from gatekeeper.simulate.engine import Engine, Timeline, VirtualClock
from gatekeeper.simulate.picture import draw
from gatekeeper.simulate.scenario import LoadedScenario
from gatekeeper.stores import open_stores
from gatekeeper.view import Provider

# Four eyes hold in a simulation too: the same code enrols and approves.
PREPARER, APPROVER = "simulated-engineer", "simulated-approver"


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario after its last day.

    Attributes:
        limits_tflop: run id -> the lowest limit that held for it.
        findings: customer id -> pack id -> tier with its reasons.
    """

    scenario: LoadedScenario
    timeline: Timeline
    limits_tflop: dict[str, int]
    findings: dict[str, dict[str, TierFinding]]

    def picture_of(self, run_id: str) -> str:
        """The SVG of one run."""
        spec = self.scenario.spec
        return draw(
            [point for point in self.timeline.points if point.run_id == run_id],
            self.timeline.told,
            title=f"{spec.title}: {run_id}",
            limit_tflop=self.limits_tflop[run_id],
            begin=self.scenario.starts,
            end=self.scenario.ends,
        )

    @property
    def runs(self) -> list[str]:
        """Runs that held a lease, in order of appearance."""
        return list(dict.fromkeys(point.run_id for point in self.timeline.points))


def play(scenario: LoadedScenario, database: Path, *, progress: Callable[[datetime], None] = lambda _: None) -> Played:
    """Play a scenario; the database is left for whoever wants to export its log.

    Raises:
        InvalidInput: the scenario or a file that it names is wrong.
    """
    clock = VirtualClock(scenario.starts)
    packs = _packs(scenario)
    catalogue = load_catalogue()
    offers = [
        NodeOffer(f"group-{index}", each.resource, each.product, each.count)
        for index, each in enumerate(scenario.spec.fleet)
    ]
    fleet = Fleet.of(catalogue, offers)
    site = Site(scenario.spec.site.country, scenario.spec.site.chip_authorization)
    provider = Provider(scenario.spec.cluster, site, packs, lambda: fleet, scenario.spec.grace_min * 60)
    with open_stores(f"sqlite:///{database}") as stores:
        registry = Registry(stores, clock, packs=packs, cluster=scenario.spec.cluster)
        findings = _enrol(scenario, registry)
        counters = ScenarioCounters(scenario.starts, scenario.spec.jobs)
        meter = Meter(stores, counters, clock, catalogue, MeterTimes(delay_s=60, patience_s=60))
        engine = Engine(scenario, stores=stores, gate=Gate(stores, provider, clock), meter=meter, clock=clock)
        for moment in engine.play():
            progress(moment)
        limit = min(active.pack.threshold.limit_tflop for active in packs)
        runs = {undeclared_run_id(job.customer): limit for job in scenario.spec.jobs}
    return Played(scenario, engine.timeline, runs, findings)


def _packs(scenario: LoadedScenario) -> tuple[ActivePack, ...]:
    folder = bundled_dir()
    packs = tuple(ActivePack(load_pack(folder / name), mode) for name, mode in scenario.spec.policies.items())
    if not packs:
        raise InvalidInput("The scenario names no policy pack.", hint="Add `policies: {us-ai-diffusion: enforce}`.")
    return packs


def _enrol(scenario: LoadedScenario, registry: Registry) -> dict[str, dict[str, TierFinding]]:
    """Enrol and approve every customer by two people, and bind the namespaces of the jobs."""
    known: dict[str, dict[str, TierFinding]] = {}
    for _, record in load_customers([scenario.customers_path]):
        registry.apply(record, by=PREPARER)
        registry.approve(record.customer_id, by=APPROVER, seen=registry.review(record.customer_id).fingerprint)
        known[record.customer_id] = registry.explain(record.customer_id)
    for job in scenario.spec.jobs:
        if job.customer not in known:
            raise InvalidInput(f"Job {job.name} belongs to customer {job.customer}, whom no file describes.")
        registry.bind(job.namespace, job.customer, by=PREPARER)
    return known
