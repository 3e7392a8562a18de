"""Linear look-through of circular holdings: how much of each member of a circle outsiders own in the end.

A owned 60 % by B and 40 % by X, B owned 60 % by A and 40 % by X: nobody outside owns half of either, and X owns all of
both. s = d + W s, with d the share that counting owners hold directly and W what members own of each other; the least
solution, from below, in whole millionths of a percent, rounded up at each step and never above the whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence

from gatekeeper.domain.interest import WHOLE

# Steps that a circle may take: a share that goes round and round at almost 100 % may not come to rest in time.
STEPS_AT_LEAST = 20_000
STEPS_PER_SHARE = 30
Shares = Mapping[int, Sequence[tuple[int, int]]]


class LookThrough:
    """The shares of a circle that come to those who count; it only grows, so that it is worked out once in all.

    Args:
        owners: member -> (member that owns some of it, most); assets: member -> (member that it owns, most).

    Attributes:
        share: member -> what those who count own of it through the circle.
        settled: False once it did not come to rest within its steps.
    """

    def __init__(self, owners: Shares, assets: Shares) -> None:
        self._owners, self._assets = owners, assets
        self._steps = STEPS_AT_LEAST + STEPS_PER_SHARE * sum(len(each) + 1 for each in owners.values())
        self.share: dict[int, int] = dict.fromkeys(owners, 0)
        self.settled = True

    def settle(self, direct: Mapping[int, int], counting: Container[int], touched: Iterable[int]) -> set[int]:
        """Work it out after `direct` rose at the members that were touched; returns the members whose share rose.

        Members that count are in `direct` with all that they own, and are passed over here.
        """
        waiting = deque(touched)
        queued, risen = set(waiting), set[int]()
        while waiting:
            member = waiting.popleft()
            queued.discard(member)
            if member in counting:
                continue
            self._steps -= len(self._owners[member]) + 1
            if self._steps < 0:
                self.settled = False
                return risen
            through = sum(most * self.share[owner] for owner, most in self._owners[member] if owner not in counting)
            share = min(WHOLE, direct[member] + -(-through // WHOLE))
            if share > self.share[member]:
                self.share[member] = share
                risen.add(member)
                fresh = [asset for asset, _ in self._assets[member] if asset not in queued]
                waiting.extend(fresh)
                queued.update(fresh)
        return risen
