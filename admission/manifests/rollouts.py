"""Argo Rollouts (argoproj.io/v1alpha1): Rollout, a Deployment that changes its pods in steps.

The pods of a canary or of the other colour are made by an edit, which is read by itself, as with a Deployment's surge.
A Rollout may take its template from another object (argo-rollouts pkg/apis/rollouts/v1alpha1, read 2026-11-22).
"""

from __future__ import annotations

from admission.manifests.apps import read_replicated
from admission.manifests.asks import Ask
from admission.manifests.families import Kind
from admission.manifests.nodes import Node, mapping
from admission.manifests.reach import Reach


def read_rollout(manifest: Node, reach: Reach) -> Ask:
    """replicas x template; one where replicas is left out."""
    ask = read_replicated(manifest, reach)
    if mapping(manifest, "spec", []).get("workloadRef") is None:
        return ask
    return ask.without_ceiling().noting(doubts=["its template stands in another object"])


KINDS = (Kind("argoproj.io", frozenset({"v1alpha1"}), "Rollout", read_rollout),)
