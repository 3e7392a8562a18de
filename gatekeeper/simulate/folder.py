"""What a play leaves in its folder: database, log key, settings and the exported log, as a service would have them.

So `run show`, `blocked` and `log verify` work on a play as they work on a real log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from gatekeeper import log
from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.policy import Mode
from gatekeeper.domain.record import Actor, ActorKind
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.settings import Settings
from gatekeeper.signing import Ed25519Signer
from gatekeeper.simulate.scenario import Scenario
from gatekeeper.simulate.stage import APPROVER, Stage

# What stands in a folder with this line may be deleted; in another one it could be somebody's log.
MARK = "# Written by a play (gatekeeper demo, gatekeeper simulate); the next play into this folder replaces all of it."


@dataclass(frozen=True, slots=True)
class PlayFolder:
    """The files of a play; `out` is the folder that --out names."""

    out: Path

    @property
    def data(self) -> Path:
        """The data folder; one level down, so that no --out deletes the database and key of a real log."""
        return self.out / "data"

    @property
    def database(self) -> Path:
        """The SQLite file, where --data looks for it."""
        return self.data / "gatekeeper.db"

    @property
    def config(self) -> Path:
        """The settings file, with the packs in the modes of the play."""
        return self.out / "config.yaml"

    @property
    def exported(self) -> Path:
        """The log as an export."""
        return self.out / "log.jsonl"

    def clear(self) -> None:
        """Make the folders and delete what an earlier play left.

        Raises:
            Conflict: a settings file stands there that no play wrote.
        """
        if self.config.exists() and not self.config.read_text("utf-8").startswith(MARK):
            raise Conflict(
                f"{self.config} is not of a play, so what stands beside it is not deleted.",
                hint="Choose another folder with --out FOLDER.",
            )
        self.data.mkdir(parents=True, exist_ok=True)
        for pattern in ("gatekeeper.db*", "log.key*"):
            for old in self.data.glob(pattern):
                old.unlink()

    def write_config(self, spec: Scenario, *, origin: str | None = None) -> None:
        """Write settings under which commands see what the play saw: cluster, site, and each pack in its mode."""
        others = {pack.id: Mode.OFF for pack in load_packs(bundled_dir())}
        settings = {
            "cluster": spec.cluster,
            "data": self.data.name,
            "site": {"country": spec.site.country, "chip_authorization": spec.site.chip_authorization.value},
            "policies": {name: {"mode": mode.value} for name, mode in {**others, **spec.policies}.items()},
            **({"log": {"origin": origin}} if origin else {}),
        }
        self.config.write_text(f"{MARK}\n{yaml.safe_dump(settings, sort_keys=False)}", "utf-8")

    def export(self, stage: Stage, *, purpose: str, origin: str | None = None) -> tuple[str, int]:
        """Make the log's key and export the log.

        Returns:
            The public key, and the number of records.
        """
        named = origin or Settings(cluster=stage.scenario.spec.cluster).log_origin
        signer = Ed25519Signer.create(self.data / "log.key", named)
        person = Actor(ActorKind.PERSON, APPROVER)
        with self.exported.open("wb") as stream:
            records = log.export(stage.stores, signer, stream, actor=person, at=stage.clock.now(), purpose=purpose)
        return signer.vkey, records
