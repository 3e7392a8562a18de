"""Compute Gatekeeper: counts training FLOP per run and stops a run before a policy threshold."""
