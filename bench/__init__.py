"""Benchmarks that print ratios: our cost against the least that the same machine can do it for."""
