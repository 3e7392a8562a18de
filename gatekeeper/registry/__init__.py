"""Use cases on people: enrol, approve and suspend customers, explain their tier, bind namespaces, declare runs,
classify what does not count, and correct what was counted.

`Registry` is all of them over one store. What a customer is stands in `kyc_record`; what one person may change alone in
`strictness`; what the log says about it in `facts`.
"""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.retention import RETENTION_YEARS
from gatekeeper.domain.two_hands import Hands
from gatekeeper.ports import Clock, Stores
from gatekeeper.registry.applied import Applied, BatchReview
from gatekeeper.registry.approvals import ApprovalTerms
from gatekeeper.registry.consequences import TierChange
from gatekeeper.registry.corrections import CorrectionRegistry
from gatekeeper.registry.due import DueRegistry
from gatekeeper.registry.endings import EndingRegistry
from gatekeeper.registry.evidence import EvidenceRegistry
from gatekeeper.registry.history import HistoryRegistry
from gatekeeper.registry.holds import HoldRegistry
from gatekeeper.registry.inquiries import InquiryRegistry
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.registry.listing import ListingRegistry
from gatekeeper.registry.logins import LoginRegistry
from gatekeeper.registry.namespaces import NamespaceRegistry
from gatekeeper.registry.overrides import OverrideRegistry
from gatekeeper.registry.plan import Outcome, Plan
from gatekeeper.registry.registers import RegisterRegistry
from gatekeeper.registry.rehearsal import Rehearsed
from gatekeeper.registry.requests import RequestRegistry
from gatekeeper.registry.retention import RetentionRegistry
from gatekeeper.registry.review import Review
from gatekeeper.registry.runs import RunRegistry
from gatekeeper.registry.screener import Screened, Screener
from gatekeeper.registry.screening import ScreeningRegistry
from gatekeeper.registry.standings import StandingRegistry
from gatekeeper.registry.two_hands import TwoHanded
from gatekeeper.registry.users import UserRegistry

__all__ = [
    "Applied",
    "ApprovalTerms",
    "BatchReview",
    "KycRecord",
    "Outcome",
    "Plan",
    "Registry",
    "Review",
    "TierChange",
]


class Registry(
    RegisterRegistry,
    StandingRegistry,
    RequestRegistry,
    OverrideRegistry,
    EvidenceRegistry,
    RetentionRegistry,
    HoldRegistry,
    HistoryRegistry,
    ListingRegistry,
    DueRegistry,
    NamespaceRegistry,
    RunRegistry,
    CorrectionRegistry,
    EndingRegistry,
    InquiryRegistry,
    ScreeningRegistry,
    UserRegistry,
    LoginRegistry,
):
    """All use cases on people."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        *,
        packs: tuple[ActivePack, ...],
        cluster: str,
        terms: ApprovalTerms | None = None,
        screener: Screener | None = None,
        hands: Hands | None = None,
        retention_years: int = RETENTION_YEARS,
        demands_profile: bool = False,
        check_code: Callable[[str], object] | None = None,
    ) -> None:
        """`screener`: what several registries of one process share, so that lists are indexed once.
        `hands`: whose logins the provider lets be hands; None for all.
        `check_code`: refuses what is no code of a country in use; None takes every code of that form."""
        self._retention_years = retention_years
        self._demands_profile = demands_profile
        self._check_code = check_code
        screener = screener or Screener()
        hands = hands or Hands()
        self._at_length = Screened(TwoHanded(Rehearsed(stores), hands), clock, screener)
        stores = Screened(TwoHanded(stores, hands), clock, screener)
        RegisterRegistry.__init__(self, stores, clock, packs, terms or ApprovalTerms())
        NamespaceRegistry.__init__(self, stores, clock, cluster)
        RunRegistry.__init__(self, stores, clock, cluster)
        CorrectionRegistry.__init__(self, stores, clock)
        EndingRegistry.__init__(self, stores, clock)
        InquiryRegistry.__init__(self, stores, clock)
        ScreeningRegistry.__init__(self, stores, clock, screener)
        UserRegistry.__init__(self, stores, clock, hands)
        LoginRegistry.__init__(self, stores, clock)
