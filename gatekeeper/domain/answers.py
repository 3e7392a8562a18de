"""What the answers to a pack's questions about one run come to: each that applies has to be answered, one no is a no,
and of several amounts the lowest holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.policy import InquiryTerms


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to some questions on a day.

    Attributes:
        denied: answered with no.
        holding: answered, approved, and not past their day.
        missing: questions that nobody has answered, or whose answer has ended.
    """

    denied: tuple[Permit, ...]
    holding: tuple[Permit, ...]
    missing: tuple[InquiryTerms, ...]

    @property
    def permit(self) -> bool:
        """Whether everything that was asked is answered with yes."""
        return bool(self.holding) and not self.denied and not self.missing

    @property
    def limit_tflop(self) -> int | None:
        """What they permit a run to come to; None where they do not, or none of them is about an amount."""
        amounts = [each.limit_tflop for each in self.holding if each.limit_tflop is not None]
        return min(amounts) if amounts and self.permit else None

    @property
    def until(self) -> date | None:
        """Last day on which all of them hold; None where something is missing."""
        return min((each.until for each in self.holding), default=None) if self.permit else None


def answers_to(questions: Iterable[InquiryTerms], permits: Sequence[Permit], day: date) -> Answers:
    """What was answered of some questions. Of several answers to one, which only a renamed question has, a no holds."""
    denied: list[Permit] = []
    holding: list[Permit] = []
    missing: list[InquiryTerms] = []
    for question in questions:
        to_it = [each for each in permits if _is_to(each, question)]
        noes, yeses = [each for each in to_it if each.denied], [each for each in to_it if each.holds_on(day)]
        denied += noes
        holding += yeses
        missing += [] if noes or yeses else [question]
    return Answers(tuple(denied), tuple(holding), tuple(missing))


def named(permits: Sequence[Permit]) -> str:
    """Inquiries as a sentence names them."""
    names = [each.inquiry for each in permits]
    return f"inquiry {names[0]}" if len(names) == 1 else f"inquiries {', '.join(names[:-1])} and {names[-1]}"


def _is_to(permit: Permit, question: InquiryTerms) -> bool:
    """An answer to a question without an id answers what was asked in the same words, and nothing else."""
    return permit.asks == question.id if permit.asks else permit.question == question.question
