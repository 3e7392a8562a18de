"""One LEI is one party: whoever is known by it already is not enrolled again under another id, with a fresh budget."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.party import Party
from gatekeeper.ports import Reader
from gatekeeper.registry.books import Books
from gatekeeper.registry.sight import Sight


def check_leis(reader: Reader, parties: Iterable[Party]) -> None:
    """Refuse parties with an LEI that they did not have and another party has.

    Raises:
        Conflict: it says which party has it.
    """
    wanted = {each.lei: each.id for each in parties if each.lei}
    if not wanted:
        return
    for lei, holder in sorted(_holders(reader, wanted).items()):
        if holder != wanted[lei]:
            raise Conflict(
                f"Party {wanted[lei]} has the LEI {lei}, and so has party {holder}: an LEI is of one party.",
                hint=f"Name {holder} in its place, or have two people put its LEI right first.",
            )


def _holders(reader: Reader, leis: Iterable[str]) -> dict[str, str]:
    """LEI -> a party that has it."""
    if isinstance(reader, Books | Sight):
        return reader.holders(leis)
    asked = set(leis)
    return {each.lei: each.id for each in reader.parties().values() if each.lei in asked}
