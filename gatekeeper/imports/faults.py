"""What is wrong with some files: all of it is told at once, up to a hundred lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.yaml_files import said_by_check

FAULTS_MAX = 100


class Faults:
    """Collects errors, each with its place, and things that a person should look at.

    Attributes:
        told: errors, up to FAULTS_MAX of them; more: how many there were besides.
        warnings: what is accepted, and worth a look, up to FAULTS_MAX; more_warnings: how many there were besides.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.more = 0
        self.warnings: list[str] = []
        self.more_warnings = 0

    def add(self, place: str, message: str) -> None:
        """Something is wrong at a place."""
        if len(self.told) < FAULTS_MAX:
            self.told.append(f"{place}: {message.rstrip('.')}{'' if message.endswith('?') else '.'}")
        else:
            self.more += 1

    def warn(self, place: str, message: str) -> None:
        """Something at a place is worth a look."""
        if len(self.warnings) < FAULTS_MAX:
            self.warnings.append(f"{place}: {message}")
        else:
            self.more_warnings += 1

    def warned(self) -> list[str]:
        """What is worth a look, and how much more of it there is."""
        return [*self.warnings, *([f"and {self.more_warnings:,} more to look at"] if self.more_warnings else [])]

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Errors inside are those of a place; a column is added where a model knows it."""
        try:
            yield
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                column = "".join(f":{part}" for part in each["loc"][:1])
                said = said_by_check(each) if len(self.told) < FAULTS_MAX else ""  # to say it takes milliseconds
                self.add(f"{place}{column}", said or each["msg"].removeprefix("Value error, "))
        except InvalidInput as error:
            self.add(place, str(error))

    def check(self) -> None:
        """Stop where anything is wrong.

        Raises:
            InvalidInput: all of it, one line each.
        """
        if self.told:
            more = [f"and {self.more:,} more errors."] if self.more else []
            raise InvalidInput("\n".join([*self.told, *more]))
