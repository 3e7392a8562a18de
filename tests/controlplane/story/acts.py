"""The acts of the story, in order. Each does its part for real, shows it, and checks that it went as told."""

from collections.abc import Callable
from typing import Any

from tests.controlplane.harness.processes import wait_until
from tests.controlplane.story import jobs
from tests.controlplane.story.place import CUSTOMERS, LEASE_S, ROOT, Place

PREPARER, APPROVER = "ana@provider.example", "ben@provider.example"
# Namespace -> customer; its tenant is user@<namespace>.
BOUND = {"atlas": "atlas-ai", "bharat": "bharat-models", "bharat-eval": "bharat-models", "pacific": "pacific-compute"}
UNBOUND = "newcomer"
RUN = "pacific-llm-1"
# Where all training of a customer is booked that was not declared.
UNDECLARED = "undeclared.bharat-models"
# What one shortest lease of 8 GPUs could take does not fit under 1e26 any more.
CARRIED_IN = "9.9999999e25"
CLEARED = "compute-gatekeeper.io/cleared"
# Beyond deadline and grace: the kubelet looks at its pods once a second, and this machine may be slow.
LATE_S = 15
EXPORT = "log.export"
DEADLINE_S = 90


def install(place: Place) -> None:
    """1. The chart, and our process."""
    place.show.act("1. The provider installs Compute Gatekeeper")
    place.install()
    place.start()
    place.show.say(
        "No image runs here: `gatekeeper serve` runs beside the cluster, with the chart's own service account."
    )
    place.show.say(
        f"Its policy pack is us-ai-diffusion, enforced; only its leases are cut to {LEASE_S} s for this story."
    )


def enrol(place: Place) -> None:
    """2. Customers, a declared run and namespaces; nobody approves their own work."""
    place.show.act("2. Two people enrol customers")
    place.gatekeeper("customer", "apply", "-f", str(CUSTOMERS), "--as", PREPARER, shown=False)
    place.show.say(f"{PREPARER} has applied {CUSTOMERS.relative_to(ROOT)}, and cannot approve that alone:")
    alone = ["customer", "approve", "atlas-ai", "--yes", "--as", PREPARER]
    place.show.command(["gatekeeper", *alone], place.gatekeeper(*alone, expect=2, shown=False).stderr)
    for customer in dict.fromkeys(BOUND.values()):
        place.gatekeeper("customer", "approve", customer, "--yes", "--as", APPROVER, shown=False)
    place.gatekeeper("customer", "list")
    declare = ["--customer", BOUND["pacific"], "--title", "Pacific LLM", "--carried-in", CARRIED_IN]
    place.gatekeeper("run", "declare", RUN, *declare, "--source", "model card of its base model", "--as", PREPARER)
    place.gatekeeper("run", "approve", RUN, "--yes", "--as", APPROVER, shown=False)
    for namespace in (*BOUND, UNBOUND):
        place.plane.create_tenant(namespace, tenant(namespace))
    for namespace, customer in BOUND.items():
        run = ("--run", RUN) if namespace == "pacific" else ()
        place.gatekeeper("namespace", "bind", namespace, customer, *run, "--as", PREPARER, shown=False)
        place.gatekeeper("namespace", "approve", namespace, "--yes", "--as", APPROVER, shown=False)
    place.gatekeeper("namespace", "list")
    wait_until(lambda: cleared(place, "atlas"), "the Tier 1 lab's namespace to be cleared")
    for namespace in (*BOUND, UNBOUND):
        place.show.check(
            holds=cleared(place, namespace) is (namespace == "atlas"),
            told=f"of all namespaces only the Tier 1 lab's is cleared, not {namespace}",
        )


def run_at_once(place: Place) -> None:
    """3. Tier 1: no gate, no lease."""
    place.show.act("3. The Tier 1 lab: its pods start at once, nothing of ours is in their way")
    would_be = place.would_be("atlas", jobs.bare_pod("probe", gpus=1))
    place.show.check(holds=would_be.ok and not jobs.gates(would_be.body), told="a Tier 1 pod gets no gate")
    make(place, "atlas", jobs.job("pretrain", pods=2, gpus=1, command="sleep 4"))
    pods = wait_for(place, "atlas", "pretrain", 2, jobs.begun)
    show(place, pods)
    place.show.check(holds=all(jobs.lease_s(each) is None for each in pods), told="Tier 1 pods have no lease")


