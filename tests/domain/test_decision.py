"""The answer to one workload: strictest pack, every reason, one sentence, a lease that fits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.deciding import decide, lease_of, needs_no_budget
from gatekeeper.domain.decision import Grant, Question, Verdict
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.policy import Action, ActivePack, Mode, Threshold
from gatekeeper.domain.threshold import Floor
from gatekeeper.domain.tier import Tier
from tests.domain.questions import (
    DAY_S,
    H100_TFLOP_PER_S,
    HOUR_S,
    NOW,
    TERMS,
    enforced,
    make_customer,
    make_finding,
    make_pack,
    make_question,
)

LIMIT = 10**14 - 1
BUDGET = enforced(make_pack())


# --- one pack ---------------------------------------------------------------------------------------------------------


def test_a_budget_that_covers_the_work_allows_it_with_a_lease() -> None:
    decision = decide(make_question(BUDGET, used_tflop=10**13), BUDGET)
    assert (decision.verdict, decision.tier, decision.reasons[0].code) == (Verdict.ALLOW, Tier.TWO, "budget.enough")
    assert decision.grant == Grant(8 * H100_TFLOP_PER_S, 28 * DAY_S, 28 * DAY_S + 120)
    assert (decision.used_tflop, decision.limit_tflop) == (10**13, LIMIT)
    assert decision.packs == {"pack": "sha256 of pack"}
    assert decision.sentence == (
        "Job lab/train is allowed by pack: 1.00e25 of 1.00e26 FLOP are used or held, "
        "and Lab (IN) is headquartered in Tier 2."
    )


@pytest.mark.parametrize(("used_tflop", "verdict"), [(79_999_999_999_998, "allow"), (80_000_000_000_000, "warn")])
def test_the_customer_is_warned_from_80_percent_of_the_limit_on(used_tflop: int, verdict: str) -> None:
    decision = decide(make_question(BUDGET, used_tflop=used_tflop), BUDGET)
    assert decision.verdict.value == verdict
    assert decision.grant is not None
    assert decision.sentence.endswith("; ask for less.") is (verdict == "warn")


def test_a_refusal_says_what_is_used_held_needed_and_left_and_what_to_do() -> None:
    decision = decide(make_question(BUDGET, used_tflop=999 * 10**11, devices=16_384), BUDGET)
    assert (decision.verdict, decision.grant) == (Verdict.DENY, None)
    assert decision.sentence == (
        "Job lab/train is refused by pack: its shortest lease of 1 h could take 1.40e23 FLOP and only 9.99e22 are left "
        "(9.99e25 of 1.00e26 FLOP are used or held); the limit holds because Lab (IN) is headquartered in Tier 2, "
        "and models of this size are controlled; ask for less."
    )


def test_a_refusal_shows_as_many_digits_as_it_takes_to_see_what_is_missing() -> None:
    needed = (HOUR_S + 120) * 1001
    question = make_question(BUDGET, used_tflop=LIMIT - needed + 1, rate_tflop_per_s=1001)
    sentence = decide(question, BUDGET).sentence
    assert "could take 3.73e18 FLOP and only 3.72e18 are left" in sentence


def test_a_refusal_with_nothing_left_says_so() -> None:
    assert (
        "could take 6.81e19 FLOP and nothing is left"
        in decide(make_question(BUDGET, used_tflop=LIMIT), BUDGET).sentence
    )


def test_a_lifted_threshold_is_the_one_that_is_told() -> None:
    floors = (Floor(3 * 10**14, NOW.date(), "test"),)
    packs = enforced(make_pack(threshold=Threshold(10**14, reached_is_controlled=True, source="test", floors=floors)))
    decision = decide(make_question(packs, used_tflop=10**14), packs)
    assert decision.verdict is Verdict.ALLOW
    assert "1.00e26 of 3.00e26 FLOP" in decision.sentence


def test_work_without_operations_needs_no_lease() -> None:
    decision = decide(make_question(BUDGET, used_tflop=LIMIT, devices=0), BUDGET)
    assert (decision.verdict, decision.reasons[0].code, decision.grant) == (Verdict.ALLOW, "budget.none_needed", None)


def test_a_namespace_of_nobody_is_refused() -> None:
    decision = decide(make_question(BUDGET, bound=False), BUDGET)
    assert (decision.verdict, decision.tier) == (Verdict.DENY, None)
    assert decision.sentence == (
        "Job lab/train is refused by pack: namespace lab is bound to no customer; "
        "ask your provider to bind the namespace to your account."
    )


@pytest.mark.parametrize("standing", [each for each in Standing if not each.holds])
@pytest.mark.parametrize("action", [each for each in Action if each is not Action.NOTIFY])
def test_a_customer_that_is_not_approved_is_refused_whatever_the_rule(standing: Standing, action: Action) -> None:
    packs = enforced(make_pack(action=action))
    decision = decide(make_question(packs, customer=make_customer(standing), tier=Tier.ONE), packs)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.DENY, f"customer.{standing.value}")
    assert not needs_no_budget(make_question(packs, customer=make_customer(standing)), packs)


def test_an_approval_ends_at_its_end() -> None:
    question = make_question(BUDGET, now=NOW + timedelta(days=1))
    assert decide(question, BUDGET).reasons[0].code == "customer.expired"


def test_a_suspended_customer_reads_why_on_one_line() -> None:
    customer = make_customer(Standing.SUSPENDED, reason="ownership is\nbeing  checked.")
    sentence = decide(make_question(BUDGET, customer=customer), BUDGET).sentence
    assert sentence == (
        "Job lab/train is refused by pack: the KYC record of customer lab is suspended (ownership is being checked); "
        "ask your provider what would lift the suspension."
    )


@pytest.mark.parametrize("action", list(Action))
def test_an_unresolved_tier_is_as_tier_3_where_all_are_treated_alike_and_never_has_a_budget(action: Action) -> None:
    packs = enforced(make_pack(action=action))
    unresolved, three = (decide(make_question(packs, tier=each), packs) for each in (Tier.UNRESOLVED, Tier.THREE))
    expected = (Verdict.DENY, "tier.hq.unknown")
    if action is not Action.BUDGET:
        expected = (three.verdict, three.reasons[0].code)
    assert (unresolved.verdict, unresolved.reasons[0].code) == expected


@pytest.mark.parametrize("action", list(Action))
def test_an_unresolved_tier_is_refused_whatever_the_rule_where_the_pack_tells_tiers_apart(action: Action) -> None:
    pack = make_pack(action=action)
    apart = tuple(replace(each, tiers=each.tiers - {Tier.ONE}) for each in pack.rules)
    packs = enforced(replace(pack, rules=apart))
    decision = decide(make_question(packs, tier=Tier.UNRESOLVED), packs)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.DENY, "tier.hq.unknown")
    assert decision.sentence == (
        "Job lab/train is refused by pack: nobody has recorded where Lab is headquartered; "
        "send your provider the missing headquarters or ownership record."
    )


def test_a_tier_that_no_rule_speaks_of_is_refused() -> None:
    rule = replace(make_pack().rules[0], tiers=frozenset({Tier.ONE}))
    packs = enforced(make_pack(rules=(rule,)))
    decision = decide(make_question(packs, tier=Tier.THREE), packs)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.DENY, "rule.none")


@pytest.mark.parametrize(
    ("action", "opening", "ending"),
    [
        (Action.ALLOW, "Job lab/train is allowed by pack: ", "headquartered in Tier 2."),
        (
            Action.HOLD,
            "Job lab/train is put on hold by pack: ",
            "; your provider has to inquire what the model is for.",
        ),
        (Action.DENY, "Job lab/train is refused by pack: ", "; ask for less."),
    ],
)
def test_a_rule_without_budget_is_told_with_its_text(action: Action, opening: str, ending: str) -> None:
    packs = enforced(make_pack(action=action))
    decision = decide(make_question(packs), packs)
    assert decision.sentence.startswith(f"{opening}models of this size are controlled, and Lab (IN)")
    assert decision.sentence.endswith(ending)
    assert (decision.grant, decision.limit_tflop, decision.used_tflop) == (None, None, None)


# --- modes and several packs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "verdict", "would"),
    [
        (Mode.OBSERVE, Verdict.ALLOW, ", which is not enforced here and would otherwise refuse it: "),
        (Mode.WARN, Verdict.WARN, ", which is not enforced here and would otherwise refuse it: "),
        (Mode.ENFORCE, Verdict.DENY, " is refused by pack: "),
    ],
)
def test_a_mode_caps_the_verdict_and_the_record_keeps_what_it_was(mode: Mode, verdict: Verdict, would: str) -> None:
    packs = enforced(make_pack(), mode=mode)
    decision = decide(make_question(packs, used_tflop=10**14), packs)
    assert decision.verdict is verdict
    assert (decision.reasons[0].verdict, decision.reasons[0].unmoderated) == (verdict, Verdict.DENY)
    assert would in decision.sentence
    assert decision.grant is None


@pytest.mark.parametrize("packs", [(), enforced(make_pack(action=Action.DENY), mode=Mode.OFF)])
def test_without_an_active_pack_nothing_is_asked(packs: tuple[ActivePack, ...]) -> None:
    decision = decide(make_question(packs, bound=False), packs)
    assert (decision.verdict, decision.reasons, decision.packs) == (Verdict.ALLOW, (), {})


def test_the_strictest_of_several_packs_wins_and_all_reasons_are_kept() -> None:
    packs = (
        *enforced(make_pack("a", action=Action.ALLOW), make_pack("b"), make_pack("c", action=Action.HOLD)),
        *enforced(make_pack("d", action=Action.DENY), mode=Mode.WARN),
    )
    decision = decide(make_question(packs), packs)
    assert decision.verdict is Verdict.HOLD
    assert "put on hold by c" in decision.sentence
    assert [(each.pack, each.verdict.value, each.unmoderated.value) for each in decision.reasons] == [
        ("c", "hold", "hold"),
        ("d", "warn", "deny"),
        ("a", "allow", "allow"),
        ("b", "allow", "allow"),
    ]
    assert set(decision.packs) == {"a", "b", "c", "d"}


def test_the_lease_and_the_totals_are_of_the_enforcing_pack_that_grants_least() -> None:
    small = Threshold(10**12, reached_is_controlled=True, source="test")
    packs = enforced(make_pack("a", action=Action.ALLOW), make_pack("b"), make_pack("c", threshold=small))
    decision = decide(make_question(packs, devices=1024), packs)
    assert decision.verdict is Verdict.ALLOW
    assert decision.limit_tflop == 10**12 - 1
    assert decision.grant == lease_of(Pool(10**12 - 1, ()), 1024 * H100_TFLOP_PER_S, TERMS, 120)


def test_a_pack_that_only_warns_takes_no_budget() -> None:
    packs = enforced(make_pack(), mode=Mode.WARN)
    assert decide(make_question(packs), packs).grant is None


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.WARN])
def test_among_equal_verdicts_the_pack_that_enforces_is_the_one_the_customer_reads(mode: Mode) -> None:
    """Otherwise a pack that only observes would tell customers what it is not meant to tell them."""
    packs = (*enforced(make_pack("a", action=Action.DENY), mode=mode), *enforced(make_pack("b")))
    used_tflop = 9 * 10**13 if mode is Mode.WARN else 0
    decision = decide(make_question(packs, used_tflop=used_tflop), packs)
    assert [each.pack for each in decision.reasons] == ["b", "a"]
    assert " by b: " in decision.sentence


actions = st.sampled_from(list(Action))
modes = st.sampled_from(list(Mode))
active_packs = st.lists(st.tuples(actions, modes, st.integers(10**9, 10**14)), max_size=4).map(
    lambda rows: tuple(
        ActivePack(
            make_pack(
                f"p{index}", action=action, threshold=Threshold(amount, reached_is_controlled=True, source="test")
            ),
            mode,
        )
        for index, (action, mode, amount) in enumerate(rows)
    )
)
tiers = st.sampled_from(list(Tier))


def ask(packs: tuple[ActivePack, ...], tier: Tier, used_tflop: int, devices: int) -> Question:
    return make_question(packs, tier=tier, used_tflop=used_tflop, devices=devices)


@given(active_packs, tiers, st.integers(0, 10**14), st.integers(0, 20_000))
def test_every_decision_is_the_strictest_of_its_reasons_and_fits_every_enforced_budget(
    packs: tuple[ActivePack, ...], tier: Tier, used_tflop: int, devices: int
) -> None:
    question = ask(packs, tier, used_tflop, devices)
    decision = decide(question, packs)
    asked = {each.pack.id: each for each in packs if each.mode is not Mode.OFF}
    assert {reason.pack for reason in decision.reasons} == set(decision.packs) == set(asked)
    assert decision.verdict is max(
        (each.verdict for each in decision.reasons), key=lambda each: each.strictness, default=Verdict.ALLOW
    )
    for reason in decision.reasons:
        assert reason.verdict.strictness <= reason.unmoderated.strictness
        if asked[reason.pack].mode is Mode.ENFORCE:
            assert reason.verdict is reason.unmoderated
    if decision.grant is not None:
        assert decision.verdict.lets_start
        for each in packs:
            if each.mode is Mode.ENFORCE and each.pack.rules[0].action is Action.BUDGET:
                assert decision.grant.amount_tflop <= question.pools[each.pack.id].budget_tflop
    elif decision.verdict.lets_start and devices:
        free = (Action.ALLOW, Action.NOTIFY)
        assert all(each.mode is not Mode.ENFORCE or each.pack.rules[0].action in free for each in packs)


@given(active_packs, tiers, st.integers(0, 10**14), st.integers(0, 20_000))
def test_every_sentence_is_one_sentence(
    packs: tuple[ActivePack, ...], tier: Tier, used_tflop: int, devices: int
) -> None:
    sentence = decide(ask(packs, tier, used_tflop, devices), packs).sentence
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert "\n" not in sentence
    assert "Job lab/train" in sentence


@given(active_packs, tiers, st.integers(0, 10**14), st.integers(0, 20_000))
def test_the_order_of_packs_does_not_matter(
    packs: tuple[ActivePack, ...], tier: Tier, used_tflop: int, devices: int
) -> None:
    question = ask(packs, tier, used_tflop, devices)
    assert decide(question, packs) == decide(question, packs[::-1])


@given(active_packs, tiers, st.integers(0, 10**14), st.integers(0, 10**14), st.integers(1, 20_000))
def test_more_usage_never_makes_a_verdict_milder(
    packs: tuple[ActivePack, ...], tier: Tier, one: int, other: int, devices: int
) -> None:
    less, more = (decide(ask(packs, tier, used, devices), packs).verdict for used in sorted((one, other)))
    assert less.strictness <= more.strictness


@given(active_packs, st.integers(0, 10**14), st.integers(1, 20_000))
def test_one_more_pack_never_makes_a_verdict_milder(
    packs: tuple[ActivePack, ...], used_tflop: int, devices: int
) -> None:
    if packs:
        fewer = decide(ask(packs[1:], Tier.TWO, used_tflop, devices), packs[1:]).verdict
        assert fewer.strictness <= decide(ask(packs, Tier.TWO, used_tflop, devices), packs).verdict.strictness


def test_findings_differ_by_pack_and_the_stricter_pack_wins() -> None:
    rule = make_pack().rules[0]
    packs = enforced(*(make_pack(each, rules=(replace(rule, tiers=frozenset({Tier.TWO})),)) for each in ("a", "b")))
    question = make_question(packs)
    question = replace(question, findings={"a": make_finding(Tier.TWO), "b": make_finding(Tier.THREE)})
    decision = decide(question, packs)
    assert (decision.verdict, decision.tier, decision.reasons[0].pack) == (Verdict.DENY, Tier.THREE, "b")
