"""Reads the fields of a record's facts. What is missing or of another kind is `Wrong`, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from gatekeeper.domain.units import LARGEST_TFLOP

Facts = Mapping[str, object]
_AMOUNT = re.compile(r"0|[1-9][0-9]{0,18}")
_CHANGE = re.compile(r"0|-?[1-9][0-9]{0,18}")


class Wrong(Exception):
    """A record states what the records before it do not bear out."""


def text_of(facts: Facts, name: str) -> str:
    """A text that is not empty."""
    value = facts.get(name)
    if not isinstance(value, str) or not value:
        raise Wrong(f"{name} must be a text.")
    return value


def texts_of(facts: Facts, name: str) -> tuple[str, ...]:
    """A list of texts; empty where there is none."""
    value = facts.get(name, ())
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each for each in value):
        raise Wrong(f"{name} must be a list of texts.")
    return tuple(value)


def amount_of(facts: Facts, name: str) -> int:
    """A whole amount: decimal text without leading zeros, or a plain whole number."""
    value = facts.get(name)
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_TFLOP:
        raise Wrong(f"{name} must be a whole amount between 0 and 10^18.")
    return value


def change_of(facts: Facts, name: str) -> int:
    """A whole amount with its sign, as decimal text."""
    value = facts.get(name)
    if not isinstance(value, str) or not _CHANGE.fullmatch(value) or abs(int(value)) > LARGEST_TFLOP:
        raise Wrong(f"{name} must be a whole amount between -10^18 and 10^18.")
    return int(value)


def amount_or(facts: Facts, name: str, otherwise: int) -> int:
    """A whole amount, or what stands for it where the record says nothing."""
    return amount_of(facts, name) if name in facts else otherwise


def flag_of(facts: Facts, name: str) -> bool:
    """True or false."""
    value = facts.get(name)
    if not isinstance(value, bool):
        raise Wrong(f"{name} must be true or false.")
    return value


def moment_of(facts: Facts, name: str) -> datetime:
    """A time in UTC."""
    try:
        moment = datetime.fromisoformat(text_of(facts, name))
    except ValueError as error:
        raise Wrong(f"{name} must be a time in UTC.") from error
    if moment.utcoffset() != timedelta(0):
        raise Wrong(f"{name} must be a time in UTC.")
    return moment