def run_on_a_lease(place: Place) -> None:
    """4. Tier 2: gated, reserved for, released together with a lease, run."""
    place.show.act("4. The Tier 2 lab: three pods are held, reserved for, and released together on a lease")
    would_be = place.would_be("bharat", jobs.bare_pod("probe", gpus=1))
    place.show.check(holds=would_be.ok and jobs.gated(would_be.body), told="a Tier 2 pod is born with our gate")
    make(place, "bharat", jobs.job("finetune", pods=3, gpus=1, command="sleep 8"))
    pods = wait_for(place, "bharat", "finetune", 3, jobs.begun)
    show(place, pods)
    place.gatekeeper("run", "show", UNDECLARED)
    place.show.check(holds={jobs.lease_s(each) for each in pods} == {LEASE_S}, told="each pod has the pack's lease")


def wait_for_each_other(place: Place) -> None:
    """5. One waits: a gang that is not complete. Its tenant cannot help itself."""
    place.show.act("5. One waits: two pods must start together, and the provider's quota lets only one exist")
    quotas = "/api/v1/namespaces/bharat-eval/resourcequotas"
    assert place.admin.create(quotas, jobs.quota(1)).ok
    make(place, "bharat-eval", jobs.job("evaluate", pods=2, gpus=1, command="sleep 4"))
    told = wait_until(lambda: place.events("bharat-eval", "Waiting"), "the tenant to be told why")
    (waiting,) = place.pods("bharat-eval")
    show(place, [waiting])
    place.show.say(f"Event on the pod: {told[0]}")
    lift = ["patch", "pod", waiting["metadata"]["name"], "--namespace=bharat-eval", "--type=json"]
    lift += ["--patch", '[{"op": "remove", "path": "/spec/schedulingGates"}]']
    refused = place.plane.kubectl(*lift, identity=tenant("bharat-eval"), check=False)
    place.show.say("The tenant, admin of its namespace, lifts the gate by hand:")
    place.show.command(["kubectl", *lift], refused.stderr)
    place.show.check(holds=refused.returncode != 0, told="only our service account lifts the gate")
    assert place.admin.patch(f"{quotas}/few", jobs.quota(2)).ok
    place.show.say("The provider lifts the quota; the second pod appears, and both start:")
    show(place, wait_for(place, "bharat-eval", "evaluate", 2, jobs.begun))


def refuse(place: Place) -> None:
    """6. Refused in one sentence: no budget left, and a namespace of nobody."""
    place.show.act("6. Two are refused in one sentence: a run that is almost at 1e26 FLOP, and a stranger")
    refused = make(place, "pacific", jobs.job("pretrain", pods=1, gpus=8, command="sleep 4"))
    expected = ("refused by us-ai-diffusion", "1.00e26 FLOP", "Dragon Cloud Group")
    place.show.check(
        holds=refused.returncode != 0 and all(each in refused.stderr for each in expected),
        told="the refusal says how far the run is and whose headquarters count",
    )
    refused = make(place, UNBOUND, jobs.job("pretrain", pods=1, gpus=1, command="sleep 4"))
    place.show.check(
        holds=refused.returncode != 0 and "bound to no customer" in refused.stderr,
        told="a namespace that is bound to nobody gets no accelerator",
    )


