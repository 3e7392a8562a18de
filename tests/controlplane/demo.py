"""`make demo-cluster`: the story on a real control plane and a real kubelet, with accelerators that exist by name.

Exit code 0: all of it went as told. 1: something did not. 2: it cannot be played here; stderr says what to do.
"""

import contextlib
import os
import signal
import sys

from rich.console import Console

from tests.controlplane.harness.binaries import assemble, cache_folder
from tests.controlplane.harness.node import RealNode, require_root_and_packages
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import HarnessError
from tests.controlplane.story.acts import ACTS
from tests.controlplane.story.place import Place
from tests.controlplane.story.show import Show

NOT_AS_TOLD, COULD_NOT = 1, 2
WIDTH = 120


def play(show: Show) -> None:
    """Start everything, play all acts, end everything.

    Raises:
        HarnessError: what was waited for did not come, or a command failed.
    """
    with contextlib.ExitStack() as running:
        plane = running.enter_context(ControlPlane())
        show.say(f"etcd, API server, controller manager and scheduler run on loopback; logs: {plane.log_folder}")
        node = running.enter_context(RealNode(plane))
        show.say(f"A kubelet with containerd runs as node {node.name} and offers 8 nvidia.com/gpu that are not there.")
        place = running.enter_context(Place(plane, show))
        for act in ACTS:
            act(place)


def prepare(show: Show) -> None:
    """Root, packages and programs.

    Raises:
        HarnessError: one of them is missing; the text says what to do.
    """
    require_root_and_packages()
    show.act("Programs")
    show.say("Kubernetes is built once from its Go modules, which takes a small machine 10 to 15 minutes; then it is")
    show.say(f"kept in {cache_folder()}")
    assemble()


def main() -> int:
    """Play it and say how it went."""
    show = Show(Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False))
    try:
        prepare(show)
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        return COULD_NOT
    try:
        play(show)
    except HarnessError as error:
        show.check(holds=False, told=str(error))
    if show.broken:
        show.act("Not as told:")
        for told in show.broken:
            show.say(told)
        return NOT_AS_TOLD
    show.act("The end: every process is ended")
    show.say("All of it went as told. Next: docs/install.md, docs/operations.md")
    return 0


if __name__ == "__main__":
    # So that SIGTERM unwinds the context managers as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.umask(0o077)
    sys.exit(main())
