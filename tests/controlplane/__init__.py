"""Tests that need a real Kubernetes control plane."""
