"""One human with several logins is one pair of eyes: what a dishonest employee tries, and what it meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.record import Record, RecordType, decode
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.two_hands import Hands
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.people import PeopleCheck
from tests.registry.office import PACKS, HandClock, declare, enrol, log, org, record_of

ALL = frozenset(Role)
ANA = Caller("ana", Method.LOCAL, ALL)
ANA_TOO = Caller("a.archer@provider.example#00u1", Method.OIDC, ALL)
ROBOT = Caller("system:serviceaccount:kyc:ana", Method.TOKEN_REVIEW, ALL)
BEN = Caller("ben", Method.LOCAL, ALL)
CEM = Caller("cem", Method.OIDC, ALL)
DIA = Caller("dia#s-4", Method.OIDC, ALL)


def link(registry: Registry, one: Caller = ANA, other: Caller = ANA_TOO) -> None:
    registry.link_login(one.name, other.name, by=CEM)


def unlink(registry: Registry) -> None:
    registry.ask_unlink(ANA_TOO.name, by=CEM)
    registry.approve_unlink(ANA_TOO.name, by=DIA)


@dataclass(frozen=True)
class Way:
    """One thing that takes two: how it is asked, and how it is approved."""

    ask: Callable[[Registry, Caller], object]
    approve: Callable[[Registry, Caller], object]
    known: bool = True  # whether the customer is enrolled before


def _correct(registry: Registry, by: Caller) -> None:
    declare(registry)
    registry.approve_run("llm", by="ben")
    registry.correct("llm", high_tflop=8, reason="x", by="ben")
    registry.correct("llm", high_tflop=-8, reason="counted twice", by=by)


def _approve_correction(registry: Registry, by: Caller) -> None:
    waiting = registry._stores.read(lambda reader: [each.id for each in reader.corrections() if not each.in_effect])
    registry.approve_correction(waiting[0], by=by)


def _reject(registry: Registry, by: Caller) -> None:
    registry.apply(record_of(org("lab", "US")), by="ben")
    registry.reject("lab", by=by, reason="x", final=True)


WAYS = {
    "customer": Way(
        lambda registry, by: registry.apply(record_of(org("lab", "US")), by=by),
        lambda registry, by: registry.approve("lab", by=by),
        known=False,
    ),
    "batch": Way(
        lambda registry, by: registry.apply(record_of(org("lab", "US")), by=by),
        lambda registry, by: registry.approve_all(None, by=by, seen=registry.review_all().fingerprint),
        known=False,
    ),
    "reopening": Way(_reject, lambda registry, by: registry.reopen("lab", by=by, reason="x"), known=False),
    "override": Way(
        lambda registry, by: registry.override("lab", tier=Tier.ONE, hours=1, reason="x", by=by),
        lambda registry, by: registry.approve_override("lab", by=by),
    ),
    "binding": Way(
        lambda registry, by: registry.bind("train", "lab", by=by),
        lambda registry, by: registry.approve_binding("train", by=by),
    ),
    "run": Way(
        lambda registry, by: declare(registry, by=by),
        lambda registry, by: registry.approve_run("llm", by=by),
    ),
    "correction": Way(_correct, _approve_correction),
}


def ready(registry: Registry, way: Way) -> None:
    if way.known:
        enrol(registry, org("lab", "CN"))


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("first", [ANA, ROBOT], ids=["local", "service-account"])
def test_no_login_of_a_person_approves_what_another_one_asked(registry: Registry, way: Way, first: Caller) -> None:
    ready(registry, way)
    link(registry)
    link(registry, ANA, ROBOT)
    way.ask(registry, first)
    with pytest.raises(NotPermitted, match=r" is one person with [^ ]+, who .*(this takes two|so cannot)"):
        way.approve(registry, ANA_TOO)
    way.approve(registry, BEN)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_a_link_holds_for_what_waits_already(registry: Registry, stores: Stores, way: Way) -> None:
    ready(registry, way)
    way.ask(registry, ANA)
    link(registry)
    size = stores.read(lambda reader: reader.log_size())
    with pytest.raises(NotPermitted, match=r" is one person with [^ ]+, who .*(this takes two|so cannot)"):
        way.approve(registry, ANA_TOO)
    assert stores.read(lambda reader: reader.log_size()) == size


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_unlink_then_approve_is_refused_for_what_was_asked_as_one_person(registry: Registry, way: Way) -> None:
    ready(registry, way)
    link(registry)
    way.ask(registry, ANA)
    unlink(registry)
    with pytest.raises(NotPermitted, match="were one person when ana did what waits"):
        way.approve(registry, ANA_TOO)
    way.approve(registry, BEN)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_two_people_again_are_both_hands_of_what_comes_after(registry: Registry, way: Way) -> None:
    ready(registry, way)
    link(registry)
    unlink(registry)
    way.ask(registry, ANA)
    way.approve(registry, ANA_TOO)


def test_who_changed_a_party_alone_does_not_approve_it_by_another_login(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    registry.apply(record_of(org("lab", "US", "hold"), org("hold", "CN")), by=ANA)
    registry.apply(record_of(org("lab", "US", "hold"), org("hold", "US")), by=BEN)
    link(registry)
    with pytest.raises(NotPermitted, match="changed party hold of customer lab alone"):
        registry.approve("lab", by=ANA_TOO)


def test_an_approval_of_before_stands_and_is_named_to_be_looked_at(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by=ANA)
    registry.approve("lab", by=ANA_TOO)
    assert registry.approved_by_one("ana") == []
    link(registry)
    assert registry.approved_by_one("ana") == ["lab"]
    assert registry.approved_by_one("ben") == []
    registry.suspend("lab", by=BEN, reason="one hand")
    registry.reinstate("lab", by=ANA, reason="x")
    with pytest.raises(NotPermitted, match=r"one person|prepared"):
        registry.approve("lab", by=ANA_TOO)


def test_only_a_policy_admin_links_and_no_machine_and_nobody_by_name_alone(registry: Registry) -> None:
    for by in (Caller("eve", Method.OIDC, ALL - {Role.POLICY_ADMIN}), ROBOT, Caller.claimed("cem")):
        with pytest.raises(NotPermitted):
            registry.link_login("ana", ANA_TOO.name, by=by)


def test_who_asks_to_unlink_does_not_approve_it_nor_does_whose_login_it_is(registry: Registry) -> None:
    link(registry)
    with pytest.raises(NotPermitted, match="Nobody asked to unlink"):
        registry.approve_unlink(ANA_TOO.name, by=DIA)
    registry.ask_unlink(ANA_TOO.name, by=CEM)
    with pytest.raises(Conflict, match="cem asked already"):
        registry.ask_unlink(ANA_TOO.name, by=DIA)
    for by in (CEM, ANA, ANA_TOO, Caller("ana", Method.OIDC, ALL)):
        with pytest.raises(NotPermitted, match="cannot approve it"):
            registry.approve_unlink(ANA_TOO.name, by=by)
    assert registry.approve_unlink(ANA_TOO.name, by=DIA).logins == tuple(sorted((ANA_TOO.name, "ana")))
    assert registry.people().persons == ()


def test_a_second_login_of_who_asked_to_unlink_does_not_approve_it(registry: Registry) -> None:
    link(registry)
    link(registry, CEM, DIA)
    registry.ask_unlink(ANA_TOO.name, by=CEM)
    with pytest.raises(NotPermitted, match="asked to unlink"):
        registry.approve_unlink(ANA_TOO.name, by=DIA)


def test_to_link_again_withdraws_what_waits_to_be_unlinked(registry: Registry, stores: Stores) -> None:
    link(registry)
    registry.ask_unlink(ANA_TOO.name, by=CEM)
    link(registry)
    assert log(stores)[-1]["facts"] == {
        "login": ANA_TOO.name, "person": "ana", "logins": [ANA_TOO.name, "ana"], "withdrawn": [ANA_TOO.name],
    }  # fmt: skip
    with pytest.raises(NotPermitted, match="Nobody asked"):
        registry.approve_unlink(ANA_TOO.name, by=DIA)
    with pytest.raises(Conflict, match="one person already"):
        link(registry)


def test_nobody_keeps_their_own_logins_together_against_who_asks_to_unlink_one(
    registry: Registry, stores: Stores
) -> None:
    for number in range(60):
        registry.link_login(CEM.name, f"junk{number}", by=CEM)
    registry.link_login(CEM.name, "c.em@provider.example#00u9", by=DIA)  # the real one, past what a record names
    assert log(stores)[-1]["facts"]["logins_total"] == 62
    registry.ask_unlink("junk1", by=DIA)
    with pytest.raises(NotPermitted, match="nobody withdraws that of their own logins"):
        registry.link_login(CEM.name, "junk1", by=CEM)
    registry.link_login("junk1", "another", by=CEM)  # nor by one more name
    registry.approve_unlink("junk1", by=BEN)
    assert not registry.people().same(CEM.name, "junk1")
    assert problems(stores) == []


def test_to_link_one_login_again_withdraws_nothing_of_another(registry: Registry) -> None:
    link(registry)
    link(registry, ANA, ROBOT)
    registry.ask_unlink(ANA_TOO.name, by=CEM)
    registry.ask_unlink(ROBOT.name, by=CEM)
    registry.link_login(ANA.name, "ana-three", by=CEM)
    link(registry, ANA, ROBOT)
    assert registry.people().waits == {ANA_TOO.name: CEM.name}


def test_persons_with_a_login_in_common_are_one(registry: Registry) -> None:
    link(registry)
    link(registry, BEN, ROBOT)
    registry.link_login(ROBOT.name, "ANA", by=CEM)
    assert len(registry.people().persons) == 1
    registry.apply(record_of(org("lab", "US")), by=ANA_TOO)
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=BEN)


def test_what_leaves_a_person_leaves_the_others_together(registry: Registry) -> None:
    link(registry)
    link(registry, ANA, ROBOT)
    registry.ask_unlink("ana", by=CEM)
    registry.approve_unlink("ana", by=DIA)
    people = registry.people()
    assert people.same(ANA_TOO.name, ROBOT.name)
    assert not people.same("ana", ROBOT.name)


@pytest.mark.parametrize(
    ("name", "other", "error"),
    [
        ("ana", "ANA", InvalidInput),
        ("ana", "ana#00u1", InvalidInput),
        ("ana", "\u0430na", InvalidInput),
        ("ana", "a\u200bna", InvalidInput),
        ("ana", "x, y", InvalidInput),
        ("ana", "", InvalidInput),
    ],
)
def test_what_is_no_second_login_is_not_linked(
    registry: Registry, name: str, other: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        registry.link_login(name, other, by=CEM)


def test_what_is_not_linked_is_not_unlinked(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no login that was linked"):
        registry.ask_unlink("ana", by=CEM)


def test_a_renamed_claim_of_the_provider_makes_no_second_person(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by=ANA_TOO)
    for renamed in ("archer#00u1", "00u1#00u1", "a.archer@provider.example#00u9"):
        with pytest.raises(NotPermitted):
            registry.approve("lab", by=Caller(renamed, Method.OIDC, ALL))


@pytest.mark.parametrize(
    "spelling", ["a.archer+kyc@provider.example", "aarcher@provider.example", "A.Archer@Provider.Example"]
)
def test_a_tag_or_dots_of_an_address_make_no_second_person(registry: Registry, spelling: str) -> None:
    registry.apply(record_of(org("lab", "US")), by=Caller(spelling, Method.LOCAL, ALL))
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=ANA_TOO)


def test_a_disabled_user_keeps_its_person_and_is_not_added_anew(registry: Registry) -> None:
    boss = registry.begin_users("boss", frozenset({Role.POLICY_ADMIN}), "0" * 64).caller
    registry.add_user("ana", frozenset({Role.KYC_EDITOR}), "1" * 64, by=boss)
    registry.link_login("ana", ANA_TOO.name, by=boss)
    registry.disable_user("ana", by=boss)
    for name in ("ana", "ANA", "\uff41na"):
        with pytest.raises(Conflict, match="is the user ana"):
            registry.add_user(name, frozenset({Role.KYC_EDITOR}), "2" * 64, by=boss)
    registry.hand_token("ana", "3" * 64, by=boss)
    registry.apply(record_of(org("lab", "US")), by=ANA)
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=ANA_TOO)


@pytest.mark.parametrize(
    "name",
    [
        "\u0430na",
        "an\u0430@provider.example",
        "ana\u200b",
        "ana\u202e",
        "ana@provider.example.",
        "ana@xn--prvider-bjg.example",
        "system:serviceaccount:kyc:ana",
        "ana#00u1",
    ],
)
def test_a_name_that_is_not_what_it_looks_like_is_refused(registry: Registry, name: str) -> None:
    boss = registry.begin_users("boss", frozenset({Role.POLICY_ADMIN}), "0" * 64).caller
    with pytest.raises(InvalidInput, match=r"cannot be the name of a person|punycode"):
        registry.add_user(name, frozenset({Role.VIEWER}), "1" * 64, by=boss)


@pytest.mark.parametrize("name", ["b0ss", "b.oss", "bo-ss", "bo55"])
def test_a_name_that_looks_like_a_user_is_not_given_out(registry: Registry, name: str) -> None:
    boss = registry.begin_users("boss", frozenset({Role.POLICY_ADMIN}), "0" * 64).caller
    with pytest.raises(Conflict, match="looks like the user boss"):
        registry.add_user(name, frozenset({Role.VIEWER}), "1" * 64, by=boss)


def test_a_user_with_the_address_of_a_colleague_is_that_colleague(registry: Registry) -> None:
    """Whoever has the token: the colleague learns of it when his own approval is refused, and nobody gained a hand."""
    boss = registry.begin_users("boss", frozenset({Role.POLICY_ADMIN}), "0" * 64).caller
    user = registry.add_user("a.archer@provider.example", frozenset({Role.KYC_EDITOR}), "1" * 64, by=boss)
    registry.apply(record_of(org("lab", "US")), by=user.caller)
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=ANA_TOO)


def strict(stores: Stores, **hands: frozenset[Method] | tuple[str, ...]) -> Registry:
    return Registry(stores, HandClock(), packs=PACKS, cluster="east", hands=Hands(**hands))  # type: ignore[arg-type]


def test_where_only_the_provider_tells_people_apart_no_other_login_approves(stores: Stores) -> None:
    registry = strict(stores, second=frozenset({Method.OIDC}))
    registry.apply(record_of(org("lab", "US")), by=ANA)
    for by in (BEN, Caller.claimed("dia"), "dia"):
        with pytest.raises(NotPermitted, match=r"identity\.second_hand|cannot be the second"):
            registry.approve("lab", by=by)
    registry.approve("lab", by=CEM)


def test_where_only_the_provider_tells_people_apart_no_other_login_prepares(registry: Registry, stores: Stores) -> None:
    registry.apply(record_of(org("old", "US"), customer="old"), by=ANA)
    narrow = strict(stores, first=frozenset({Method.OIDC}), second=frozenset({Method.OIDC}))
    for by in (ANA, ROBOT, "eve"):
        with pytest.raises(NotPermitted, match=r"cannot prepare or ask"):
            narrow.apply(record_of(org("lab", "US")), by=by)
    with pytest.raises(NotPermitted, match=r"ana is known by local and cannot have prepared"):
        narrow.approve("old", by=CEM)
    narrow.apply(record_of(org("lab", "US")), by=ANA_TOO)
    narrow.approve("lab", by=CEM)
    narrow.suspend("lab", by=ANA, reason="stricter is everybody's")


def test_users_are_called_by_an_address_of_the_house_where_the_settings_say_so(stores: Stores) -> None:
    registry = strict(stores, domains=("provider.example",))
    for name in ("boss", "provider.example", "boss@else.example", "boss@provider.example.else.example"):
        with pytest.raises(InvalidInput, match=r"no address in provider\.example"):
            registry.begin_users(name, frozenset({Role.POLICY_ADMIN}), "0" * 64)
    assert registry.begin_users("boss@Provider.example", frozenset({Role.POLICY_ADMIN}), "0" * 64).roles


@pytest.mark.parametrize("method", Method)
def test_a_service_account_is_never_a_second_hand_whoever_vouches_for_it(registry: Registry, method: Method) -> None:
    registry.apply(record_of(org("lab", "US")), by=BEN)
    for name in ("system:serviceaccount:kyc:ana", "system:serviceaccount:kyc:ana#system:serviceaccount:kyc:ana"):
        with pytest.raises((NotPermitted, InvalidInput)):
            registry.approve("lab", by=Caller(name, method, ALL))


def problems(
    stores: Stores, *, without: str = "", change: Callable[[Record], Record] = lambda record: record
) -> list[str]:
    check, found = PeopleCheck(), []
    for leaf in stores.read(lambda reader: list(reader.leaves())):
        record = change(decode(leaf))
        if record.type.value == without:
            continue
        try:
            check.see(record)
        except Wrong as error:
            found.append(str(error))
    return found


def test_the_verifier_follows_links_in_the_order_of_the_log(registry: Registry, stores: Stores) -> None:
    registry.apply(record_of(org("lab", "US")), by=ANA)
    registry.approve("lab", by=ANA_TOO)
    link(registry)
    unlink(registry)
    assert problems(stores) == []
    assert len(problems(stores, without="login.linked")) == 2
    found = problems(stores, without="login.unlink_asked")
    assert [each.partition(":")[0] for each in found] == [f"Login {ANA_TOO.name} is unlinked, which cannot be"]


@pytest.mark.parametrize(
    ("kind", "facts", "auth", "told"),
    [
        (RecordType.LOGIN_UNLINKED, {"asked_by": "zoe"}, Method.OIDC, "asked to unlink"),
        (RecordType.LOGIN_LINKED, {"withdrawn": ["zoe"]}, Method.OIDC, "withdraws nothing"),
        (RecordType.LOGIN_LINKED, {}, Method.CLAIMED, "nobody established who that is"),
        (RecordType.LOGIN_UNLINKED, {}, None, "nobody established who that is"),
    ],
)
def test_the_verifier_finds_a_link_that_tells_of_others_or_that_nobody_known_made(
    registry: Registry, stores: Stores, kind: RecordType, facts: dict[str, Any], auth: Method | None, told: str
) -> None:
    link(registry)
    unlink(registry)

    def change(record: Record) -> Record:
        if record.type is not kind:
            return record
        return replace(record, facts={**record.facts, **facts}, actor=replace(record.actor, auth=auth))

    assert problems(stores) == []
    (found,) = problems(stores, change=change)
    assert told in found
