"""What a run rests on: approved by two, shared by those of one base, and joined by a hand-over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage, Operations
from gatekeeper.domain.particulars import Attestation, Particulars
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Purpose
from gatekeeper.run_files import load_run
from gatekeeper.statements import Statement, statement_of
from gatekeeper.statements.figures import figures_of
from gatekeeper.statements.report import report_markdown, report_rows
from gatekeeper.statements.words import starts
from tests.databases import new_stores
from tests.registry.serving import classify, use
from tests.registry.test_one_budget import LIMIT_TFLOP, pool, runs, verified
from tests.test_gate import House, make_gang

EXTRA_TFLOP = 25 * 10**12  # of the pack, 2.5e25
BASE_TFLOP = 98 * 10**12
FULL = Lineage(
    base=BaseModel("Open Base 70B", "Maker", 3, "card", published=True, controlled=False),
    carried_in_tflop=5,
    generators=(
        Generator(
            "teacher",
            20,
            7,
            9,
            "card",
            published=True,
            variant_of="big-teacher",
            included=(Operations("pre-training", 4),),
        ),
        Generator("judge", 1, 1, 1, "card"),
    ),
    counted=("data of judge",),
)
ATTESTED = Attestation("Carla", "Other Cloud", date(2026, 10, 2), "ab" * 32)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "house.db") as stores:
        found = House(stores)
        found.record_packs()
        found.enrol("lab", "PL")
        yield found


def derived(name: str = "open-base", tflop: int = BASE_TFLOP, *, published: bool | None = True) -> Lineage:
    return Lineage(BaseModel(name, "Maker", tflop, "model card", published), tflop)


def declare(house: House, run: str, *namespaces: str, lineage: Lineage | None = None, **more: Any) -> None:
    carried = lineage.carried_in_tflop if lineage else 0
    fields = {"customer_id": "lab", "title": "A model", "by": "ana", **more}
    house.registry.declare_run(
        run,
        namespaces=namespaces,
        carried_in_tflop=carried,
        carried_in_source="card" if carried else "",
        lineage=lineage,
        **fields,
    )


def test_operations_are_counted_already_only_where_the_run_carries_them_in(house: House) -> None:
    teacher = Generator("teacher", 100, 5 * 10**13, 9 * 10**13, "their word")
    named = ("data of teacher", "teacher")
    for carried, counted in [(0, named), (14 * 10**13 - 1, named), (9 * 10**13 - 1, ("teacher",))]:
        with pytest.raises(InvalidInput, match="counted already"):
            declare(house, "student", lineage=Lineage(None, carried, (teacher,), counted))
    declared(house, "student", lineage=Lineage(None, 14 * 10**13, (teacher,), named))


def test_a_teacher_that_is_the_base_run_is_counted_as_far_as_its_account_goes(house: House) -> None:
    declared(house, "teacher", lineage=Lineage(carried_in_tflop=1_000))
    for tflop, fits in ((1_001, False), (1_000, True)):
        told = Lineage(generators=(Generator("teacher", 100, 0, tflop, "its account"),), counted=("teacher",))
        if fits:
            declare(house, "student", lineage=told, particulars=Particulars(base_run="teacher"))
            continue
        with pytest.raises(InvalidInput, match="counted already"):
            declare(house, "student", lineage=told, particulars=Particulars(base_run="teacher"))


def declared(house: House, run: str, *namespaces: str, lineage: Lineage | None = None, **more: Any) -> None:
    declare(house, run, *namespaces, lineage=lineage, **more)
    house.registry.approve_run(run, by="ben")


# What is declared


def test_a_declaration_comes_back_from_the_store_and_stands_in_the_log(house: House) -> None:
    declared(house, "base")
    said = Particulars("base", "bf16", "8 x H100", "chat", ATTESTED)
    declared(house, "llm", lineage=FULL, particulars=said)
    stored = house.stores.read(lambda reader: reader.run("llm"))
    assert stored is not None
    assert (stored.lineage, stored.particulars) == (FULL, said)
    facts = house.records(RecordType.RUN_APPROVED)[-1]
    assert facts["lineage"]["base"] == {  # type: ignore[index]
        "name": "Open Base 70B",
        "by": "Maker",
        "training_tflop": "3",
        "source": "card",
        "published": True,
        "controlled": False,
    }
    assert facts["particulars"]["attestation"]["document_sha256"] == "ab" * 32  # type: ignore[index]
    assert verified(house).problems == ()


def test_the_example_is_a_declaration(house: House) -> None:
    said = load_run(Path(__file__).parents[2] / "examples" / "runs" / "indic-llm-2.yaml")
    assert said.lineage is not None
    assert said.lineage.carried_in_tflop == said.carried_in_tflop == 34 * 10**11
    assert said.particulars.attestation is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("flop: 3.4e24", "flop: 1e24"), "less is carried in"),
        (("share_percent: 20", "share_percent: 120"), "share_percent"),
        (("published: yes\n  controlled: no", "published: yes\n  controlled: yes"), "cannot be both"),
        (("published: yes", "published: maybe"), "published"),
        (("on: 2026-10-02", "on: yesterday"), "'on'"),
        (("b7852b855", "b7852b8"), "SHA-256"),
        (("format: 1", "format: 2"), "format"),
        (("hardware:", "hard_ware:"), "hard_ware"),
    ],
)
def test_a_file_that_says_nonsense_is_refused_with_its_line(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = (Path(__file__).parents[2] / "examples" / "runs" / "indic-llm-2.yaml").read_text("utf-8")
    assert change[0] in text
    (tmp_path / "run.yaml").write_text(text.replace(*change), "utf-8")
    with pytest.raises(InvalidInput, match=r"run\.yaml:\d+:\d+: ") as refused:
        load_run(tmp_path / "run.yaml")
    assert says in str(refused.value)


def test_what_does_not_count_begins_from_no_model(house: House) -> None:
    with pytest.raises(InvalidInput, match="trains nothing"):
        declare(house, "chat", "serve", purpose=Purpose.INFERENCE, particulars=Particulars("base"))


def test_less_than_is_known_of_a_base_is_refused(house: House) -> None:
    declared(house, "one", lineage=derived(tflop=5))
    with pytest.raises(InvalidInput, match="5 TFLOP by the lineage of run one"):
        declare(house, "two", lineage=derived("OPEN base", 4))
    use(house, "one", 10)
    with pytest.raises(InvalidInput, match="15 TFLOP by the account of run one"):
        declare(house, "three", lineage=derived("One", 14))
    declare(house, "four", lineage=derived("one", 15))
    use(house, "one", 1)
    with pytest.raises(InvalidInput, match="16 TFLOP"):
        house.registry.approve_run("four", by="ben")


# What it allows


def test_an_allowance_holds_from_the_second_person_on(house: House) -> None:
    house.bind("free", "lab")
    declare(house, "llm", "lab", lineage=derived())
    assert pool(house, "lab").limit_tflop == LIMIT_TFLOP
    house.registry.approve_run("llm", by="ben")
    found = pool(house, "lab")
    assert (found.limit_tflop, found.used_tflop) == (BASE_TFLOP + EXTRA_TFLOP, BASE_TFLOP)
    assert pool(house, "free").budget_tflop == EXTRA_TFLOP


@pytest.mark.parametrize("published", [False, None])
def test_a_base_that_nobody_says_is_published_allows_nothing(house: House, published: bool | None) -> None:
    declared(house, "llm", "lab", lineage=derived(published=published))
    assert pool(house, "lab").limit_tflop == LIMIT_TFLOP


@pytest.mark.parametrize("spelling", ["open-base", "Open Base", "OPEN_BASE", "ｏｐｅｎ-base"])
def test_one_training_declared_as_several_of_one_base_shares_one_allowance(house: House, spelling: str) -> None:
    house.enrol("daughter", "PL", parents=("lab",))
    declared(house, "one", "a", lineage=derived())
    declared(house, "two", "b", lineage=derived(spelling), customer_id="daughter")
    use(house, "one", 20 * 10**12)
    for namespace in ("a", "b"):
        found = pool(house, namespace)
        assert found.budget_tflop == 5 * 10**12
        assert found.twice_tflop == BASE_TFLOP
    use(house, "two", 5 * 10**12)
    assert not house.gate.release(make_gang("a", "x")).lets_start
    assert not house.gate.release(make_gang("lab", "y")).lets_start
    assert verified(house).problems == ()


def test_a_stranger_s_run_of_the_same_base_shares_nothing(house: House) -> None:
    house.enrol("stranger", "PL")
    declared(house, "one", "a", lineage=derived())
    declared(house, "two", "b", lineage=derived(), customer_id="stranger")
    use(house, "one", EXTRA_TFLOP)
    assert pool(house, "b").budget_tflop == EXTRA_TFLOP


# Hand-over


def joined(house: House) -> None:
    house.enrol("buyer", "PL")
    declared(house, "one", "a")
    declared(house, "two", "b", customer_id="buyer")
    house.registry.hand_over("one", "two", by="eve", reason="the model was sold")


def test_a_hand_over_makes_one_model_of_two_runs_live_and_both_ways(house: House) -> None:
    joined(house)
    for run, high in (("one", 30), ("two", 20), ("undeclared.buyer", 7), ("undeclared.lab", 5)):
        use(house, run, high)
    for namespace, first in (("a", "one"), ("b", "two")):
        found = pool(house, namespace)
        assert runs(found)[0] == first
        assert sorted(runs(found)) == ["one", "two", "undeclared.buyer", "undeclared.lab"]
        assert (found.used_tflop, found.limit_tflop) == (62, LIMIT_TFLOP)
    assert pool(house, "lab").used_tflop == 62
    house.gate.release(make_gang("a", "x"))
    assert house.gate.release(make_gang("b", "y")).lets_start
    assert house.gate.release(make_gang("lab", "z")).lets_start


def test_a_hand_over_to_an_exhausted_model_stops_both(house: House) -> None:
    declared(house, "one", "a")
    declared(house, "two", "b")
    use(house, "one", LIMIT_TFLOP)
    use(house, "two", 1)
    assert house.gate.must_stop("b") is None
    house.registry.hand_over("one", "two", by="eve", reason="x")
    assert house.gate.must_stop("a") is not None
    assert house.gate.must_stop("b") is not None


def test_a_hand_over_is_recorded_once_and_verifies(house: House) -> None:
    joined(house)
    house.registry.hand_over("two", "one", by="ana", reason="again")
    assert house.records(RecordType.RUN_JOINED) == [
        {"run": "one", "customer": "lab", "into": "two", "into_customer": "buyer", "reason": "the model was sold"}
    ]
    for namespace in ("a", "b", "lab", "buyer"):
        assert house.gate.release(make_gang(namespace, f"in-{namespace}")).lets_start
    assert verified(house).problems == ()


def test_the_approval_of_a_base_run_joins(house: House) -> None:
    declared(house, "one", "a")
    declare(house, "two", "b", particulars=Particulars("one"))
    assert runs(pool(house, "a")) == ["one", "undeclared.lab"]
    house.registry.approve_run("two", by="ben")
    assert runs(pool(house, "a")) == ["one", "two", "undeclared.lab"]
    with pytest.raises(NotFound):
        declare(house, "three", particulars=Particulars("nobody-s"))


def test_only_approved_training_is_joined(house: House) -> None:
    declared(house, "one")
    declare(house, "two")
    classify(house, "serve")
    for other in ("two", "chat"):
        with pytest.raises(NotPermitted, match="only approved runs of training"):
            house.registry.hand_over("one", other, by="eve", reason="x")
    with pytest.raises(NotFound):
        house.registry.hand_over("one", "undeclared.lab", by="eve", reason="x")
    with pytest.raises(InvalidInput):
        house.registry.hand_over("one", "one", by="eve", reason="x")
    with pytest.raises(InvalidInput, match="reason"):
        house.registry.hand_over("one", "two", by="eve", reason=" ")


# What is shown


def shown(house: House, run: str) -> Statement:
    site, now = house.gate._provider.site, house.clock.now()
    packs = house.gate._provider.packs
    return house.stores.read(lambda reader: statement_of(reader, run, packs=packs, site=site, now=now))


def test_what_is_shown_of_a_run_is_what_a_decision_weighs_with_the_models_that_made_its_data(house: House) -> None:
    teacher = Generator("teacher", 60, 5 * 10**12, 10**11, "their word")
    declare(house, "student", "a", lineage=Lineage(None, 3 * 10**12, (teacher,)))
    waiting = shown(house, "student")
    house.registry.approve_run("student", by="ben")
    weighed, approved = pool(house, "a"), shown(house, "student")
    assert (weighed.used_tflop, weighed.extra_tflop) == (81 * 10**11, 51 * 10**11)
    assert (approved.used_tflop, approved.left_tflop) == (weighed.used_tflop, weighed.budget_tflop)
    assert starts(waiting).startswith("starts with 8.1 % of")
    assert waiting.if_approved is not None
    assert waiting.if_approved.used_tflop == weighed.used_tflop
    figures = figures_of(approved)
    assert (figures["used_percent"], figures["synthetic_data_tflop"]) == ("8.1", str(51 * 10**11))
    for text in (starts(waiting), report_markdown(approved)):
        assert "5.10e24 of it by the models that made its data" in text
    assert [row["high_tflop"] for row in report_rows(approved) if row["part"] == "synthetic data"] == [51 * 10**11]


def test_a_base_that_two_runs_carry_in_is_shown_once_as_it_is_weighed_once(house: House) -> None:
    declared(house, "one", "a", lineage=derived())
    declared(house, "two", "b", lineage=derived())
    for run, namespace in (("one", "a"), ("two", "b"), ("undeclared.lab", "lab")):
        weighed, told = pool(house, namespace), shown(house, run)
        assert (told.used_tflop, told.left_tflop) == (weighed.used_tflop, weighed.budget_tflop)
        assert told.used_tflop == BASE_TFLOP


def test_a_refusal_after_a_hand_over_names_the_run_that_was_handed_over_and_no_undeclared_training(
    house: House,
) -> None:
    declared(house, "one", "a")
    declared(house, "two", "b")
    use(house, "two", LIMIT_TFLOP)
    house.registry.hand_over("two", "one", by="eve", reason="a checkpoint")
    refused = house.gate.release(make_gang("a", "x")).decision
    assert refused is not None
    assert "of it by run two, one model with it since a checkpoint was handed over" in refused.sentence
    assert "undeclared" not in refused.sentence
    assert "run two counts beside it, one model with it" in report_markdown(shown(house, "one"))


def test_a_refusal_after_a_hand_over_of_another_customer_does_not_name_its_run(house: House) -> None:
    joined(house)
    use(house, "two", LIMIT_TFLOP)
    refused = house.gate.release(make_gang("a", "x")).decision
    assert refused is not None
    assert "of it by a run of another customer, one model with it since a checkpoint" in refused.sentence


def test_each_part_that_counts_beside_a_run_is_told_by_what_it_is(house: House) -> None:
    declared(house, "one", "a", lineage=derived())
    declared(house, "two", "b", lineage=derived())
    use(house, "undeclared.lab", LIMIT_TFLOP)
    refused = house.gate.release(make_gang("a", "x")).decision
    assert refused is not None
    assert "9.80e25 of it by run two, which began from the same base" in refused.sentence
    assert "of it by undeclared training of the same group, which could be the same model" in refused.sentence
