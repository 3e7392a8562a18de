"""Settings: names, meanings, units and defaults of everything an operator chooses, one model per concern.

A file in YAML (`--config`), and over it environment variables: COMPUTE_GATEKEEPER_<FIELD>, or
COMPUTE_GATEKEEPER_<SECTION>__<FIELD> for a field of a section. Unknown keys and variables are errors, so that a slip
of the pen never leaves a policy off. Paths that are not absolute begin at the folder of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from gatekeeper.api_settings import ApiSettings
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import ChipAuthorization, Mode
from gatekeeper.domain.retention import RETENTION_YEARS, RETENTION_YEARS_MAX, RETENTION_YEARS_MIN
from gatekeeper.identity_settings import IdentitySettings
from gatekeeper.yaml_files import Document, Line, Part, parse, read

PREFIX = "COMPUTE_GATEKEEPER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
PERSON_VARIABLE = f"{PREFIX}PERSON"
TOKEN_VARIABLE = f"{PREFIX}TOKEN"
TOKEN_FILE_VARIABLE = f"{PREFIX}TOKEN_FILE"
# Kubernetes tells every pod of the namespace about the Service `compute-gatekeeper` in variables that begin like ours.
_OF_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
_OF_THE_COMMAND_LINE = frozenset({CONFIG_VARIABLE, PERSON_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE})
DEFAULT_DATA = Path("/var/lib/compute-gatekeeper")
_DATABASE_FILE = "gatekeeper.db"

_M = TypeVar("_M", bound=Part)
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]


class _Section(Part):
    """A mapping of the file; what stands under a field is its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PolicySettings(_Section):
    """How one policy pack is run."""

    mode: Mode
    """off, observe (record what it would say), warn (tell the customer) or enforce. Default: the pack's own mode."""


class SiteSettings(_Section):
    """Where the accelerators of the cluster stand, and how the provider got them: what a pack may allow hangs on it."""

    country: Country | None = None
    """ISO 3166-1 alpha-2 code of the data centre. Default: not known, which no rule for a country matches."""
    chip_authorization: ChipAuthorization = ChipAuthorization.UNKNOWN
    """us_domestic, aia, uveu, nveu, licence, lpp, pre_rule or unknown. Default: unknown, the strictest."""


class ApprovalSettings(_Section):
    """How long an approval of a customer lasts at most, in days. The approver may choose an earlier end."""

    tier_one_days: Annotated[int, Field(ge=1, le=731)] = 365
    """Customers that are Tier 1 by every pack. Default 365: re-verified once a year."""
    others_days: Annotated[int, Field(ge=1, le=731)] = 182
    """Everybody else. Default 182: twice a year, as what they may do hangs on owners that change."""


class RecordsSettings(_Section):
    """What is kept of customers, how much, and for how long."""

    profile: Literal["optional", "required"] = "optional"
    """Whether a record is refused that lacks what proposed 15 CFR 7.302(d)(1)(iii) (89 FR 5698, 2024-01-29) has a
    provider ask before it opens an account. Default: optional, as the proposal is not final."""
    retention_years: Annotated[int, Field(ge=RETENTION_YEARS_MIN, le=RETENTION_YEARS_MAX)] = RETENTION_YEARS
    """Years after its latest event for which a closed customer's profile and evidence are kept at least. Not under
    five: 15 CFR 762.6."""
    evidence_mib: Annotated[int, Field(ge=1, le=4_096)] = 100
    """Size of the largest file of evidence, in MiB."""
    evidence_hourly_mib: Annotated[int, Field(ge=1, le=1_048_576)] = 2_048
    """How much of it one caller of the API may send in an hour, in MiB."""


class WebhookSettings(_Section):
    """The webhook's HTTPS server."""

    host: Line = "0.0.0.0"  # noqa: S104 - the API server comes from outside of the pod
    """Address to listen on. Default: all of the pod's."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8443
    """TCP port; 0 takes a free one. Default 8443, the port that the chart's Service leads to."""
    certificate_dir: Path = Path("tls")
    """Folder with tls.crt and tls.key, read again when they change. Default: `tls` beside the file."""
    path_token_file: Path = Path("webhook-token")
    """File with the unguessable end of the webhook's path. Default: `webhook-token` beside the file."""


class ExporterSettings(_Section):
    """How the provider's exporter of one vendor is known, where it differs from the others."""

    trusted: dict[Line, Line] = Field(min_length=1)
    """Labels, with their exact values, that your scrape of this exporter sets and no tenant can."""
    honor_labels: bool = False
    """Whether that scrape keeps the exporter's own `namespace` and `pod`."""


