"""The few PromQL questions that we ask, written so that no value can become part of the language.

Syntax: Prometheus documentation, Querying basics (2.42, 2023): double-quoted strings take Go's escapes, label
matchers `=` and `=~` (RE2, anchored), range selectors `[5m]`. A server looks an expression of plain alternatives up
like so many names (up to 256 of them), and does not try it on every value that it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gatekeeper.domain.errors import InvalidInput

# A Kubernetes name has at most 253 characters; nothing that we ask for is longer.
VALUE_CHARACTERS_MAX = 253
# Above this many alternatives Prometheus tries an expression on every value of the label.
ALTERNATIVES_MAX = 256
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,127}")
_PLAIN = re.compile(r"[A-Za-z0-9._:/ -]{1,253}")


def quoted(value: str) -> str:
    """A PromQL string that stands for exactly this text.

    Raises:
        InvalidInput: over 253 characters, or half of a surrogate pair.
    """
    if len(value) > VALUE_CHARACTERS_MAX:
        raise InvalidInput(f"A label value of {len(value):,} characters is too long to ask for.")
    if any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        raise InvalidInput("A label value holds half of a surrogate pair.")
    return '"' + "".join(_escaped(each) for each in value) + '"'


def _escaped(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in " .-_/:|+"):
        return character
    return f"\\U{ord(character):08x}"


def is_plain(value: str) -> bool:
    """Whether a text is a name as Kubernetes and drivers print them; no other is put into a regular expression."""
    return _PLAIN.fullmatch(value) is not None


def any_of(values: Iterable[str]) -> str:
    """A quoted regular expression that matches exactly the given plain texts.

    Raises:
        InvalidInput: a text is not plain.
    """
    wanted = sorted(set(values))
    for each in wanted:
        if not is_plain(each):
            raise InvalidInput(f"{each!r:.80} is not the id of a device or the name of a pod.")
    # Of the characters of a plain text only the dot means something else in an expression.
    return '"' + "|".join(each.replace(".", "\\\\.") for each in wanted) + '"'


def checked_label(name: str) -> str:
    """The label name itself, if it is one.

    Raises:
        InvalidInput: it is not, so it could change the question.
    """
    if not _LABEL.fullmatch(name):
        raise InvalidInput(f"{name!r:.80} is not the name of a Prometheus label.")
    return name


def samples(
    names: Iterable[str], *, equal: Mapping[str, str], one_of: Mapping[str, Iterable[str]], span_ms: int
) -> str:
    """Raw samples of the metrics with these names and labels over the last `span_ms` milliseconds.

    One millisecond less is asked for: up to Prometheus 2 a range holds both of its ends, from 3 on only the later.
    """
    matchers = [f"__name__=~{any_of(names)}"]
    matchers += [f"{checked_label(name)}={quoted(value)}" for name, value in sorted(equal.items())]
    matchers += [f"{checked_label(name)}=~{any_of(values)}" for name, values in sorted(one_of.items())]
    return f"{{{','.join(matchers)}}}[{span_ms - 1}ms]"


def named_by(labels: Iterable[str], selected: str) -> str:
    """The combinations of these labels that raw samples come with.

    `last_over_time` keeps the names of metrics; without them, two metrics of one device would be one series too many.
    """
    return f"count by ({', '.join(checked_label(each) for each in labels)}) (last_over_time({selected}))"
