"""How many words all names of one request may have: each is compared with every list before the request is answered."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.api.problems import Refused
from gatekeeper.domain.names import words_in
from gatekeeper.registry import KycRecord

# Three parties of three words each in every record of the largest batch, and some; of names that are made to cost as
# much as they can these take some ten seconds of a core.
WORDS_MAX = 10_000


def check_name_words(records: Iterable[KycRecord]) -> None:
    """Refuse records whose names take too long to compare, before any of them is.

    Raises:
        Refused: 413, they have more words than one request may have.
    """
    words = sum(
        words_in(name) for record in records for each in record.parties for name in (each.legal_name, *each.other_names)
    )
    if words > WORDS_MAX:
        raise Refused(
            413,
            f"The names in it have {words:,} words together; a request may have {WORDS_MAX:,}, since each is compared "
            "with every list.",
            hint="Send fewer records at once, or leave out other names that say nothing new.",
        )