class PrometheusSettings(_Section):
    """Where device counters come from, and which series of them are to be believed."""

    url: Line
    """Base address, such as http://prometheus.monitoring.svc:9090."""
    trusted: dict[Line, Line] = Field(min_length=1)
    """Labels, with their exact values, of the provider's own exporter: all that your scrape sets and no tenant can."""
    honor_labels: bool = False
    """Whether the scrape keeps the exporter's own `namespace` and `pod`. Default false: they arrive as `exported_*`."""
    exporters: dict[Literal["nvidia", "amd", "tpu", "neuron", "ascend"], ExporterSettings] = Field(default_factory=dict)
    """Exporters whose labels are others than `trusted`, by vendor. Default: none."""
    sample_s: Annotated[int, Field(ge=1, le=600)] = 30
    """The longest time in seconds that a sample stands for: the longer of scrape and collect interval."""
    delay_s: Annotated[int, Field(ge=0, le=86_400)] = 120
    """Usage is settled when it is this old, in seconds, so that late scrapes still count."""
    patience_s: Annotated[int, Field(ge=0, le=7 * 86_400)] = 1_800
    """How old usage gets, in seconds, while Prometheus does not answer, before the worst case is booked."""
    token_file: Path | None = None
    """File with a bearer token, read at each question. Default: none."""
    ca_file: Path | None = None
    """PEM certificates that sign the server's. Default: the system's."""


class MetricsSettings(_Section):
    """Prometheus metrics of our own, as plain HTTP under /metrics."""

    host: Line = "0.0.0.0"  # noqa: S104 - Prometheus comes from outside of the pod
    """Address to listen on. Default: all of the pod's."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """TCP port; 0 takes a free one. Default 9464."""
    runs_max: Annotated[int, Field(ge=1, le=100_000)] = 500
    """How many runs are shown, those nearest to their limit first: each costs nine series."""
    token_file: Path | None = None
    """File with a token that a scrape has to send as bearer token, read each time. Default: none, everybody may ask."""


class LogSettings(_Section):
    """The audit log."""

    origin: Line | None = None
    """Name of the log and of its key, for ever. Default: compute-gatekeeper/<cluster>."""
    key_file: Path | None = None
    """The log's private key; made at the first start. Default: log.key in the data folder. Keep it, and the file
    beside it, on storage that is not restored together with the database."""
    checkpoint_every_s: Seconds = 60
    """How often a root is signed, in seconds, where something was appended."""


class ControllerSettings(_Section):
    """The release controller."""

    grace_s: Annotated[int, Field(ge=60, le=3_600)] = 60
    """How long containers may run on after their deadline, in seconds. Not under 60, the most that the API server's
    policies let a pod ask for."""
    slack_s: Annotated[int, Field(ge=0, le=3_600)] = 60
    """What a node may be late beyond that, in seconds: held in every reservation."""
    clearance_s: Seconds = 7 * 86_400
    """How long a clearance lasts, in seconds, if nobody renews it: so long may we be down in its namespaces."""
    resync_s: Annotated[int, Field(ge=1, le=3_600)] = 60
    """The longest pause between two looks at the whole cluster, in seconds."""
    settle_every_s: Seconds = 300
    """How often the usage of a running pod is booked, in seconds: each time is a record."""
    settle_cleared_every_s: Seconds = 21_600
    """The same for pods that run under a clearance, for which nothing is held. Default 21600: four records a day."""


class KubernetesSettings(_Section):
    """The way to the API server."""

    kubeconfig: Path | None = None
    """A kubeconfig file. Default: the service account of the pod."""


class ReachSettings(_Section):
    """What the provider declares harmless in its own clusters, on top of our lists. The chart says the same to the
    API server: an entry that stands in only one of the two places makes pods wait for ever."""

    harmless_device_keys: tuple[Line, ...] = ()
    """Resource keys that are no accelerators, exactly as pods write them."""
    harmless_runtime_classes: tuple[Line, ...] = ()
    """Runtime classes that give no devices by themselves."""
    exempt_namespaces: tuple[Line, ...] = ()
    """Namespaces of the cluster's own software (device plugins, drivers), by exact name."""


