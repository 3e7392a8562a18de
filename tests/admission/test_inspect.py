"""`gatekeeper inspect`: one line for each workload, problems beside them."""

from pathlib import Path
from typing import Any

from admission.inspect import Problem, inspect_paths

EXAMPLES = Path(__file__).parents[2] / "examples" / "workloads"
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: train, namespace: lab}
spec:
  parallelism: 2
  template: {spec: {containers: [{name: a, image: i, resources: {limits: {nvidia.com/gpu: 8}}}]}}
"""


def lines(*paths: Path) -> list[dict[str, Any]]:
    found = list(inspect_paths(paths))
    assert not [each for each in found if isinstance(each, Problem)]
    return [each for each in found if isinstance(each, dict)]


def test_a_workload_is_one_line_with_all_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"---\n---\n{JOB}", "utf-8")
    assert lines(file) == [
        {
            "file": str(file),
            "index": 1,
            "item": None,
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "lab",
            "name": "train",
            "gated": True,
            "host_access": False,
            "devices": {"nvidia.com/gpu": {"min": 16, "max": 16}},
            "claims": False,
            "unknown": False,
            "reason": "asks for nvidia.com/gpu",
        }
    ]


def test_members_of_a_list_are_numbered_and_typed_lists_give_their_kind(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap}\n- {apiVersion: v1, kind: Pod, spec: {}}\n"
        "---\napiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: p}, spec: {containers: [{name: a}]}}\n- 7\n",
        "utf-8",
    )
    assert [(each["index"], each["item"], each["kind"], each["apiVersion"]) for each in lines(file)] == [
        (0, 1, "Pod", "v1"),
        (1, 0, "Pod", "v1"),
    ]


def test_a_folder_is_searched_for_yaml_and_json_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.yml").write_text(JOB, "utf-8")
    (tmp_path / "a.json").write_text('{"apiVersion": "v1", "kind": "Pod", "spec": {"hostPID": true}}', "utf-8")
    (tmp_path / "c.txt").write_text(JOB, "utf-8")
    found = lines(tmp_path)
    assert [Path(each["file"]).name for each in found] == ["a.json", "x.yml"]
    assert [(each["gated"], each["host_access"]) for each in found] == [(False, True), (True, False)]


def test_a_problem_ends_its_object_or_file_and_not_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: {{ x }}\n", "utf-8")
    (tmp_path / "b.yaml").write_text(JOB.replace("8}}", "-8}}") + "---\n" + JOB, "utf-8")
    first, second, third = inspect_paths([tmp_path])
    assert isinstance(first, Problem)
    assert isinstance(second, Problem)
    assert isinstance(third, dict)
    assert first.message.startswith(f"{tmp_path}/a.yaml:1: a key is not text")
    assert second.message.startswith(f"{tmp_path}/b.yaml:1: -8 devices: a quantity cannot be negative")
    assert (third["index"], third["gated"]) == (1, True)


def test_the_examples_are_counted_as_their_comments_say() -> None:
    seen = {Path(each["file"]).stem: each["devices"] for each in lines(EXAMPLES) if each["gated"]}
    for stem, devices in seen.items():
        comment = next((EXAMPLES / f"{stem}.yaml").open(encoding="utf-8"))
        said = " ".join(f"{key}={each['min']}..{each['max'] or ''}" for key, each in devices.items())
        assert comment.strip() == f"# Counts as: {said}"
    assert len(seen) >= 5


def test_a_folder_without_manifests_is_a_problem_and_no_clean_answer(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    [problem] = inspect_paths([tmp_path])
    assert not isinstance(problem, dict)
    assert "holds no file that ends in .json, .jsonl, .ndjson, .yaml, .yml" in problem.message


TRAIN_JOB = """\
apiVersion: trainer.kubeflow.org/v1alpha1
kind: TrainJob
metadata: {name: tune, namespace: lab}
spec: {runtimeRef: {name: torch, kind: %s}, trainer: {numNodes: 4}}
"""
RUNTIME = """\
apiVersion: trainer.kubeflow.org/v1alpha1
kind: %s
metadata: {name: torch, namespace: %s}
spec:
  mlPolicy: {numNodes: 1, torch: {}}
  template:
    spec:
      replicatedJobs:
        - name: node
          template:
            metadata: {labels: {trainer.kubeflow.org/trainjob-ancestor-step: trainer}}
            spec: {template: {spec: {containers: [{name: node, resources: {limits: {nvidia.com/gpu: 8}}}]}}}
"""


def of_train_job(path: Path) -> tuple[dict[str, Any], bool]:
    [line] = [each for each in lines(path) if each["kind"] == "TrainJob"]
    return line["devices"], line["unknown"]


def test_a_train_job_is_joined_with_its_runtime_wherever_among_the_inputs_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TRAIN_JOB % "ClusterTrainingRuntime", "utf-8")
    (tmp_path / "b.yaml").write_text("a: [\n", "utf-8")
    assert of_train_job(tmp_path / "a.yaml") == ({}, True)
    runtime = RUNTIME % ("ClusterTrainingRuntime", "elsewhere")
    (tmp_path / "b.yaml").write_text(f"---\n{runtime}", "utf-8")
    assert of_train_job(tmp_path) == ({"nvidia.com/gpu": {"min": 32, "max": 32}}, False)


def test_a_runtime_of_a_namespace_serves_that_namespace_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for namespace, expected in (("lab", ({"nvidia.com/gpu": {"min": 32, "max": 32}}, False)), ("other", ({}, True))):
        file.write_text(TRAIN_JOB % "TrainingRuntime" + "---\n" + RUNTIME % ("TrainingRuntime", namespace), "utf-8")
        assert of_train_job(file) == expected


def test_a_runtime_in_a_file_that_cannot_be_read_to_its_end_is_not_taken_for_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TRAIN_JOB % "ClusterTrainingRuntime", "utf-8")
    (tmp_path / "b.yaml").write_text("x: {\n---\n" + RUNTIME % ("ClusterTrainingRuntime", "x"), "utf-8")
    job, problem = inspect_paths([tmp_path])
    assert isinstance(job, dict)
    assert job["unknown"]
    assert isinstance(problem, Problem)
