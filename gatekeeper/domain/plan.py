"""The declared plan of a training run: 6 operations per parameter and token, to hold beside what was counted.

It can alarm and never lowers or raises a count: what a customer says of its model is no evidence of what it did.
6ND is the usual estimate for decoders (forward 2, backward 4). It does not hold for encoder-decoders, where a token
meets only half of the parameters (T5: reported operations are 0.61 x 6ND); with experts, N is what is active for a
token. What counters see lies between 1.0 and 1.52 x 6ND on the published runs that state a model FLOP utilization.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import FLOP_PER_TFLOP, ceil_div, checked_tflop

FLOP_PER_PARAMETER_TOKEN = 6
# More than any published run used of its 6ND: above this it trained something else, or longer than was said.
ALARM_PERCENT = 160
CAVEAT = "6ND is for decoders with their active parameters; it does not hold for encoder-decoders"


@dataclass(frozen=True, slots=True)
class Plan:
    """Size of a model and of what it is trained on; `parameters` are those active for a token."""

    parameters: int
    tokens: int

    def __post_init__(self) -> None:
        if self.parameters <= 0 or self.tokens <= 0:
            raise InvalidInput("A plan says both how many parameters and how many tokens.")
        checked_tflop(self.tflop)

    @property
    def flop(self) -> int:
        """6ND in FLOP, exactly."""
        return FLOP_PER_PARAMETER_TOKEN * self.parameters * self.tokens

    @property
    def tflop(self) -> int:
        """6ND, rounded up."""
        return ceil_div(self.flop, FLOP_PER_TFLOP)


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """A plan beside the best estimate of what was counted here."""

    plan: Plan
    best_tflop: int

    @property
    def percent(self) -> int:
        """Best estimate as a share of the plan, cut."""
        return self.best_tflop * 100 // self.plan.tflop

    @property
    def alarm(self) -> bool:
        """Whether it trained more than was declared by more than the method can err."""
        return self.best_tflop * 100 > self.plan.tflop * ALARM_PERCENT
