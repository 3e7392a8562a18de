"""What could not be done, as one tree.

    GatekeeperError            could not decide, or could not do what was asked
    ├── InvalidInput           the caller's data is wrong; says where and what to write instead
    ├── NotFound               what was named does not exist here
    ├── Conflict               it exists already with other content, or changed meanwhile
    ├── NotPermitted           the person or process may not do this (four eyes, roles)
    └── Unavailable            a part we depend on does not answer; asking again may help

Next to what they are about stand the few that a caller tells apart: ledger.BudgetExceeded, merkle.ProofRefused,
checkpoint.SignatureRefused, signing.ForkRefused (a Conflict) and cluster.api.Expired.

A refusal by policy is never one of these: it is a `Decision`.
"""


class GatekeeperError(Exception):
    """Base of everything we raise on purpose: one sentence, and what to do next.

    Args:
        message: what happened, one sentence.
        hint: what the reader can do about it; empty where there is nothing.

    Attributes:
        about: id of the one of many that it is about, so that who handed in many can say where it stands; "" else.
    """

    about: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(GatekeeperError):
    """The data given is wrong; the message names the place."""


class NotFound(GatekeeperError):
    """What was named is not here."""


class Conflict(GatekeeperError):
    """It exists already with other content, or it changed in the meantime."""


class NotPermitted(GatekeeperError):
    """The actor may not do this."""


class Unavailable(GatekeeperError):
    """A part that the answer depends on does not answer."""
