"""AppWrapper (workload.codeflare.dev): whole objects of other kinds, created together.

Beside each object stand its podSets: where in it a pod template is, and how many pods are made from it. Kueue counts by
them, but the tenant writes them, and the controller creates the object whatever they say. So the larger of the two
counts, object by object (project-codeflare/appwrapper api/v1beta2, read 2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, items, mapping, shown, text, whole
from admission.manifests.pods import read_pod
from admission.manifests.reach import Reach

# `template.spec.workerGroupSpecs[0].template`
_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
_LONGEST_PATH = 1_000


def read_app_wrapper(manifest: Node, _: Reach) -> Ask:
    """The wrapper itself starts no pods; only what is unclear about its shape."""
    doubts: Doubts = []
    for each in items(mapping(manifest, "spec", doubts), "components", doubts):
        if not isinstance(each.get("template"), dict):
            doubts.append("a component holds no object")
    return Ask(doubts=tuple(doubts))


def components(manifest: Node, reach: Reach) -> Iterator[tuple[Ask, Node]]:
    """Each object inside, with what its podSets declare."""
    doubts: Doubts = []
    for each in items(mapping(manifest, "spec", doubts), "components", doubts):
        read: dict[int, Ask] = {}  # many podSets may name one template: it is read once
        declared = total(_declared(pod_set, each, reach, read) for pod_set in items(each, "podSets", doubts))
        yield declared.noting(doubts=doubts), mapping(each, "template", doubts)


def _declared(pod_set: Node, component: Node, reach: Reach, read: dict[int, Ask]) -> Ask:
    doubts: Doubts = []
    copies = Times.exactly(whole(pod_set, "replicas", 1, doubts))
    template = _at(component, text(pod_set, "path"))
    if template is None:
        return Ask(doubts=(*doubts, f"a podSet names {shown(pod_set.get('path'))}, where no pod template is"))
    if id(template) not in read:
        read[id(template)] = read_pod(template, reach)
    return read[id(template)].times(copies).noting(doubts=doubts)


def _at(component: Node, path: str) -> Node | None:
    """The object at a path of keys and list indexes; None where there is none."""
    if not path or len(path) > _LONGEST_PATH:
        return None
    found: Any = component
    for key, index in _STEP.findall(path):
        if key and isinstance(found, dict):
            found = found.get(key)
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return None
    return found if isinstance(found, dict) else None


KINDS = (Kind("workload.codeflare.dev", frozenset({"v1beta2"}), "AppWrapper", read_app_wrapper, wraps=components),)
