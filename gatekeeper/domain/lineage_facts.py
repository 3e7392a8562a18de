"""A lineage as JSON and back: the one shape in the store, in records and in files.

Amounts are decimal strings of TFLOP.

{"base": null | {"name", "by", "training_tflop", "source", "published", "controlled"}, "carried_in_tflop",
 "generators": [{"id", "share_percent", "generation_tflop", "training_tflop", "source", "published",
                 "data_published", "variant_of", "included": [{"name", "amount_tflop"}]}], "counted": [NAME]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage, Operations
from gatekeeper.domain.record import JsonValue


def lineage_json(lineage: Lineage) -> dict[str, JsonValue]:
    """A lineage as JSON."""
    return {name: _json(name, value) for name, value in asdict(lineage).items()}


def lineage_of_json(value: Mapping[str, Any]) -> Lineage:
    """The lineage of its JSON.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        base = value["base"]
        return Lineage(
            base=BaseModel(**_amounts(base)) if base is not None else None,
            carried_in_tflop=int(value["carried_in_tflop"]),
            generators=tuple(map(_generator, value["generators"])),
            counted=tuple(value["counted"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"This is no lineage of a run: {error}.") from error


def _generator(value: Mapping[str, Any]) -> Generator:
    included = tuple(Operations(**_amounts(each)) for each in value["included"])
    return Generator(**{**_amounts(value), "included": included})


def _amounts(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(each) if name.endswith("_tflop") else each for name, each in value.items()}


def _json(name: str, value: Any) -> JsonValue:
    if isinstance(value, Mapping):
        return {str(key): _json(key, each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json("", each) for each in value]
    return str(value) if name.endswith("_tflop") else value