class Settings(_Section):
    """All settings."""

    cluster: Name = "default"
    """Our name of the cluster; stands in every binding, reservation and record, so it never changes."""
    data: Path = DEFAULT_DATA
    """Folder of the database and the log's key."""
    database_url: SecretStr | None = None
    """As SQLAlchemy writes it; may hold a password, so it is never shown. Default: SQLite in the data folder."""
    policies_dir: Path | None = None
    """Folder of the policy packs. Default: those that come with the program."""
    policies: dict[Name, PolicySettings] = Field(default_factory=dict)
    """Mode of each pack, by its id. A pack of the folder that is not named runs in its own default mode."""
    site: SiteSettings = SiteSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    records: RecordsSettings = RecordsSettings()
    webhook: WebhookSettings = WebhookSettings()
    prometheus: PrometheusSettings | None = None
    """Default: none, and then all usage is booked at the worst case."""
    metrics: MetricsSettings | None = None
    """Default: none are served. The chart turns them on."""
    api: ApiSettings | None = None
    """Default: the REST API is not served."""
    identity: IdentitySettings = IdentitySettings()
    log: LogSettings = LogSettings()
    controller: ControllerSettings = ControllerSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    reach: ReachSettings = ReachSettings()

    @property
    def database(self) -> str:
        """URL of the database, password included."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.data}/{_DATABASE_FILE}"

    @property
    def has_data(self) -> bool:
        """Whether there is a database; of one behind a URL only its server knows, so it counts as there."""
        return self.database_url is not None or (self.data / _DATABASE_FILE).exists()

    @property
    def log_key_file(self) -> Path:
        """Where the log's private key is."""
        return self.log.key_file or self.data / "log.key"

    @property
    def log_origin(self) -> str:
        """Name of the log."""
        return self.log.origin or f"compute-gatekeeper/{self.cluster}"


_MAY_BE_LEFT_OUT: dict[str, type[Part]] = {
    "prometheus": PrometheusSettings,
    "metrics": MetricsSettings,
    "api": ApiSettings,
}


def load_settings(environ: Mapping[str, str], *, config: Path | None = None, data: Path | None = None) -> Settings:
    """Settings from a file, the environment over it, and the command line over both.

    Args:
        environ: the environment; nothing else in this program reads it.
        config: the file; without one, COMPUTE_GATEKEEPER_CONFIG names it, or there is none.
        data: the data folder; without one, what the file says, or the user's own data folder where there is no file.

    Raises:
        InvalidInput: every error with its place in the file, or the variable that is wrong.
    """
    config = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    document = read(config) if config else Document("the defaults", {}, {(): (1, 1)}, "")
    if not isinstance(document.data, dict):
        raise document.error((), "settings are a mapping, such as `cluster: east`.")
    document.check(Settings)
    merged = _merge(document.data, environ)
    settings = Document("the environment", merged, {(): (1, 1)}, "").check(Settings)
    if data is not None:
        settings = settings.model_copy(update={"data": data.absolute()})
    elif config is None and "data" not in merged:
        settings = settings.model_copy(update={"data": _own_data_folder(environ)})
    return _anchored(settings, config.absolute().parent if config else Path.cwd())


def _merge(data: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The file's mappings with the environment's values in them."""
    merged: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in _OF_THE_COMMAND_LINE or _OF_KUBERNETES.fullmatch(variable):
            continue
        section, _, field = variable.removeprefix(PREFIX).lower().partition("__")
        place = _place(section, field)
        if place is None:
            raise InvalidInput(
                f"The environment variable {variable} is no setting.", hint="See examples/config.yaml for all of them."
            )
        value = _value(variable, text)
        if field:
            within = merged.setdefault(section, {})
            merged[section] = {**(within or {}), field: value}
        else:
            merged[section] = value
    return merged


def _place(section: str, field: str) -> str | None:
    """The field that a variable names, or None."""
    known = Settings.model_fields.get(section)
    if known is None or not field:
        return section if known else None
    inner: Any = _MAY_BE_LEFT_OUT.get(section, known.annotation)
    return field if isinstance(inner, type) and issubclass(inner, Part) and field in inner.model_fields else None


def _value(variable: str, text: str) -> Any:
    """Plain text; lists and mappings are written as in YAML: [a, b] or {a: b}."""
    return parse(text.encode(), name=variable).data if text.startswith(("[", "{")) else text


def _own_data_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's programs keep their data (XDG Base Directory Specification 0.8)."""
    chosen = environ.get("XDG_DATA_HOME", "")
    home = Path(chosen) if chosen.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local" / "share"
    return home / "compute-gatekeeper"


def _anchored(section: _M, folder: Path) -> _M:
    """The section with every path absolute."""
    changes: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            changes[name] = folder / value.expanduser()
        elif isinstance(value, Part):
            changes[name] = _anchored(value, folder)
    return section.model_copy(update=changes)
