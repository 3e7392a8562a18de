"""What a scenario is played on: a throw-away database, the product's own use cases, and a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.customer_files import load_customers
from gatekeeper.domain.binding import ProposedBinding
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.record import Actor, ActorKind
from gatekeeper.domain.tier import TierFinding
from gatekeeper.domain.units import SECONDS_PER_DAY, SECONDS_PER_MINUTE
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.policies import record_packs
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.registry import Registry
from gatekeeper.simulate.counters import ScenarioCounters
from gatekeeper.simulate.engine import Engine, Timeline, VirtualClock
from gatekeeper.simulate.picture import draw
from gatekeeper.simulate.scenario import LoadedScenario
from gatekeeper.stores import SqlStores, open_stores
from gatekeeper.view import Provider

# Four eyes hold in a simulation too: the same code enrols and approves.
PREPARER, APPROVER = "simulated-engineer", "simulated-approver"


class Stage:
    """Everything that a scenario needs, built once; closing it closes the database, whose file stays."""

    def __init__(self, scenario: LoadedScenario, database: Path) -> None:
        """Build the stage.

        Raises:
            InvalidInput: the scenario names a pack or a file that is wrong.
        """
        spec = scenario.spec
        self.scenario = scenario
        self.clock = VirtualClock(scenario.starts)
        self.packs = _packs(scenario)
        self.stores: SqlStores = open_stores(f"sqlite:///{database}")
        self.registry = Registry(self.stores, self.clock, packs=self.packs, cluster=spec.cluster)
        catalogue = load_catalogue()
        offers = (
            NodeOffer(f"group-{index}", each.resource, each.product, each.count)
            for index, each in enumerate(spec.fleet)
        )
        fleet = Fleet.of(catalogue, offers)
        site = Site(spec.site.country, spec.site.chip_authorization)
        grace_s = spec.grace_min * SECONDS_PER_MINUTE
        self._site = site
        self.gate = Gate(self.stores, Provider(spec.cluster, site, self.packs, lambda: fleet, grace_s), self.clock)
        times = MeterTimes(delay_s=60, patience_s=60, piece_s=SECONDS_PER_DAY)
        self._meter = Meter(self.stores, ScenarioCounters(scenario.starts, spec.jobs), self.clock, catalogue, times)
        self.timeline = Timeline()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stores.close()

    def enrol(self) -> list[tuple[Customer, dict[str, TierFinding]]]:
        """Enrol and approve every customer by two people, bind the namespaces of the jobs, and declare their runs.

        Returns:
            Each customer with its tier by each pack.

        Raises:
            InvalidInput: a job belongs to nobody.
        """
        simulated = Actor(ActorKind.SERVICE, "simulation")
        cluster = self.scenario.spec.cluster
        record_packs(self.stores, self.clock, self.packs, cluster=cluster, by=simulated, site=self._site)
        enrolled = []
        for _, record in load_customers([self.scenario.customers_path]):
            self.registry.apply(record, by=PREPARER)
            seen = self.registry.review(record.customer_id).fingerprint
            customer = self.registry.approve(record.customer_id, by=APPROVER, seen=seen)
            enrolled.append((customer, self.registry.explain(record.customer_id)))
        known = {customer.id for customer, _ in enrolled}
        for job in self.scenario.spec.jobs:
            if job.customer not in known:
                raise InvalidInput(f"Job {job.name} belongs to customer {job.customer}, whom no file describes.")
            self.bind(job.namespace, job.customer)
        for run in sorted({job.run for job in self.scenario.spec.jobs if job.run}):
            self._declare(run)
        return enrolled

    def _declare(self, run: str) -> None:
        """Declare a run for the namespaces of its jobs, and approve it as a second person."""
        jobs = [job for job in self.scenario.spec.jobs if job.run == run]
        namespaces = tuple({job.namespace for job in jobs})
        seen = self.registry.declare_run(run, jobs[0].customer, by=PREPARER, title=run, namespaces=namespaces)
        self.registry.approve_run(run, by=APPROVER, seen=seen)

    def bind(self, namespace: str, customer_id: str) -> None:
        """Bind a namespace by two people; one that is bound so already stays so."""
        waits = self.registry.bind(namespace, customer_id, by=PREPARER)
        if isinstance(waits, ProposedBinding):
            self.registry.approve_binding(namespace, by=APPROVER, seen=waits)

    def play(self, progress: Callable[[datetime], None] = lambda _: None) -> Timeline:
        """Play all jobs to the end of the scenario."""
        engine = Engine(self.scenario, stores=self.stores, gate=self.gate, meter=self._meter, clock=self.clock)
        for moment in engine.play():
            progress(moment)
        self.timeline = engine.timeline
        return self.timeline

    @property
    def limit_tflop(self) -> int:
        """The lowest limit of all packs of the scenario."""
        day = self.scenario.starts.date()
        return min(each.pack.threshold.limit_tflop(day) for each in self.packs if each.pack.threshold is not None)

    def picture_of(self, run_id: str) -> str:
        """The SVG of one run."""
        jobs = {job.name for job in self.scenario.spec.jobs}
        return draw(
            [point for point in self.timeline.points if point.run_id == run_id],
            [told for told in self.timeline.told if told.job in jobs and told.run_id == run_id],
            title=f"{self.scenario.spec.title}: run {run_id}",
            limit_tflop=self.limit_tflop,
            begin=self.scenario.starts,
            end=self.scenario.ends,
        )


def _packs(scenario: LoadedScenario) -> tuple[ActivePack, ...]:
    folder = bundled_dir()
    packs = tuple(ActivePack(load_pack(folder / name), mode) for name, mode in scenario.spec.policies.items())
    if not packs:
        raise InvalidInput("The scenario names no policy pack.", hint="Add `policies: {us-ai-diffusion: enforce}`.")
    return packs
