"""Long files, standard input and several JSON documents: read piece by piece, and never counted for less."""

import io
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from admission import json_texts, members, sources, yaml_texts
from admission.inspect import Problem, inspect_paths

LIMIT = 20_000
POD = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}]}}
Write = Callable[[Any], str]


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of 20 kB at most, so that a long list is quickly written."""
    for module in (sources, yaml_texts, json_texts):
        monkeypatch.setattr(module, "LARGEST_OBJECT_BYTES", LIMIT)
    monkeypatch.setattr(json_texts, "_PIECE", 1_000)


def pods(count: int) -> list[dict[str, Any]]:
    return [{**json.loads(json.dumps(POD)), "metadata": {"name": f"p{each}"}} for each in range(count)]


def as_yaml(value: Any) -> str:
    return yaml.dump(value, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


WRITERS = pytest.mark.parametrize(("suffix", "write"), [(".json", json.dumps), (".yaml", as_yaml)])


def told(path: Path) -> list[tuple[int, int | None, str]]:
    return [(each["index"], each["item"], each["name"]) for each in found(path) if isinstance(each, dict)]


def found(path: Path) -> list[dict[str, Any] | Problem]:
    return list(inspect_paths([path]))


def problem(path: Path) -> str:
    (*_, last) = found(path)
    assert isinstance(last, Problem)
    return last.message


@WRITERS
@pytest.mark.parametrize("order", [("kind", "apiVersion", "items"), ("apiVersion", "items", "kind")])
@pytest.mark.usefixtures("_small")
def test_a_list_longer_than_any_object_is_read_to_its_end(
    tmp_path: Path, suffix: str, write: Write, order: tuple[str, ...]
) -> None:
    file = tmp_path / f"a{suffix}"
    values = {"kind": "List", "apiVersion": "v1", "items": pods(2_000)}
    file.write_text(write({key: values[key] for key in order}))
    assert file.stat().st_size > 10 * LIMIT
    assert told(file) == [(0, each, f"p{each}") for each in range(2_000)]


@WRITERS
@pytest.mark.usefixtures("_small")
def test_members_of_a_long_typed_list_take_their_kind_from_it(tmp_path: Path, suffix: str, write: Write) -> None:
    file = tmp_path / f"a{suffix}"
    bare = [{"metadata": each["metadata"], "spec": each["spec"]} for each in pods(1_000)]
    file.write_text(write({"kind": "PodList", "apiVersion": "v1", "items": bare, "metadata": {}}))
    assert told(file) == [(0, each, f"p{each}") for each in range(1_000)]


@WRITERS
@pytest.mark.usefixtures("_small")
def test_a_long_list_that_names_its_kind_too_late_is_refused_and_not_left_out(
    tmp_path: Path, suffix: str, write: Write
) -> None:
    file = tmp_path / f"a{suffix}"
    bare = [{"spec": each["spec"]} for each in pods(1_000)]
    file.write_text(write({"items": bare, "kind": "PodList", "apiVersion": "v1"}))
    assert "says no kind, and the list says it too late" in problem(file)
    file.write_text(write({"items": bare[:50], "kind": "PodList", "apiVersion": "v1"}))
    assert len(told(file)) == 50


@WRITERS
@pytest.mark.usefixtures("_small")
def test_what_is_too_long_and_no_list_in_the_end_is_an_error(tmp_path: Path, suffix: str, write: Write) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_text(write({"items": pods(1_000), **POD}))
    assert "too long for one object, and its kind is no List" in problem(file)
    file.write_text(write({"items": pods(20), **POD}))
    assert told(file) == [(0, None, "")]


@WRITERS
@pytest.mark.usefixtures("_small")
def test_one_object_beyond_the_limit_ends_the_file_wherever_it_stands(
    tmp_path: Path, suffix: str, write: Write
) -> None:
    file = tmp_path / f"a{suffix}"
    long = {**POD, "metadata": {"annotations": {"a": "x" * 5 * LIMIT}}}
    for value in (long, {"kind": "List", "apiVersion": "v1", "items": [*pods(3), long, *pods(3)]}):
        file.write_text(write(value))
        assert "one object is larger than" in problem(file)
    file.write_text(write({f"k{each}": "x" * 100 for each in range(2_000)}))
    assert "one object is larger than" in problem(file)


@pytest.mark.usefixtures("_small")
def test_a_long_list_keeps_no_anchors_and_repeats_none_without_end(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    head = "kind: List\napiVersion: v1\nitems:\n"
    short = "".join(f"- {json.dumps(each)}\n" for each in pods(3))
    file.write_text(f"{head}- &p {json.dumps(POD)}\n{short}- *p\n")
    assert [item for _, item, _ in told(file)] == [0, 1, 2, 3, 4]
    file.write_text(head + short * 500 + f"- &p {json.dumps(POD)}\n")
    assert "an anchor in a list that is too long for it" in problem(file)
    file.write_text(f"{head}- &p {json.dumps(['x'] * 2_000)}\n" + "- *p\n" * 300)
    assert "more than 500,000 values with every alias written out" in problem(file)


def test_values_are_counted_for_each_member_and_not_for_their_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_texts, "LARGEST_DOCUMENT_NODES", 50)
    file = tmp_path / "a.yaml"
    file.write_text(as_yaml({"apiVersion": "v1", "items": pods(100), "kind": "List"}))
    assert len(told(file)) == 100
    file.write_text(as_yaml({"apiVersion": "v1", "items": [*pods(10), {"a": list(range(60))}], "kind": "List"}))
    assert "more than 50 values" in problem(file)


@pytest.mark.slow
@WRITERS
def test_the_length_of_a_list_does_not_matter_to_memory(tmp_path: Path, suffix: str, write: Write) -> None:
    file = tmp_path / f"a{suffix}"
    member = write([{**POD, "metadata": {"annotations": {"a": "x" * 2_000_000}}}])
    inner = member[1:-1] + "," if suffix == ".json" else member
    with file.open("w") as out:
        out.write('{"kind": "List", "items": [' if suffix == ".json" else "kind: List\nitems:\n")
        for _ in range(60):
            out.write(inner)
        out.write("{}]}" if suffix == ".json" else "- {}\n")
    tracemalloc.start()
    assert sum(1 for _ in inspect_paths([file])) == 60
    assert tracemalloc.get_traced_memory()[1] < file.stat().st_size
    tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ""])
def test_json_documents_one_after_another_are_all_read(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_text("\n".join([json.dumps(POD), json.dumps(POD, indent="\t"), "", json.dumps(POD) * 2, ""]))
    assert [index for index, _, _ in told(file)] == [0, 1, 2, 3]


def test_a_folder_s_json_lines_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(POD)}\n{json.dumps(POD)}\n")
    assert len(told(tmp_path)) == 2


def test_the_line_of_a_wrong_json_document_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    for wrong in ("{]", '{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 2}}', '{"a": 1} }', '{"a": 1'):
        file.write_text(f"{json.dumps(POD)}\n\n{wrong}")
        assert problem(file).startswith(f"{file}:3:")


def test_json_of_windows_is_read_by_its_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "a.json").write_bytes(json.dumps(POD).encode(encoding))
        assert len(told(tmp_path)) == 1


def test_json_documents_in_a_yaml_file_are_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{json.dumps(POD)}\n{json.dumps(POD)}\n")
    (*_, last) = found(file)
    assert isinstance(last, Problem)
    assert last.hint == "Several JSON documents in one file: call it .jsonl, or pipe it in."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {{ .Values.x }}\n", "Render templates first."),
        ("{{- if x }}\na: 1\n", "Render templates first."),
        ("a: [", ""),
    ],
)
def test_only_what_looks_like_a_template_is_called_one(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (only,) = found(tmp_path)
    assert isinstance(only, Problem)
    assert only.hint == hint


def test_a_list_without_a_kind_is_a_problem_and_no_clean_answer(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(pods(2)))
    assert "a list without a kind" in problem(file)


def test_too_many_objects_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admission.documents.MOST_OBJECTS", 5)
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(POD) * 6)
    assert "more than 5 objects" in problem(file)


@pytest.mark.parametrize("write", [json.dumps, as_yaml])
def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(write(POD).encode())))
    (line,) = inspect_paths([Path("-")])
    assert isinstance(line, dict)
    assert (line["file"], line["kind"]) == ("stdin", "Pod")


def test_what_is_wrong_on_standard_input_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a: 1\na: 2\n"))
    assert problem(Path("-")).startswith("stdin:2: the key 'a' appears twice")


def test_the_object_of_a_list_is_its_items(tmp_path: Path) -> None:
    assert [item for _, item in members.objects({"kind": "List", "items": [1, 2]})] == [0, 1]
