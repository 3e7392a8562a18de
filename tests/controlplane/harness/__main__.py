"""Try things by hand: `python -m tests.controlplane.harness up [--node]` keeps a Kubernetes running until Ctrl-C."""

import argparse
import contextlib
import signal
import sys

from tests.controlplane.harness.binaries import assemble
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.node import RealNode
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import HarnessError


def up(node: str) -> None:
    """Start a plane and a node (`real`, `fake` or `none`), print how to talk to them, wait for Ctrl-C or SIGTERM."""
    folder = assemble()
    with contextlib.ExitStack() as running:
        plane = running.enter_context(ControlPlane())
        tenant = plane.create_tenant("lab-a", "user@lab-a")
        if node == "real":
            started = running.enter_context(RealNode(plane))
            print(f"node           {started.name}, image {started.image} (imagePullPolicy: Never)")
        elif node == "fake":
            started_fake = running.enter_context(FakeNode(plane, automatic=True))
            print(f"node           {started_fake.name}, pods only seem to run")
        print(f"logs           {plane.log_folder}")
        print(f"programs       export PATH={folder}:$PATH")
        print(f"administrator  export KUBECONFIG={plane.kubeconfig('admin')}")
        print(f"tenant         export KUBECONFIG={tenant.kubeconfig}  # namespace {tenant.namespace}")
        print("running; Ctrl-C ends it", flush=True)
        signal.pause()


def main() -> int:
    """The command line: 0 after Ctrl-C, 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane.harness", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("up", help="start a control plane, and keep it until Ctrl-C")
    command.add_argument("--node", choices=("none", "fake", "real"), default="none", nargs="?", const="real")
    chosen = parser.parse_args()
    # So that SIGTERM unwinds the context managers as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        up(chosen.node)
    except KeyboardInterrupt:
        return 0
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
