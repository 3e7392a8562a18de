"""Whatever one person applies, in whatever order: nobody gets milder, and no group smaller."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party
from gatekeeper.registry import KycRecord
from gatekeeper.registry.kyc_record import overlaid
from gatekeeper.registry.strictness import Yardstick, strict_part, tier_changes
from tests.registry.office import NOON, PACK, PACKS, org

COUNTRIES = ["US", "IN", "CN", ""]
IDS = ["a", "b", "c", "d"]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Party]:
    found = {}
    for id_ in draw(st.sets(st.sampled_from(IDS), min_size=1)):
        parents = draw(st.sets(st.sampled_from([each for each in IDS if each != id_]), max_size=2))
        reason = draw(st.sampled_from(["", "listed"])) if not parents else ""
        found[id_] = org(id_, draw(st.sampled_from(COUNTRIES)), *sorted(parents), reason=reason)
    return found


@given(graphs(), graphs(), st.sampled_from(IDS))
def test_no_change_by_one_person_makes_any_customer_milder_or_its_group_smaller(
    before: dict[str, Party], wanted: dict[str, Party], own: str
) -> None:
    chain = [wanted[each] for each in _chain(wanted, own)]
    if not chain:
        return
    customers = [
        Customer(each, each, Standing.APPROVED, "ana", approved_by="ben", expires_at=NOON + timedelta(days=1))
        for each in IDS
    ]
    yardstick = Yardstick.of(PACKS, NOON.date())
    written = strict_part(before, customers, KycRecord("x", own, tuple(chain)), yardstick)
    after = overlaid(before, written.values())
    for change in tier_changes(customers, before, written.values(), yardstick):
        assert change.after.strictness > change.before.strictness
    for each in IDS:
        assert next(corporate_groups(before, [each])) <= next(corporate_groups(after, [each]))
        findings = (yardstick.findings(graph, each)[PACK] for graph in (before, after))
        was, will = (finding.tier.strictness for finding in findings)
        assert was <= will


def _chain(parties: dict[str, Party], own: str) -> set[str]:
    found: set[str] = set()
    waiting = [own]
    while waiting:
        each = waiting.pop()
        if each in parties and each not in found:
            found.add(each)
            waiting += parties[each].parents
    return found
