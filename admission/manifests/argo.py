"""Argo Workflows (argoproj.io/v1alpha1): a Workflow is a tree of templates, and each leaf is a pod.

`most` is the widest that the tree can get: groups of steps run one after the other, steps of a group together, tasks of
a DAG together unless one waits for the other. `least` is the same for what is certain to run: one copy where the number
of copies is only known at run time. So a Workflow of one training step after the other counts as its largest step.
`parallelism` bounds the number of pods. Nothing here recurses deeper than a fixed number of templates
(argo-workflows pkg/apis/workflow/v1alpha1 workflow_types.go, read 2026-11-22).
"""

from __future__ import annotations

from typing import Any

from admission.manifests.argo_order import ancestors, in_order
from admission.manifests.argo_pods import is_pod, read_leaf
from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import TEMPLATE_ONLY, Kind
from admission.manifests.nodes import Doubts, Node, items, mapping, shown, text, whole
from admission.manifests.reach import Reach
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import LARGEST_COUNT

# Templates inside templates: real workflows stay below 10.
_DEEPEST = 30
# More tasks in one DAG are taken to run together: comparing each with each would cost too much.
_MOST_COMPARED = 100
_LONGEST_NUMBER = 7


def read_workflow(manifest: Node, reach: Reach) -> Ask:
    """A Workflow."""
    doubts: Doubts = []
    return _Workflow(mapping(manifest, "spec", doubts), reach).read().noting(doubts=doubts)


def read_template(manifest: Node, reach: Reach) -> Ask:
    """A WorkflowTemplate or ClusterWorkflowTemplate, as if it were submitted."""
    return read_workflow(manifest, reach).noting(reasons=[TEMPLATE_ONLY])


def read_cron_workflow(manifest: Node, reach: Reach) -> Ask:
    """One Workflow; runs may overlap unless the concurrency policy says otherwise."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    workflow = _Workflow(mapping(spec, "workflowSpec", doubts), reach).read().noting(doubts=doubts)
    return workflow if text(spec, "concurrencyPolicy") in {"Forbid", "Replace"} else workflow.times(Times(1, None))


class _Workflow:
    """Reads one workflow's tree; what a template asks for is worked out once, however often it is used."""

    def __init__(self, spec: Node, reach: Reach) -> None:
        self._spec, self._reach = spec, reach
        self._doubts: Doubts = []
        self._templates = {text(each, "name"): each for each in items(spec, "templates", self._doubts)}
        self._known: dict[str, Ask] = {}
        self._largest_pod = Ask()
        # A daemon runs on while later steps do, so nothing runs one after the other.
        self._has_daemons = _any_daemon(list(self._templates.values()))

    def read(self) -> Ask:
        """All of it: from the entrypoint, and what runs at the end or beside it."""
        start = [self._named(name, 0) for name in self._roots()]
        ask = total(start) if self._entry() or not start else _largest(start)
        asked = total([ask, *self._hooks(self._spec, 0)])
        if final := text(self._spec, "onExit"):
            asked = self._after(asked, self._named(final, 0))
        if self._spec.get("workflowTemplateRef") is not None:
            self._doubts.append("its templates stand in another object")
            asked = asked.without_ceiling()
        asked = _bounded(asked, self._spec, self._largest_pod, self._doubts)
        # Templates that nothing uses gate by the keys in them, and count nothing.
        unused = [self._named(name, 0).times(Times(0, 0)) for name in self._templates if name not in self._known]
        return total([asked, *unused]).noting(doubts=self._doubts)

    def _entry(self) -> str:
        name = text(self._spec, "entrypoint")
        return name if name in self._templates else ""

    def _roots(self) -> list[str]:
        """Where it starts; every template where that is not known, of which the largest counts."""
        if entry := self._entry():
            return [entry]
        if self._spec.get("entrypoint") is not None and self._spec.get("workflowTemplateRef") is None:
            self._doubts.append(f"the entrypoint {shown(self._spec['entrypoint'])} is not here")
        return list(self._templates)

    def _named(self, name: str, depth: int) -> Ask:
        if name in self._known:
            return self._known[name]
        template = self._templates.get(name)
        if template is None:
            return Ask(doubts=(f"the template {shown(name)} is not here",))
        # Seen again before it is worked out, it calls itself: how often is only known at run time.
        self._known[name] = Ask(doubts=("templates that call themselves",))
        ask = self._template(template, depth)
        self._known[name] = ask.without_ceiling() if "templates that call themselves" in ask.doubts else ask
        return self._known[name]

    def _template(self, template: Node, depth: int) -> Ask:
        if depth > _DEEPEST:
            raise InvalidInput(f"Templates inside templates deeper than {_DEEPEST} levels.")
        if is_pod(template):
            leaf = read_leaf(template, self._spec, self._reach)
            self._largest_pod = self._largest_pod.or_larger(leaf)
            return leaf
        doubts: Doubts = []
        if template.get("steps") is not None:
            ask = self._steps(template, doubts, depth)
        elif template.get("dag") is not None:
            ask = self._dag(mapping(template, "dag", doubts), doubts, depth)
        elif template.get("resource") is not None:
            ask = Ask(doubts=("creates an object of its own, which is read when it comes",))
        else:
            ask = Ask()
        return _bounded(ask, template, self._largest_pod, doubts).noting(doubts=doubts)

    def _steps(self, template: Node, doubts: Doubts, depth: int) -> Ask:
        """Groups one after the other; the steps of a group together."""
        found = Ask()
        groups = template.get("steps")
        for group in groups if isinstance(groups, list) else [groups]:
            members = group.get("steps") if isinstance(group, dict) and "steps" in group else group
            steps = items({"steps": members if isinstance(members, list) else [members]}, "steps", doubts)
            found = self._after(found, total(self._step(each, depth) for each in steps))
        return found

    def _dag(self, dag: Node, doubts: Doubts, depth: int) -> Ask:
        """Tasks in chains, as long as each waits for the one before it; chains run together."""
        tasks = list(items(dag, "tasks", doubts))
        if len(tasks) > _MOST_COMPARED:
            return total(self._step(each, depth) for each in tasks)
        before = ancestors(tasks)
        chains: list[tuple[str, Ask]] = []
        for task in in_order(tasks, before):
            name, ask = text(task, "name"), self._step(task, depth)
            for number, (last, widest) in enumerate(chains):
                if last in before[name] and not self._has_daemons:
                    chains[number] = (name, widest.or_larger(ask))
                    break
            else:
                chains.append((name, ask))
        return total(ask for _, ask in chains)

    def _step(self, step: Node, depth: int) -> Ask:
        """One step or task, with all its copies and hooks."""
        doubts: Doubts = []
        if isinstance(step.get("inline"), dict):
            ask = self._template(step["inline"], depth + 1)
        elif step.get("templateRef") is not None:
            ask = Ask(doubts=("a template of another object",))
        else:
            ask = self._named(text(step, "template"), depth + 1)
        return total([ask.times(_copies(step, doubts)), *self._hooks(step, depth)]).noting(doubts=doubts)

    def _hooks(self, node: Node, depth: int) -> list[Ask]:
        """What runs beside or after a node by lifecycle hooks."""
        doubts: Doubts = []
        hooks = mapping(node, "hooks", doubts)
        found = [self._named(text(mapping(hooks, name, doubts), "template"), depth + 1) for name in hooks]
        if node is not self._spec and (final := text(node, "onExit")):
            found.append(self._named(final, depth + 1))
        return [*found, Ask(doubts=tuple(doubts))]

    def _after(self, before: Ask, after: Ask) -> Ask:
        return before + after if self._has_daemons else before.or_larger(after)


