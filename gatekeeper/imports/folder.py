"""Imported records as files for a repository: one a customer, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from gatekeeper.customer_files import dump
from gatekeeper.customer_files.format import party_part
from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.party import Party
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import PARTIES_MAX

PARTIES_FILE = "parties.yaml"


def write_customers(records: Iterable[KycRecord], folder: Path) -> int:
    """Write `CUSTOMER.yaml` for each; a file of that name is replaced. How many were written.

    Raises:
        Unavailable: the folder cannot be written.
    """
    return _write({f"{each.customer_id}.yaml": dump(each) for each in records}, folder)


def write_parties(parties: Iterable[Party], folder: Path) -> int:
    """Write `parties.yaml`: parties without a customer, which customers' files beside it may name. How many parties."""
    told = [party_part(each) for each in parties]
    documents = [{"format": 1, "parties": told[at : at + PARTIES_MAX]} for at in range(0, len(told), PARTIES_MAX)]
    text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=10_000)
    _write({PARTIES_FILE: text}, folder)
    return len(told)


def write_text(texts: dict[str, str], folder: Path) -> int:
    """Write files by name, each whole or not at all."""
    return _write(texts, folder)


def _write(texts: dict[str, str], folder: Path) -> int:
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as made:
            for name, text in texts.items():
                (Path(made) / name).write_text(text, "utf-8", newline="")
            for name in texts:
                os.replace(Path(made) / name, folder / name)
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written: {error.strerror}.", hint="Choose another with --out."
        ) from error
    return len(texts)
