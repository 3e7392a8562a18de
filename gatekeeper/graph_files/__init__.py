"""Ownership graphs as one JSON object, for `gatekeeper tier resolve`: read strictly, without a database.

    {"parties": [{"id", "kind": "org|person|state", "name", "hq": "CN"|null, "residence",
                  "nationality": "CN"|[...]|null, "listed": [{"list", "from", "to"}],
                  "parent_of_record": "ID"|[...]|null, "no_parent_reason": null|"...", "branch_of": "ID"|null}],
     "interests": [{"owner", "asset", "share": 60.0|null, "share_min", "share_max", "from", "to"}]}

A missing key is null. Ids are free text. An owner that is no party of the graph is one that nobody has a record of.
"""

from __future__ import annotations

from pathlib import Path

from gatekeeper.domain.party import Party
from gatekeeper.graph_files import parties
from gatekeeper.graph_files.content import content_of, decoded
from gatekeeper.graph_files.interests import interests_by_asset
from gatekeeper.graph_files.parties import party_of
from gatekeeper.graph_files.place import Place

PARTIES_MAX = 250_000
INTERESTS_MAX = 1_000_000
_KEYS = frozenset({"parties", "interests"})
_BESIDE = frozenset({"comment", "name", "note", "source"})


def read_graph(path: Path) -> dict[str, Party]:
    """The parties of a graph file, in its order; `-` is standard input.

    Raises:
        InvalidInput: the file cannot be read, or something in it is wrong; the message names the place.
    """
    return graph_of(*content_of(path))


def graph_of(content: bytes, name: str) -> dict[str, Party]:
    """The parties of a graph, in its order. Errors as for `read_graph`, which name it so."""
    place = Place(f"{name}: ")
    value = decoded(content, name)
    value = Place(name).fields(value, _KEYS, _BESIDE)
    listed = place.list_of(value, "parties", PARTIES_MAX)
    interests = place.list_of(value, "interests", INTERESTS_MAX)
    if value.get("parties") is None:
        raise (place / "parties").wrong("must be a list of parties.")
    at = _places(listed, place / "parties")
    held = interests_by_asset(interests, at, place / "interests")
    return {
        party_id: party_of(each, held.get(party_id, []), at[party_id])
        for party_id, each in zip(at, listed, strict=True)
    }


def _places(listed: list[object], place: Place) -> dict[str, Place]:
    """Id -> where its party stands."""
    at: dict[str, Place] = {}
    for index, each in enumerate(listed):
        here = place / index
        fields = here.fields(each, parties.KEYS, parties.BESIDE)
        party_id = here.id(fields, "id")
        if party_id is None:
            raise (here / "id").wrong("a party needs an id.")
        if party_id in at:
            raise (here / "id").wrong(f"{party_id!r} stands there twice.", f"The other one is {at[party_id].path}.")
        at[party_id] = here
    return at
