"""Roles of our own users hold where the record is written, and the verifier asks for them again by the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType, decode, encode
from gatekeeper.facts import new_record
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.verify import verify_totals_and_tiers
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock, log, org, record_of
from tests.registry.test_logins import WAYS, Way, ready
from tests.registry.test_users import sha
from tests.verify.books import KEY, export_of

EDITOR, APPROVER, ADMIN = Role.KYC_EDITOR, Role.KYC_APPROVER, Role.POLICY_ADMIN


def local(name: str, *roles: Role) -> Caller:
    return Caller(name, Method.LOCAL, frozenset(roles))


PIA, QUY = local("pia", ADMIN), local("quy", ADMIN)
EVA, BEN = local("eva", EDITOR), local("ben", APPROVER)


def staff(registry: Registry) -> None:
    """Two policy-admins, an editor and an approver: each has one role and a token of their own."""
    registry.begin_users("pia", frozenset({ADMIN}), sha("pia"))
    for each in (EVA, BEN, QUY):
        registry.add_user(each.name, each.roles, sha(each.name), by=PIA)
        registry.rotate_own(sha(each.name + "2"), by=each)


def read(stores: Stores) -> list[Record]:
    return [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def problems(records: list[Record]) -> list[str]:
    report = verify_totals_and_tiers(BytesIO(export_of([encode(each) for each in records])), KEY)
    return [str(each) for each in report.problems]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Stores, Registry]]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        yield stores, Registry(stores, HandClock(), packs=PACKS, cluster="east")


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_with_one_role_each_everybody_does_their_work_and_the_log_is_right(
    house: tuple[Stores, Registry], way: Way
) -> None:
    stores, registry = house
    ready(registry, way)
    way.ask(registry, EVA)  # before there are users: names alone do for what is prepared around it
    staff(registry)
    way.approve(registry, BEN)
    registry.link_login("eva", "e.evans@provider.example#00u1", by=PIA)
    registry.disable_user("ben", by=QUY)
    # What eva did came before she was added, which is another finding of the same check.
    assert [each for each in problems(read(stores)) if "never added" not in each] == []


def test_whoever_loses_the_role_after_the_token_was_shown_writes_nothing(house: tuple[Stores, Registry]) -> None:
    stores, registry = house
    staff(registry)
    registry.apply(record_of(org("lab", "US")), by=EVA)
    registry.disable_user("ben", by=PIA)
    registry.set_roles("eva", frozenset({Role.VIEWER}), by=PIA)
    before = log(stores)
    with pytest.raises(NotPermitted, match="ben may not approve"):
        registry.approve("lab", by=BEN)
    with pytest.raises(NotPermitted, match="ben may not approve"):
        registry.approve_all(None, by=BEN, seen=registry.review_all().fingerprint)
    with pytest.raises(NotPermitted, match="eva may not"):
        registry.apply(record_of(org("other", "US"), customer="other"), by=EVA)
    with pytest.raises(NotPermitted, match="eva may not"):
        registry.link_login("ben", "eva", by=local("eva", ADMIN))
    with pytest.raises(NotPermitted, match="zoe is no user"):
        registry.suspend("lab", by=local("zoe", APPROVER), reason="x")
    with pytest.raises(NotPermitted, match="known by name alone"):
        registry.approve("lab", by="zoe")
    assert log(stores) == before


def test_an_admin_who_gives_up_the_role_still_may_in_that_act(house: tuple[Stores, Registry]) -> None:
    stores, registry = house
    staff(registry)
    registry.set_roles("pia", frozenset({Role.VIEWER}), by=PIA)
    registry.disable_user("quy", by=QUY)
    registry.rotate_own(sha("pia3"), by=local("pia", Role.VIEWER))
    registry.begin_users("ron", frozenset({ADMIN}), sha("ron"))  # --bootstrap
    assert problems(read(stores)) == []


def test_who_was_frozen_by_links_gets_free_with_one_who_is_added_at_the_database(
    house: tuple[Stores, Registry],
) -> None:
    """The way out of docs/people.md."""
    stores, registry = house
    staff(registry)
    for name in ("ben", "quy", "pia"):
        registry.link_login("eva", name, by=PIA)
    assert (registry.people_with(APPROVER), registry.people_with(ADMIN)) == (1, 1)
    registry.apply(record_of(org("lab", "US")), by=EVA)
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=BEN)
    registry.ask_unlink("ben", by=QUY)
    with pytest.raises(NotPermitted):
        registry.approve_unlink("ben", by=PIA)
    registry.disable_user("pia", by=QUY)
    registry.begin_users("ron", frozenset({ADMIN}), sha("ron"))
    registry.approve_unlink("ben", by=local("ron", ADMIN))
    registry.apply(record_of(org("other", "US"), customer="other"), by=EVA)
    registry.approve("other", by=BEN)
    assert problems(read(stores)) == []


@pytest.fixture
def approved(house: tuple[Stores, Registry]) -> tuple[list[Record], int]:
    """An honest log, and where its approval stands."""
    stores, registry = house
    staff(registry)
    registry.apply(record_of(org("lab", "US")), by=EVA)
    registry.approve("lab", by=BEN)
    records = read(stores)
    return records, next(at for at, each in enumerate(records) if each.type is RecordType.CUSTOMER_APPROVED)


def instead(told: Any, name: str) -> Any:
    if isinstance(told, dict):
        return {key: instead(each, name) for key, each in told.items()}
    if isinstance(told, list | tuple):
        return [instead(each, name) for each in told]
    return name if told == "ben" else told


def by(record: Record, name: str, kind: ActorKind = ActorKind.PERSON, auth: Method | None = Method.LOCAL) -> Record:
    return replace(record, actor=Actor(kind, name, auth), facts=instead(dict(record.facts), name))


def test_the_verifier_names_an_approver_who_had_not_the_role(approved: tuple[list[Record], int]) -> None:
    records, at = approved
    assert problems(records) == []

    def with_(record: Record) -> str:
        return " ".join(problems([*records[:at], record, *records[at + 1 :]]))

    assert "quy may not approve" in with_(by(records[at], "quy"))
    assert "known by name alone" in with_(by(records[at], "ben", auth=None))
    assert "known by name alone" in with_(by(records[at], "ben", auth=Method.CLAIMED))
    assert "ben is a service account" in with_(by(records[at], "ben", ActorKind.SERVICE))
    assert "ben is a service account" in with_(by(records[at], "ben", ActorKind.SERVICE, None))
    assert with_(by(records[at], "ben#s-2", auth=Method.OIDC)) == ""  # whose roles no log tells


def test_the_verifier_names_a_user_who_acts_after_the_end(approved: tuple[list[Record], int]) -> None:
    records, at = approved
    none: list[JsonValue] = []
    held: dict[str, JsonValue] = {"roles": ["kyc-approver"], "asked": none}
    facts: dict[str, JsonValue] = {
        "user": "ben",
        "roles": none,
        "asked": none,
        "handed": False,
        "before": held,
        "asked_by": "",
        "token": "kept",
    }
    pia = Actor(ActorKind.PERSON, "pia", Method.LOCAL)
    disabled = new_record(RecordType.USER_DISABLED, pia, records[at].at, facts)
    ended = [*records[:at], disabled]
    assert problems(ended) == []
    assert "ben may not approve" in " ".join(problems([*ended, *records[at:]]))
    empty: dict[str, JsonValue] = {"roles": none, "asked": none}
    back = replace(records[at], type=RecordType.USER_CHANGED, facts={**facts, "before": empty, "token": "rotated"})
    assert "disabled" in " ".join(problems([*ended, back]))


def test_the_verifier_names_an_editor_who_links_logins(approved: tuple[list[Record], int]) -> None:
    records, at = approved
    facts = {"login": "ben", "person": "eva", "logins": ["ben", "eva"], "withdrawn": []}
    eva = Actor(ActorKind.PERSON, "eva", Method.LOCAL)
    linked = new_record(RecordType.LOGIN_LINKED, eva, records[at].at, facts)
    assert "eva may not" in " ".join(problems([*records, linked]))
