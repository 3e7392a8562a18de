"""The demo: the product's own code, told as a story on one machine without a cluster."""

from gatekeeper.demo.story import Story, tell

__all__ = ["Story", "tell"]
