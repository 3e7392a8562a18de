"""All checks of an export together."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.domain.checkpoint import VerifierKey
from gatekeeper.verify.decisions import DecisionCheck
from gatekeeper.verify.declared import DeclaredCheck
from gatekeeper.verify.erasures import ErasureCheck
from gatekeeper.verify.export import Check, Source, verify_export
from gatekeeper.verify.inquiries import InquiryCheck
from gatekeeper.verify.life import LifeCheck
from gatekeeper.verify.limits import LimitCheck
from gatekeeper.verify.overrides import OverrideCheck
from gatekeeper.verify.packs import PackCheck
from gatekeeper.verify.people import PeopleCheck
from gatekeeper.verify.report import Report
from gatekeeper.verify.screening import ScreeningCheck
from gatekeeper.verify.starts import Known, StartCheck
from gatekeeper.verify.tiers import TierCheck
from gatekeeper.verify.unchecked import Unchecked
from gatekeeper.verify.waiting import WaitingCheck


def verify_totals_and_tiers(source: Source, key: VerifierKey | str, *, since: Source | None = None) -> Report:
    """All that an export lets anybody check: bytes, signature, totals, tiers, screening, and who let be what.

    Errors as for `verify_export`.
    """
    tiers, unchecked = TierCheck(), Unchecked()
    screening = ScreeningCheck(unchecked)
    overrides, packs, inquiries = OverrideCheck(tiers, screening), PackCheck(), InquiryCheck()
    known = Known(
        tiers=tiers,
        screening=screening,
        lives=LifeCheck(),
        overrides=overrides,
        packs=packs,
        limits=LimitCheck(packs, inquiries, tiers, overrides),
        declared=DeclaredCheck(unchecked),
        unchecked=unchecked,
    )
    people: list[Check] = [known.lives, WaitingCheck(unchecked), known.declared, PeopleCheck()]
    decided: list[Check] = [packs, inquiries, known.limits, DecisionCheck(packs, known.limits, unchecked)]
    checks: list[Check] = [tiers, screening, *people, overrides, *decided, StartCheck(known), ErasureCheck()]
    report = verify_export(source, key, since=since, checks=checks)
    return replace(report, unresolved_packs=tuple(sorted(tiers.unresolved_packs)), unchecked=unchecked.told())