def _any_daemon(root: list[Node]) -> bool:
    """Whether some template, named or written inside a step, is a daemon."""
    waiting: list[Any] = list(root)
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("daemon"):
                return True
            waiting.extend(node.get(key) for key in ("steps", "dag", "tasks", "inline"))
        elif isinstance(node, list):
            waiting.extend(node)
    return False


def _largest(asks: list[Ask]) -> Ask:
    found = Ask()
    for each in asks:
        found = found.or_larger(each)
    return found


def _copies(step: Node, doubts: Doubts) -> Times:
    """How many copies of a step run: one for each item."""
    if step.get("withItems") is not None:
        given = step["withItems"]
        if isinstance(given, list):
            return Times.exactly(len(given))
        doubts.append("withItems is not a list")
        return Times(1, None)
    if step.get("withParam") is not None:
        doubts.append("how many copies is only known at run time")
        return Times(1, None)
    return _sequence(mapping(step, "withSequence", doubts), doubts)


def _sequence(sequence: Node, doubts: Doubts) -> Times:
    """`count` copies, or one for each number from start to end."""
    if not sequence:
        return Times(1, 1)
    numbers = {key: _number(sequence.get(key)) for key in ("count", "start", "end") if key in sequence}
    if any(each is None for each in numbers.values()):
        doubts.append("how many copies is only known at run time")
        return Times(1, None)
    if "count" in numbers:
        return Times.exactly(numbers["count"])
    start, end = numbers.get("start") or 0, numbers.get("end") or 0
    return Times.exactly(abs(end - start) + 1)


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER:
        return int(value)
    return None


def _bounded(ask: Ask, holder: Node, largest_pod: Ask, doubts: Doubts) -> Ask:
    """At most `parallelism` pods at once, each no larger than the largest; 0 would never end, so it bounds nothing."""
    pods = whole(holder, "parallelism", 0, doubts)
    return ask.within(largest_pod.times(Times.exactly(pods))) if pods else ask


_VERSIONS = frozenset({"v1alpha1"})
KINDS = (
    Kind("argoproj.io", _VERSIONS, "Workflow", read_workflow),
    Kind("argoproj.io", _VERSIONS, "CronWorkflow", read_cron_workflow),
    Kind("argoproj.io", _VERSIONS, "WorkflowTemplate", read_template),
    Kind("argoproj.io", _VERSIONS, "ClusterWorkflowTemplate", read_template),
)
