"""Which pods ask for an accelerator, and which could reach one without asking.

The lists stand once, in `files/reach.yaml` of the Helm chart, and the chart builds the API server's own conditions
from the same file: what is gated here is exactly what the API server gates. A shared table of pods is run against both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from admission.manifests.nodes import Doubts, Node, is_set, items, mapping, shown, text
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.settings import ReachSettings

# In a wheel the file lies inside the package; in a checkout it lies in the chart, its one home.
_PLACES = (
    Path(__file__).parents[1] / "_bundled" / "reach.yaml",
    Path(__file__).parents[2] / "helm" / "compute-gatekeeper" / "files" / "reach.yaml",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """The lists of reach.yaml, ready to be asked; field names are the file's keys."""

    harmless_device_keys: frozenset[str]
    harmless_device_prefixes: tuple[str, ...]
    native_prefixes: tuple[str, ...]
    device_env_suffixes: tuple[str, ...]
    device_env_harmless_values: frozenset[str]
    device_env_names: frozenset[str]
    device_annotation_prefixes: tuple[str, ...]
    device_annotation_infixes: tuple[str, ...]
    accelerator_toleration_keys: frozenset[str]
    harmless_runtime_classes: frozenset[str]
    dangerous_capabilities: frozenset[str]
    exempt_namespaces: frozenset[str]

    @classmethod
    def of(cls, lists: Mapping[str, object]) -> Reach:
        """Build from the parsed file; keys that only the chart needs are left alone.

        Raises:
            InvalidInput: a list is missing, or is not a list of names.
        """
        read: dict[str, Any] = {}
        for each in fields(cls):
            names = _names(lists, each.name)
            read[each.name] = tuple(names) if _is_ordered(each.name) else frozenset(names)
        return cls(**read)

    def adding(self, own: ReachSettings) -> Reach:
        """With what the provider declared harmless in its own clusters."""
        return replace(
            self,
            harmless_device_keys=self.harmless_device_keys | frozenset(own.harmless_device_keys),
            harmless_runtime_classes=self.harmless_runtime_classes | frozenset(own.harmless_runtime_classes),
            exempt_namespaces=self.exempt_namespaces | frozenset(own.exempt_namespaces),
        )

    def is_device(self, key: str) -> bool:
        """Whether a resource key is an accelerator: any extended resource that nobody declared harmless."""
        return (
            "/" in key
            and not key.startswith(self.native_prefixes)
            and key not in self.harmless_device_keys
            and not key.startswith(self.harmless_device_prefixes)
        )

    def device_annotations(self, annotations: Node) -> Iterator[str]:
        """Annotations by which device sharing and injection tools hand out devices."""
        for key in annotations:
            if key.startswith(self.device_annotation_prefixes) or any(x in key for x in self.device_annotation_infixes):
                yield f"annotation {shown(key)}"

    def device_environment(self, container: Node, doubts: Doubts) -> Iterator[str]:
        """Environment variables by which a container runtime injects devices that nobody requested."""
        for each in items(container, "env", doubts):
            name = text(each, "name")
            injected = name.endswith(self.device_env_suffixes) and not self._is_none(each)
            if injected or name in self.device_env_names:
                yield f"environment variable {shown(name)}"

    def _is_none(self, variable: Node) -> bool:
        """Whether a variable's value hands out nothing; a value from elsewhere may be anything."""
        return text(variable, "value") in self.device_env_harmless_values

    def pod_access(self, spec: Node, doubts: Doubts) -> Iterator[str]:
        """What in a pod, its containers aside, could reach a device that nobody requested."""
        if spec.get("nodeName"):
            yield "spec.nodeName passes the scheduler by"
        runtime = spec.get("runtimeClassName")
        if runtime and not (isinstance(runtime, str) and runtime in self.harmless_runtime_classes):
            yield f"runtime class {shown(runtime)}"
        if is_set(spec, "hostPID"):
            yield "hostPID"
        if any(each.get("hostPath") is not None for each in items(spec, "volumes", doubts)):
            yield "a hostPath volume"
        for each in items(spec, "tolerations", doubts):
            if not each.get("key"):
                yield "a toleration of every taint"
            elif text(each, "key") in self.accelerator_toleration_keys:
                yield f"a toleration of {text(each, 'key')}"
        if _host_process(mapping(spec, "securityContext", doubts), doubts):
            yield "a Windows host process"

    def container_access(self, container: Node, doubts: Doubts) -> Iterator[str]:
        """What in a container could reach a device that nobody requested."""
        context = mapping(container, "securityContext", doubts)
        if is_set(context, "privileged"):
            yield "a privileged container"
        added = mapping(context, "capabilities", doubts).get("add")
        if added is not None and not isinstance(added, list):
            doubts.append("capabilities.add is not a list")
        elif added:
            yield from (f"capability {shown(each)}" for each in added if self._is_dangerous(each))
        if _host_process(context, doubts):
            yield "a Windows host process"

    def _is_dangerous(self, capability: object) -> bool:
        """Compared as container runtimes do: any case, with or without the kernel's prefix."""
        return isinstance(capability, str) and capability.upper().replace("CAP_", "") in self.dangerous_capabilities


def _host_process(context: Node, doubts: Doubts) -> bool:
    return is_set(mapping(context, "windowsOptions", doubts), "hostProcess")


def _is_ordered(name: str) -> bool:
    """Lists that str.startswith and str.endswith take are kept as tuples."""
    return name.endswith(("_prefixes", "_suffixes", "_infixes"))


def _names(lists: Mapping[str, object], key: str) -> list[str]:
    """One list of the file: each entry a name, or an object with `name` and the reason why it stands there."""
    entries = lists.get(key)
    if not isinstance(entries, list):
        raise InvalidInput(f"reach.yaml: {key} is missing or not a list.")
    names = [each.get("name") if isinstance(each, dict) else each for each in entries]
    if not all(isinstance(each, str) and each for each in names):
        raise InvalidInput(f"reach.yaml: an entry of {key} has no name.")
    return [str(each) for each in names]


def load_reach(path: Path) -> Reach:
    """Read reach.yaml.

    Raises:
        InvalidInput: not readable, not YAML, or a list is missing.
    """
    try:
        lists = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The lists of what reaches an accelerator cannot be read from {path}.") from error
    if not isinstance(lists, dict):
        raise InvalidInput(f"{path} is not an object of lists.")
    return Reach.of(lists)


@cache
def default_reach() -> Reach:
    """The lists that this version was shipped with.

    Raises:
        InvalidInput: the installation lacks its reach.yaml.
    """
    for place in _PLACES:
        if place.is_file():
            return load_reach(place)
    raise InvalidInput("reach.yaml is missing from this installation.", hint="Install the package again.")
