"""Late corrections of what a run has used: new bookings beside the old ones, never edits of them.

Raising takes effect with one person, up to what metering can have missed. Lowering any of low, best and high, or
raising one by more than that, needs a second person who looked at it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.person import same_person
from gatekeeper.domain.units import LARGEST_TFLOP, require_utc
from gatekeeper.domain.usage import Usage

REASON_CHARACTERS_MAX = 2_000
# 10^25 FLOP, a week of 16,384 H100 at their dense peak: more at once is a slip of the pen or a lockout of the customer.
RAISED_ALONE_MAX_TFLOP = 10**13


@dataclass(frozen=True, slots=True)
class Correction:
    """A signed correction of one run, in whole TFLOP.

    Attributes:
        reason: why; it owes the reader the evidence.
        approved_by: the second person, where one is needed; "" until then.
    """

    id: str
    run_id: str
    low_tflop: int
    best_tflop: int
    high_tflop: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str = ""

    def __post_init__(self) -> None:
        require_utc(self.proposed_at)
        if not self.id or not self.run_id or not self.proposed_by.strip():
            raise InvalidInput("A correction needs an id, a run and the person who proposes it.")
        if not any(self.amounts) or any(abs(each) > LARGEST_TFLOP for each in self.amounts):
            raise InvalidInput("A correction changes low, best or high by at most 10^30 FLOP.")
        if not self.reason.strip() or len(self.reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"A correction needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")
        if self.approved_by and not self.needs_two:
            raise InvalidInput(f"Correction {self.id} needs nobody to approve it: it lowers nothing.")
        if self.approved_by and same_person(self.approved_by, self.proposed_by):
            raise NotPermitted(
                f"{self.approved_by} proposed correction {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    @property
    def amounts(self) -> tuple[int, int, int]:
        """Low, best and high."""
        return (self.low_tflop, self.best_tflop, self.high_tflop)

    @property
    def needs_two(self) -> bool:
        """Whether any of its amounts goes down, or up by very much: then it needs a second person."""
        return min(self.amounts) < 0 or max(self.amounts) > RAISED_ALONE_MAX_TFLOP

    @property
    def in_effect(self) -> bool:
        """Whether it is booked."""
        return not self.needs_two or bool(self.approved_by)

    def approve(self, *, by: str) -> Correction:
        """The approved correction.

        Raises:
            NotPermitted: by the person who proposed it, or it is in effect already.
        """
        if self.in_effect:
            raise NotPermitted(f"Correction {self.id} is in effect already.")
        return replace(self, approved_by=by)


def corrected(account: Account, correction: Correction) -> Account:
    """The account with a correction booked.

    Raises:
        Conflict: it is of another run, or would leave less than nothing, or low, best and high out of order.
    """
    settled = account.settled
    if account.run_id != correction.run_id:
        raise Conflict(f"Correction {correction.id} is of run {correction.run_id}, not of {account.run_id}.")
    try:
        after = Usage(
            settled.low_tflop + correction.low_tflop,
            settled.best_tflop + correction.best_tflop,
            settled.high_tflop + correction.high_tflop,
        )
    except InvalidInput as error:
        raise Conflict(
            f"After this correction run {account.run_id} would not satisfy 0 <= low <= best <= high.",
            hint="See its totals: gatekeeper run show RUN.",
        ) from error
    return replace(account, settled=after)
