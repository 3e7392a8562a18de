"""A scenario file: who asks, with what fleet, for which jobs, and what their counters say.

Devices of one job do the same, so one profile stands for all of them; everything else is the product's own code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gatekeeper.domain.policy import ChipAuthorization, Mode
from gatekeeper.yaml_files import Document, Part, read

Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(gt=0, le=10_000_000)]
LONGEST_DAYS = 3_650


def _in_utc(moment: datetime) -> datetime:
    """A time without a zone is meant in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class SiteSpec(Part):
    """Where the accelerators stand."""

    country: str = "US"
    chip_authorization: ChipAuthorization = ChipAuthorization.UNKNOWN


class NodeGroup(Part):
    """Accelerators of one kind. A job finds its group by the resource key."""

    product: str
    count: Count
    resource: str = "nvidia.com/gpu"


class Stretch(Part):
    """What counters say from the last stretch on until a day of the scenario."""

    until_day: float = Field(gt=0, le=LONGEST_DAYS)
    tensor_activity_percent: Percent = 0
    sm_clock_mhz: int = Field(default=1755, gt=0, le=10_000)
    metrics: bool = True  # False: the counters are away, and the worst case is booked


class JobSpec(Part):
    """A customer's training: a Job that is created again from its checkpoint whenever its lease ends.

    Attributes:
        run: the run that two people declared and approved for its namespace; "" where nobody declared it.
    """

    name: str = Field(min_length=1, max_length=63)
    customer: str
    namespace: str
    run: str = Field(default="", max_length=63)
    devices: Count
    starts_day: float = Field(default=0, ge=0, le=LONGEST_DAYS)
    wants_days: float = Field(gt=0, le=LONGEST_DAYS)
    kind: str = "Job"
    resource: str = "nvidia.com/gpu"
    between_leases_min: int = Field(default=10, ge=0, le=1_440)
    profile: tuple[Stretch, ...] = Field(min_length=1)


class Scenario(Part):
    """The whole file."""

    title: str = Field(min_length=1, max_length=200)
    starts: Moment
    days: float = Field(gt=0, le=LONGEST_DAYS)
    cluster: str = "simulated"
    site: SiteSpec = SiteSpec()
    policies: Mapping[str, Mode]
    customers: str  # a file or folder of customer records, relative to the scenario
    fleet: tuple[NodeGroup, ...] = Field(min_length=1)
    jobs: tuple[JobSpec, ...] = Field(min_length=1)
    grace_min: int = Field(default=2, ge=0, le=60)


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A checked scenario and the place its other files are relative to."""

    spec: Scenario
    folder: Path

    @property
    def starts(self) -> datetime:
        """Begin of day 0, UTC."""
        return self.spec.starts

    @property
    def ends(self) -> datetime:
        """End of the last day."""
        return self.starts + timedelta(days=self.spec.days)

    def product_of(self, resource: str) -> str:
        """Product name of the group that offers a resource key."""
        return next(group.product for group in self.spec.fleet if group.resource == resource)

    @property
    def customers_path(self) -> Path:
        """Where the customer records stand."""
        return self.folder / self.spec.customers


def load_scenario(path: Path) -> LoadedScenario:
    """Read a scenario.

    Raises:
        InvalidInput: with file, line and column.
    """
    document = read(path)
    scenario = document.check(Scenario)
    _check_fleet(document, scenario)
    names: set[str] = set()
    for index, job in enumerate(scenario.jobs):
        if job.name in names:
            raise document.error(("jobs", index, "name"), f"a job called {job.name!r} stands twice.")
        names.add(job.name)
        if all(job.resource != group.resource for group in scenario.fleet):
            raise document.error(("jobs", index), f"no group of the fleet offers {job.resource}.")
        _check_run(document, scenario.jobs, index)
        days = [stretch.until_day for stretch in job.profile]
        if days != sorted(set(days)):
            raise document.error(("jobs", index, "profile"), "the days of a profile must increase.")
    return LoadedScenario(scenario, path.parent)


def _check_run(document: Document, jobs: Sequence[JobSpec], index: int) -> None:
    """A run is of one customer, and what starts in a namespace is booked on one run."""
    job = jobs[index]
    for earlier in jobs[:index]:
        if earlier.namespace == job.namespace and earlier.run != job.run:
            raise document.error(("jobs", index), f"namespace {job.namespace} is of another run, or of none, already.")
        if job.run and earlier.run == job.run and earlier.customer != job.customer:
            raise document.error(("jobs", index, "run"), f"run {job.run} is of customer {earlier.customer} already.")


def _check_fleet(document: Document, scenario: Scenario) -> None:
    """Two groups under one key would leave open on which chip a job runs."""
    keys = [group.resource for group in scenario.fleet]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise document.error(("fleet", index), f"two groups offer {key}; give each a `resource` of its own.")
