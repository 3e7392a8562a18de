"""Manifests -> workloads: one file for each family of kinds, one registry, one table of what reaches a device.

A new family is one file with `KINDS`, named in `registry.FAMILIES`.
"""

from admission.manifests.registry import expected_pods, read

__all__ = ["expected_pods", "read"]
