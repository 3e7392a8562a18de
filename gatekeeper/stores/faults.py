"""What goes wrong in a database, in our own words: whether only one statement failed or the whole transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotPermitted, Unavailable

_BUSY = ("locked", "busy")
# What the triggers of migration 0008 say.
ONE_PERSON = "four_eyes: these logins are one person"


@contextmanager
def told() -> Iterator[None]:
    """Turn what the database driver raises into our errors, with what to do next.

    Raises:
        Conflict: the row contradicts another one. NotPermitted: two hands of it are one person's.
        InvalidInput: a value does not fit its column.
        Unavailable: everything else; the transaction is lost with it.
    """
    try:
        yield
    except exc.IntegrityError as error:
        if ONE_PERSON in str(error.orig):
            raise NotPermitted(
                "Both hands of this are one person's logins, and it takes two.", hint="Ask a second person to approve."
            ) from error
        raise Conflict(
            f"The database refuses this as a contradiction: {error.orig}.",
            hint="Check that what it refers to (a customer, a record) was stored before it.",
        ) from error
    except exc.DataError as error:
        raise InvalidInput(f"A value does not fit its column: {error.orig}.") from error
    except (exc.DBAPIError, exc.TimeoutError) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> GatekeeperError:
    """The database did not do it, and what the operator can look at."""
    cause = str(getattr(error, "orig", None) or error)
    if any(word in cause for word in _BUSY):
        return Unavailable(
            f"Another process has held the database for too long: {cause}.",
            hint="Try again; if it stays so, look for a program that keeps the file open for writing.",
        )
    return Unavailable(
        f"The database does not answer as it should: {cause}.",
        hint="Nothing was changed. Check its disk (space, rights) and try again.",
    )
