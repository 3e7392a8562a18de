"""The second step of an erasure: the bytes of what was erased leave the database's files and the folder of evidence.

What is interrupted here is begun again, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gatekeeper.domain.retention import Erasure
from gatekeeper.ports import Reader, Transaction
from gatekeeper.ports.retention import EvidenceBytes
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.evidence import held


class FinishingRegistry(Desk):
    """The use case that finishes erasures, over one store."""

    def finish_erasures(self, files: EvidenceBytes, scrub: Callable[[], None]) -> list[str]:
        """Take the bytes of all that was erased out of the folder of evidence and the database; whose those were.

        Files go while nobody else can put them on record, so that none goes that somebody has just been told is kept.

        Args:
            scrub: takes what was deleted out of the files of the database.

        Raises:
            Unavailable: something could not be removed; asking again goes on with it.
        """
        unfinished = self._stores.read(_unfinished)
        if not unfinished:
            return []
        self._stores.transact(lambda tx: _drop_files(tx, files))
        scrub()
        now = self._clock.now()

        def done(tx: Transaction) -> None:
            for each in unfinished:
                tx.put_erasure(replace(each, finished_at=now))

        self._stores.transact(done)
        return [each.customer_id for each in unfinished]


def _unfinished(reader: Reader) -> list[Erasure]:
    return [each for each in reader.erasures() if not each.waits and each.finished_at is None]


def _drop_files(tx: Transaction, files: EvidenceBytes) -> None:
    for each in _unfinished(tx):
        own = {evidence.sha256 for evidence in tx.evidence(each.customer_id)}
        for sha256 in own - held(tx, own):
            files.drop(sha256)
