"""Telemetry: what device counters say, read from Prometheus."""
