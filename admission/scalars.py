"""Scalars by YAML 1.1, as Kubernetes reads them, without losing a digit."""

from __future__ import annotations

import re
from decimal import Decimal

_LONGEST_NUMBER = 64
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_DECIMAL_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)", re.ASCII)
_OTHER_INT = re.compile(r"([-+]?)0(?:x([0-9a-fA-F_]+)|o?([0-7_]+)|b([01_]+))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def plain(text: str) -> object:
    """What a plain scalar means: None, a truth value, a whole number, a Decimal, or the text itself."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _LONGEST_NUMBER or not (text[0].isdigit() or text[0] in "+-."):
        return text
    if _DECIMAL_INT.fullmatch(text):
        return int(text.replace("_", ""))
    if other := _OTHER_INT.fullmatch(text):
        sign, hexa, octal, binary = (each and each.replace("_", "") for each in other.groups())
        digits, base = (hexa, 16) if hexa else (octal, 8) if octal else (binary, 2)
        return int(f"{sign}{digits}", base) if digits else text
    return Decimal(text.replace("_", "")) if _FLOAT.fullmatch(text) else text
