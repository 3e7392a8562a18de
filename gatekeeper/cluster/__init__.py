"""Kubernetes: what the cluster says (informers, pods, inventory) and what we do in it (release, stop, clearance)."""
