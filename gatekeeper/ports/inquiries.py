"""What the store keeps of inquiries: the question that a hold asked, and its answer."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.inquiry import Inquiry


class InquiryReads(Protocol):
    """Read side."""

    def inquiry(self, inquiry_id: str) -> Inquiry | None: ...
    def inquiries(self, *, run_id: str | None = None) -> list[Inquiry]:
        """All inquiries, or those about one run; oldest first."""
        ...


class InquiryWrites(Protocol):
    """Write side."""

    def put_inquiry(self, inquiry: Inquiry) -> None: ...
