"""Which tasks of an Argo DAG wait for which: only tasks of one chain are certain not to run together."""

from __future__ import annotations

from admission.manifests.nodes import Node, text


def ancestors(tasks: list[Node]) -> dict[str, set[str]]:
    """For each task, all that must end before it starts."""
    names = {text(each, "name") for each in tasks}
    direct = {text(each, "name"): _waits_for(each, names) for each in tasks}
    found: dict[str, set[str]] = {}
    for name, first in direct.items():
        seen: set[str] = set()
        waiting = list(first)
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting.extend(direct.get(one, ()))
        found[name] = seen - {name}
    return found


def _waits_for(task: Node, names: set[str]) -> set[str]:
    """The tasks that one names. An expression with "or" or "not" may let it start before some of them have ended."""
    listed = task.get("dependencies")
    found = {each for each in listed if isinstance(each, str)} if isinstance(listed, list) else set()
    depends = text(task, "depends")
    if "|" not in depends and "!" not in depends:
        found |= {part.split(".")[0] for part in depends.replace("(", " ").replace(")", " ").replace("&", " ").split()}
    return found & names


def in_order(tasks: list[Node], before: dict[str, set[str]]) -> list[Node]:
    """Tasks after those that they wait for."""
    return sorted(tasks, key=lambda each: len(before[text(each, "name")]))
