"""Use case on customers: one page of them, each as an approver sees it but for whose tiers an approval would move."""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party
from gatekeeper.ports import Reader
from gatekeeper.registry.circumstances import Circumstances
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.review import Review, review_of


class ListingRegistry(Desk):
    """Use case on lists of customers, over one store."""

    def some_reviews(
        self,
        *,
        after: str,
        most: int,
        may_be: Callable[[Customer, Party | None], bool],
        wanted: Callable[[Review], bool],
    ) -> list[Review]:
        """The first customers by id behind `after`, at most `most`, that are wanted; without `changes` and profiles.

        Args:
            may_be: a first question that costs little, by the customer and its own party where that is in effect.
            wanted: the whole question, for those that may be.
        """
        now = self._clock.now()

        def work(reader: Reader) -> list[Review]:
            parties, yardstick, found = reader.parties(), self._yardstick(now), list[Review]()
            beside = Circumstances.of(reader, now)
            for each in reader.customers():
                if each.id <= after or not may_be(each, parties.get(each.party_id)):
                    continue
                review = beside.seen(review_of(reader, each, yardstick, now, parties, whose_tiers_move=False))
                if wanted(review):
                    found.append(review)
                if len(found) == most:
                    break
            return found

        return self._stores.read(work)
