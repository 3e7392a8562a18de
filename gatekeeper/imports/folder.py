"""Imported records as files for a repository: one a customer, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from gatekeeper.customer_files import dump
from gatekeeper.customer_files.format import party_part
from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.party import Party
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import PARTIES_MAX

PARTIES_FILE = "parties.yaml"
_NAMED_MAX = 10


def customer_texts(records: Iterable[KycRecord]) -> dict[str, str]:
    """`CUSTOMER.yaml` for each, by name."""
    return {f"{each.customer_id}.yaml": dump(each) for each in records}


def parties_text(parties: Iterable[Party]) -> str:
    """The text of `parties.yaml`: parties without a customer, which customers' files beside it may name."""
    told = [party_part(each) for each in parties]
    documents = [{"format": 1, "parties": told[at : at + PARTIES_MAX]} for at in range(0, len(told), PARTIES_MAX)]
    return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=10_000))


def write_texts(texts: Mapping[str, str], folder: Path, *, overwrite: bool) -> int:
    """Write files by name, each whole or not at all. How many were written.

    Args:
        overwrite: replace files that are there with other content.

    Raises:
        InvalidInput: there are such files and nobody said so; nothing was written.
        Unavailable: the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.")
    changed = [] if overwrite else [name for name, text in sorted(texts.items()) if _differs(folder / name, text)]
    if changed:
        named = ", ".join(changed[:_NAMED_MAX]) + (", ..." if len(changed) > _NAMED_MAX else "")
        raise InvalidInput(
            f"{folder} holds other files of these names, and nothing was written: {named}.",
            hint="Choose another folder, or write over them with --overwrite.",
        )
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


def _differs(path: Path, text: str) -> bool:
    """Whether a file is there that says something else."""
    try:
        return path.read_bytes() != text.encode()
    except FileNotFoundError:
        return False
    except OSError:
        return True
