"""The database behind `gatekeeper.ports.Stores`: SQLite today, written so that PostgreSQL runs the same code."""

from gatekeeper.stores.engine import SqlStores, open_stores

__all__ = ["SqlStores", "open_stores"]
