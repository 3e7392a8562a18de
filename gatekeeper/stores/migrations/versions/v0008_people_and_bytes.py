"""What the registry's second pass needs.

A migration is history: it is never edited after a release, and imports nothing of ours that may change.
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each noun's change stands in a function of its own below."""
