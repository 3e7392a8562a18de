"""The story, act by act. Each act does its part on the real code and says what it saw; `holds` is False where
anything went otherwise than told. Showing it is `show`'s business.
"""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from admission.http import WebhookApp
from admission.server import WebhookServer
from admission.webhook import Webhook
from gatekeeper.demo.certificate import HOST, write_certificate
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.tier import TierFinding
from gatekeeper.simulate.engine import Point, Told
from gatekeeper.simulate.folder import PlayFolder
from gatekeeper.simulate.scenario import load_scenario
from gatekeeper.simulate.stage import APPROVER, Stage
from gatekeeper.verify import Report, verify_totals_and_tiers

DATA = Path(__file__).parent / "data"
ORIGIN = "demo.invalid/compute-gatekeeper"
PACK = "us-ai-diffusion"
# Recorded reviews, whose namespace they are replayed in, and whether their customer may start.
CALLS = (
    ("job", "cascade", True),
    ("pytorchjob", "vistula", True),
    ("raycluster", "bluewater", True),
    ("job", "lab", False),  # as recorded: a namespace that is bound to nobody
)
NAMESPACES = {"cascade": "cascade-ai", "vistula": "vistula-lab", "bluewater": "bluewater"}
EXPECTED_TIERS = {"cascade-ai": "1", "vistula-lab": "2", "bluewater": "3"}


@dataclass(frozen=True, slots=True)
class Call:
    """One AdmissionReview and its answer."""

    kind: str
    name: str
    namespace: str
    allowed: bool
    message: str


@dataclass(slots=True)
class Story:
    """All that the acts saw. `broken` lists what did not go as told."""

    enrolled: list[tuple[Customer, TierFinding]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    leases: int = 0
    last: Point | None = None
    limit_tflop: int = 0
    config: Path | None = None
    run_id: str = ""
    picture: Path | None = None
    export: Path | None = None
    key: str = ""
    records: int = 0
    verified: Report | None = None
    tampered: Report | None = None
    broken: list[str] = field(default_factory=list)

    def check(self, *, holds: bool, told: str) -> None:
        """Note what did not go as told."""
        if not holds:
            self.broken.append(told)


def tell(
    out: Path, *, progress: Callable[[datetime], None] = lambda _: None, act: Callable[[int, Story], None]
) -> Story:
    """Play all five acts and write picture, log and export into a folder.

    Args:
        act: called after each act with its number, to show what it saw.
    """
    folder = PlayFolder(out)
    folder.clear()
    scenario = load_scenario(DATA / "scenario.yaml")
    folder.write_config(scenario.spec, origin=ORIGIN)
    story = Story(config=folder.config)
    with Stage(scenario, folder.database) as stage:
        _enrol(stage, story)
        act(1, story)
        _call(stage, story, out / "tls")
        act(2, story)
        _train(stage, story, progress)
        act(3, story)
        _draw(stage, story, out)
        act(4, story)
        _verify(stage, story, folder)
        act(5, story)
    return story


def _enrol(stage: Stage, story: Story) -> None:
    """1. Three customers, prepared by one person and approved by another."""
    story.enrolled = [(customer, findings[PACK]) for customer, findings in stage.enrol()]
    for namespace, customer_id in NAMESPACES.items():
        stage.bind(namespace, customer_id)
    for customer, finding in story.enrolled:
        story.check(
            holds=finding.tier.value == EXPECTED_TIERS[customer.id],
            told=f"customer {customer.id} is Tier {EXPECTED_TIERS[customer.id]}",
        )
        story.check(holds=customer.approved_by == APPROVER != customer.prepared_by, told="two people approve")


def _call(stage: Stage, story: Story, folder: Path) -> None:
    """2. The real webhook on HTTPS answers what a real API server once sent."""
    trusted = write_certificate(folder)
    token = secrets.token_hex(32)
    webhook = Webhook(stage.gate, cluster=stage.scenario.spec.cluster)
    server = WebhookServer(WebhookApp(webhook.handle, token=token, ready=lambda: True), folder)
    port = server.start(HOST, 0)
    try:
        with httpx.Client(verify=ssl.create_default_context(cafile=trusted), timeout=10) as client:
            for recorded, namespace, may_start in CALLS:
                review = json.loads((DATA / "reviews" / f"{recorded}.json").read_bytes())
                request = review["request"]
                request["namespace"] = request["object"]["metadata"]["namespace"] = namespace
                answer = client.post(f"https://{HOST}:{port}/validate/{token}", json=review)
                answer.raise_for_status()
                response = answer.json()["response"]
                message = (response.get("status") or {}).get("message") or "; ".join(response.get("warnings") or ())
                story.calls.append(
                    Call(request["kind"]["kind"], request["name"], namespace, response["allowed"], message)
                )
                story.check(
                    holds=response["allowed"] is may_start and response["uid"] == request["uid"],
                    told=f"the webhook's answer to {request['kind']['kind']} in {namespace}",
                )
    finally:
        server.stop()


def _train(stage: Stage, story: Story, progress: Callable[[datetime], None]) -> None:
    """3. 200 virtual days of training: leases, settlements, a warning, the end below the threshold, a refusal."""
    timeline = stage.play(progress)
    story.told, story.leases, story.limit_tflop = timeline.told, len(timeline.leases), stage.limit_tflop
    story.run_id = timeline.runs[0]
    story.last = last = timeline.last_of(story.run_id)
    verdicts = [told.decision.verdict for told in timeline.told]
    used = [point.carried_in_tflop + point.settled.high_tflop + point.pending_tflop for point in timeline.points]
    story.check(holds=len(timeline.leases) > 1, told="leases are granted one after another")
    story.check(holds=max(used) <= stage.limit_tflop, told="settled and pending never pass the limit")
    story.check(holds=Verdict.WARN in verdicts, told="the lab is warned")
    story.check(holds=verdicts[-1] is Verdict.DENY, told="the next Job is refused")
    story.check(holds=0 < last.settled.best_tflop <= last.settled.high_tflop < stage.limit_tflop, told="low to high")
    story.check(holds=last.pending_tflop == 0, told="nothing stays held after the last lease")


def _draw(stage: Stage, story: Story, out: Path) -> None:
    """4. The picture of the run."""
    story.picture = out / "run.svg"
    story.picture.write_text(stage.picture_of(story.run_id), encoding="utf-8")


def _verify(stage: Stage, story: Story, folder: PlayFolder) -> None:
    """5. The log leaves the house: it verifies, and a copy with one byte changed does not."""
    story.export = folder.exported
    story.key, story.records = folder.export(stage, origin=ORIGIN, purpose="regulator's copy of the demo")
    story.verified = verify_totals_and_tiers(story.export, story.key)
    copy = folder.out / "log-one-byte-changed.jsonl"
    data = bytearray(story.export.read_bytes())
    data[data.rindex(b" is refused by ") + len(" is ")] ^= 1  # one bit of one letter of one sentence
    copy.write_bytes(data)
    story.tampered = verify_totals_and_tiers(copy, story.key)
    resolved = story.verified.verified and not story.verified.unresolved_packs
    story.check(holds=resolved, told="the export verifies, every tier included")
    story.check(holds=not story.tampered.verified, told="a changed byte is found")
