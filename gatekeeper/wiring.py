"""From settings to objects: the only place that builds them. Each is made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.country_files import checked_code, load_countries
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.domain.fleet import Fleet
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.record import Actor
from gatekeeper.evidence_files import EvidenceFiles
from gatekeeper.identity.authenticator import Authenticator, Refusal
from gatekeeper.policies import record_packs
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.ports import Stores
from gatekeeper.registry import ApprovalTerms, Registry
from gatekeeper.registry.screener import Screener
from gatekeeper.settings import Settings
from gatekeeper.signing import Ed25519Signer
from gatekeeper.stores import SqlStores, open_stores
from gatekeeper.view import Provider


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current time, in UTC."""
        return datetime.now(UTC)


class Wiring:
    """The objects of one process. Closing it closes the database."""

    def __init__(
        self,
        settings: Settings,
        *,
        makes_data: bool = False,
        makes_key: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            settings: what the operator chose.
            makes_data: whether a database is made where there is none. Who only reads must not: a misspelt folder
                would look like a system in which nothing ever happened.
            makes_key: whether the log's key is made where nothing was ever signed.
            tell: told in a sentence what was made; without it nobody is.
        """
        self.settings = settings
        self.clock = SystemClock()
        # Told of each token that is refused: by which realm, and why.
        self.count_refusal: Callable[[str, Refusal], None] = lambda _realm, _reason: None
        self._makes_data = makes_data
        self._makes_key = makes_key
        self._tell = tell or (lambda _: None)

    def __enter__(self) -> Wiring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "stores" in self.__dict__:
            self.stores.close()

    @cached_property
    def stores(self) -> SqlStores:
        """The database; made, with its folder, where there is none yet and this process may.

        Raises:
            NotFound: there is none, and it may not.
        """
        if not self.settings.has_data:
            if not self._makes_data:
                raise NotFound(
                    f"There is no data in {self.settings.data}.",
                    hint="Name the data folder with --data, or the settings with --config. `gatekeeper serve` and "
                    "`gatekeeper customer apply` begin one.",
                )
            self._make_data_folder()
            self._tell(f"A new database begins in {self.settings.data}.")
        return open_stores(self.settings.database)

    @property
    def policies_dir(self) -> Path:
        """Folder of the policy packs."""
        return self.settings.policies_dir or bundled_dir()

    @cached_property
    def packs(self) -> tuple[ActivePack, ...]:
        """All packs of the folder, each in the mode that the operator chose or else its own.

        Raises:
            InvalidInput: a pack cannot be read, or the settings name one that is not there.
        """
        packs, chosen = load_packs(self.policies_dir), self.settings.policies
        missing = sorted(chosen.keys() - {pack.id for pack in packs})
        if missing:
            raise InvalidInput(
                f"The settings name the policy pack {missing[0]!r}, and there is none of that name.",
                hint=f"There are: {', '.join(pack.id for pack in packs)}.",
            )
        return tuple(
            ActivePack(pack, chosen[pack.id].mode if pack.id in chosen else pack.default_mode) for pack in packs
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        """All accelerators that we know."""
        return load_catalogue()

    @cached_property
    def site(self) -> Site:
        """Where the accelerators stand.

        Raises:
            InvalidInput: in a country of no known code.
        """
        country = self.settings.site.country or ""
        table = load_countries(self.policies_dir) if country else None
        if table is not None and country not in table.countries:
            raise InvalidInput(f"site.country: {table.refusal(country)}", hint="See `gatekeeper countries`.")
        return Site(country, self.settings.site.chip_authorization)

    def provider(self, fleet: Callable[[], Fleet]) -> Provider:
        """What decisions rest on besides the question: cluster, site, packs, fleet, and how late a pod may end."""
        late = self.settings.controller
        return Provider(
            cluster=self.settings.cluster,
            site=self.site,
            packs=self.packs,
            fleet=fleet,
            grace_s=late.grace_s + late.slack_s,
        )

    @cached_property
    def registry(self) -> Registry:
        """Use cases on people."""
        return self.registry_over(self.stores)

    @cached_property
    def evidence_files(self) -> EvidenceFiles:
        """The files that records rest on, beside the database."""
        return EvidenceFiles(self.settings.data / "evidence", largest_bytes=self.settings.records.evidence_mib * 2**20)

    def registry_over(self, stores: Stores) -> Registry:
        """The same over other stores, such as a transaction that is open; both keep one index of the lists."""
        approvals = self.settings.approvals
        terms = ApprovalTerms(timedelta(days=approvals.tier_one_days), timedelta(days=approvals.others_days))
        return Registry(
            stores,
            self.clock,
            packs=self.packs,
            cluster=self.settings.cluster,
            terms=terms,
            screener=self.screener,
            demands_profile=self.settings.records.profile == "required",
            retention_years=self.settings.records.retention_years,
            hands=self.settings.identity.hands,
            check_code=checked_code,
        )

    @cached_property
    def screener(self) -> Screener:
        """The lists, indexed, for all registries of this process."""
        return Screener()

    @cached_property
    def authenticator(self) -> Authenticator:
        """Who says whose a token is."""
        from gatekeeper.identity.realms import realms_of

        return realms_of(
            self.settings.identity,
            self.stores,
            self.clock,
            kubeconfig=self.settings.kubernetes.kubeconfig,
            counted=self.count_refusal,
        )

    def record_packs(self, by: Actor) -> None:
        """Put on record which packs hold, where the log does not say so yet: tiers in later records rest on them."""
        record_packs(self.stores, self.clock, self.packs, cluster=self.settings.cluster, by=by, site=self.site)

    @cached_property
    def signer(self) -> Ed25519Signer:
        """The log's key; made where nothing was ever signed.

        Raises:
            NotFound: the log has checkpoints and the key is gone: a new one would begin a second history. Or nothing
                was signed yet, and this process may not make the key.
        """
        path = self.settings.log_key_file
        if path.exists():
            return Ed25519Signer.load(path)
        if self.stores.read(lambda reader: reader.checkpoint()) is not None:
            raise NotFound(
                f"The log was signed before, and its key is not at {path}.",
                hint="Put the key and the file beside it back, or name its place as log.key_file.",
            )
        if not self._makes_key:
            raise NotFound(
                f"The log was never signed, and has no key at {path} yet.",
                hint="`gatekeeper serve` makes it at its start, or `gatekeeper log checkpoint`.",
            )
        self._make_data_folder()
        signer = Ed25519Signer.create(path, self.settings.log_origin)
        self._tell(f"The log's key was made: {path}. Keep it.")
        return signer

    def _make_data_folder(self) -> None:
        """Make the data folder for its owner only: it says who the customers are."""
        try:
            self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"The data folder {self.settings.data} cannot be made: {error.strerror}.",
                hint="Choose another with --data FOLDER, or as `data` in the settings.",
            ) from error