def outlive_us(place: Place) -> None:
    """7. Our process dies: a lease still ends, what asks waits, everything else lives on; then it comes back."""
    place.show.act("7. A Job without end runs, and Compute Gatekeeper is killed (SIGKILL)")
    make(place, "bharat", jobs.job("endless", pods=1, gpus=1, command=jobs.ENDLESS))
    wait_for(place, "bharat", "endless", 1, lambda pod: pod["status"]["phase"] == "Running")
    place.kill()
    make(place, "bharat", jobs.bare_pod("plain"))
    make(place, "bharat", jobs.job("later", pods=2, gpus=1, command="sleep 4"))
    wait_until(lambda: named(place, "plain", jobs.begun), "the pod without accelerators to start")
    waiting = wait_for(place, "bharat", "later", 2, jobs.gated)
    place.show.say("A pod without accelerators starts. Pods with them wait at the gate that the API server sets:")
    show(place, [*named(place, "plain", jobs.begun), *waiting])
    (ended,) = wait_for(place, "bharat", "endless", 1, jobs.ended)
    place.show.say("The kubelet ends the lease by itself, though the container ignores SIGTERM:")
    show(place, [ended])
    ran_s = jobs.ran_s(ended)
    place.show.say(f"It ran for {ran_s:.0f} s: a lease of {LEASE_S} s and its own grace of {jobs.GRACE_S} s.")
    place.show.check(
        holds=LEASE_S <= ran_s <= LEASE_S + jobs.GRACE_S + LATE_S and ended["status"]["reason"] == "DeadlineExceeded",
        told="the kubelet ends a pod at its deadline",
    )
    still = place.pods("bharat", "later")
    place.show.check(holds=all(map(jobs.gated, still)), told="nothing starts while Compute Gatekeeper is dead")
    place.start()
    place.show.say("Compute Gatekeeper is started again; what waited is reserved for and starts:")
    show(place, wait_for(place, "bharat", "later", 2, jobs.begun))


def account(place: Place) -> None:
    """8. What was used, what was blocked, and a log that others can verify."""
    place.show.act("8. The books: what is used, what was blocked, and the proof")
    wait_until(
        lambda: (
            '"pending_tflop": "0"'
            in place.gatekeeper("run", "show", UNDECLARED, "--output", "json", shown=False).stdout
        ),
        "every reservation to be settled",
        deadline_s=DEADLINE_S,
        interval_s=0.5,
    )
    place.gatekeeper("run", "show", UNDECLARED)
    place.show.say("Nothing is held any more. No device counters here, so every second is booked at the worst case.")
    blocked = place.gatekeeper("blocked").stdout
    place.show.check(
        holds=all(f" {namespace}/pretrain" in blocked for namespace in ("pacific", UNBOUND)),
        told="both refusals are on record",
    )
    key = place.gatekeeper("log", "key", shown=False).stdout.strip()
    place.gatekeeper("log", "export", "--out", EXPORT, "--purpose", "the story", "--as", APPROVER, shown=False)
    place.gatekeeper("log", "verify", EXPORT, "--key", key)
    export = place.folder / EXPORT
    changed = bytearray(export.read_bytes())
    changed[changed.rindex(b"pacific")] ^= 1
    export.write_bytes(changed)
    place.show.say("One bit of the copy is changed:")
    place.gatekeeper("log", "verify", EXPORT, "--key", key, expect=1)
    place.end()


ACTS = (install, enrol, run_at_once, run_on_a_lease, wait_for_each_other, refuse, outlive_us, account)


def tenant(namespace: str) -> str:
    """The user who is admin of a namespace and nothing else."""
    return f"user@{namespace}"


def make(place: Place, namespace: str, manifest: jobs.Json) -> Any:
    """The tenant makes it."""
    return place.create(namespace, manifest, by=tenant(namespace))


def cleared(place: Place, namespace: str) -> bool:
    return bool(place.namespace(namespace)["metadata"].get("labels", {}).get(CLEARED) == "true")


def wait_for(
    place: Place, namespace: str, job: str, count: int, condition: Callable[[jobs.Json], bool]
) -> list[jobs.Json]:
    """The pods of a Job, once there are so many and all fulfil the condition."""

    def found() -> list[jobs.Json] | None:
        pods = place.pods(namespace, job)
        return pods if len(pods) == count and all(condition(each) for each in pods) else None

    return wait_until(found, f"{count} pods of {namespace}/{job}", deadline_s=DEADLINE_S)


def named(place: Place, name: str, condition: Callable[[jobs.Json], bool]) -> list[jobs.Json]:
    """The pod of the Tier 2 lab with this name, in a list that is empty while it does not fulfil the condition."""
    return [each for each in place.pods("bharat") if each["metadata"]["name"] == name and condition(each)]


def show(place: Place, pods: list[jobs.Json]) -> None:
    place.show.table(jobs.COLUMNS, (jobs.row(each) for each in pods))
