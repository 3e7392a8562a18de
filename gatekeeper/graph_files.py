"""Ownership graphs as one JSON object, for `gatekeeper tier resolve`: read strictly, without a database.

    {"parties": [{"id", "kind": "org|person|state", "name", "hq": "CN"|null, "residence",
                  "nationality": "CN"|[...]|null, "listed": [{"list", "from", "to"}],
                  "parent_of_record": "ID"|[...]|null, "no_parent_reason": null|"...", "branch_of": "ID"|null}],
     "interests": [{"owner", "asset", "share": 60.0|null, "share_min", "share_max", "from", "to"}]}

A missing key is null. Ids are free text. An owner that is no party of the graph is one that nobody has a record of.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gatekeeper.country_files import known_countries
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest, millionths
from gatekeeper.domain.party import Listing, Party, PartyKind

LARGEST_FILE_BYTES = 128 * 1024**2
PARTIES_MAX = 250_000
INTERESTS_MAX = 1_000_000
ID_CHARACTERS_MAX = 200
STDIN = "-"
# Controls, direction marks, line ends and halves of characters.
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTY_KEYS = frozenset(
    {"id", "kind", "name", "hq", "residence", "nationality", "listed", "parent_of_record", "no_parent_reason"}
) | {"branch_of"}
_INTEREST_KEYS = frozenset({"owner", "asset", "share", "share_min", "share_max", "from", "to"})
_LISTING_KEYS = frozenset({"list", "from", "to"})


class GraphParty(Party):
    """A party of a graph file: its id is whatever its source calls it."""

    __slots__ = ()

    def _check_id(self) -> None:
        if not 0 < len(self.id) <= ID_CHARACTERS_MAX:
            raise InvalidInput(f"The id of a party has 1 to {ID_CHARACTERS_MAX} characters.")


class _Number(str):
    """A number as it is written, so that 49.995 stays 49.995."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the file something stands: "graph.json: interests[3].share"."""

    path: str

    def __truediv__(self, key: str | int) -> _Place:
        return _Place(f"{self.path}[{key}]" if isinstance(key, int) else f"{self.path}.{key}".replace(": .", ": "))

    def wrong(self, what: str, hint: str = "") -> InvalidInput:
        """An error about this place."""
        return InvalidInput(f"{self.path}: {what}", hint=hint)


def read_graph(path: Path) -> dict[str, Party]:
    """The parties of a graph file, in its order; `-` is standard input.

    Raises:
        InvalidInput: the file cannot be read, or something in it is wrong; the message names the place.
    """
    if str(path) == STDIN:
        content = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise InvalidInput(f"Standard input is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.")
        return graph_of(content, "standard input")
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InvalidInput(f"{path} is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", hint="Split the graph.")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    return graph_of(content, str(path))


def graph_of(content: bytes, name: str) -> dict[str, Party]:
    """The parties of a graph, in its order. Errors as for `read_graph`, which name it so."""
    place = _Place(f"{name}: ")
    value = _decoded(content, name)
    if not isinstance(value, dict):
        raise InvalidInput(f"{name}: the graph must be an object with parties and interests.")
    _check_keys(value, frozenset({"parties", "interests"}), _Place(name))
    parties = _list(value, "parties", place, PARTIES_MAX)
    interests = _list(value, "interests", place, INTERESTS_MAX)
    if value.get("parties") is None:
        raise (place / "parties").wrong("must be a list of parties.")
    at: dict[str, _Place] = {}
    for index, each in enumerate(parties):
        here = place / "parties" / index
        _check_keys(each, _PARTY_KEYS, here)
        party_id = _id(each, "id", here)
        if party_id is None:
            raise (here / "id").wrong("a party needs an id.")
        if party_id in at:
            raise (here / "id").wrong(f"{party_id!r} stands there twice.", f"The other one is {at[party_id].path}.")
        at[party_id] = here
    held = _held(interests, at, place / "interests")
    return {
        party_id: _party(each, held.get(party_id, []), at[party_id]) for party_id, each in zip(at, parties, strict=True)
    }


def _decoded(content: bytes, name: str) -> object:
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object_once,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}.") from error
    except RecursionError as error:
        raise InvalidInput(f"{name} is nested too deep to be a graph.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error.message}", hint=error.hint) from error


def _object_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInput(f"the key {twice!r:.80} stands twice in one object.")
    return found


def _refuse_constant(text: str) -> object:
    raise InvalidInput(f"{text} is no number.")


def _held(interests: list[Any], parties: Mapping[str, _Place], place: _Place) -> dict[str, list[Interest]]:
    """Asset -> interests in it."""
    found: dict[str, list[Interest]] = {}
    first: dict[tuple[str, str, date | None], _Place] = {}
    for index, each in enumerate(interests):
        here = place / index
        _check_keys(each, _INTEREST_KEYS, here)
        owner, asset = _id(each, "owner", here), _id(each, "asset", here)
        if owner is None or asset is None:
            raise here.wrong("an interest needs an owner and an asset.")
        if asset not in parties:
            raise (here / "asset").wrong(
                f"{asset!r} is no party of the graph.", "Add the party, or the interest's own."
            )
        if owner == asset:
            raise here.wrong(f"{owner!r} cannot own itself.", "Leave treasury shares out.")
        interest = _interest(each, owner, here)
        before = first.setdefault((asset, owner, interest.begins), here)
        if before is not here:
            what = f"{owner!r:.80} owns two shares of {asset!r:.80} that begin on the same day."
            raise here.wrong(what, f"The other one is {before.path}.")
        found.setdefault(asset, []).append(interest)
    return found


def _interest(fields: Mapping[str, Any], owner: str, place: _Place) -> Interest:
    exact = _share(fields, "share", place)
    least, most = _share(fields, "share_min", place), _share(fields, "share_max", place)
    if exact is not None and (least, most) != (None, None):
        low, high = least or (0, 0), most or exact
        if not low[0] <= exact[1] or not exact[0] <= high[1]:
            raise (place / "share").wrong("lies outside of share_min and share_max.")
    least, most = (exact, exact) if exact is not None else (least or (0, 0), most)
    begins, ends = _day(fields, "from", place), _day(fields, "to", place)
    if begins is not None and ends is not None and ends <= begins:
        when = "on the day it begins" if ends == begins else f"on {ends}, before it begins on {begins}"
        raise (place / "to").wrong(f"the interest ends {when}.")
    if most is not None and most[1] < least[0]:
        raise (place / "share_max").wrong("is smaller than share_min.")
    return Interest(owner, least[0], most[1] if most is not None else None, begins, ends)


def _party(fields: Mapping[str, Any], interests: list[Interest], place: _Place) -> Party:
    party_id = str(fields["id"])
    kind = _kind(fields, place)
    parents = _texts(fields, "parent_of_record", place)
    for each in (*parents, *filter(None, (_id(fields, "branch_of", place),))):
        if len(each) > ID_CHARACTERS_MAX:
            raise place.wrong(f"an id has at most {ID_CHARACTERS_MAX} characters.")
        _check_id(each, place)
    try:
        return GraphParty(
            id=party_id,
            kind=kind,
            legal_name=_text(fields, "name", place) or _as_name(party_id),
            headquarters=_seat(fields, kind, place),
            parents=parents,
            no_parent_reason=_text(fields, "no_parent_reason", place) or "",
            interests=tuple(interests),
            listings=_listings(fields, place / "listed"),
            nationalities=tuple(_country(each, place / "nationality") for each in _texts(fields, "nationality", place)),
            branch_of=_id(fields, "branch_of", place) or "",
        )
    except InvalidInput as error:
        raise error if error.message.startswith(place.path) else place.wrong(error.message, error.hint) from error


def _kind(fields: Mapping[str, Any], place: _Place) -> PartyKind:
    text = _text(fields, "kind", place)
    try:
        return PartyKind.ORG if text is None else PartyKind(text)
    except ValueError as error:
        raise (place / "kind").wrong(f"{text!r:.40} is none of org, person and state.") from error


def _seat(fields: Mapping[str, Any], kind: PartyKind, place: _Place) -> str:
    """The headquarters, or the residence of a person."""
    headquarters, residence = _text(fields, "hq", place) or "", _text(fields, "residence", place) or ""
    if kind is not PartyKind.PERSON and residence:
        raise (place / "residence").wrong("only a person resides somewhere.", "Write the headquarters as hq.")
    if headquarters and residence and headquarters != residence:
        raise (place / "hq").wrong("a person has a residence in place of headquarters, and here they differ.")
    return _country(residence or headquarters, place / ("residence" if residence else "hq"))


def _country(code: str, place: _Place) -> str:
    """A code as it stands, unless it is known what is meant by it instead; what nobody knows is left unresolved."""
    table = known_countries()
    if code and code not in table.countries and (wrong := table.mistake(code)):
        raise place.wrong(wrong, "See `gatekeeper countries`.")
    return code


def _listings(fields: Mapping[str, Any], place: _Place) -> tuple[Listing, ...]:
    found = []
    for index, each in enumerate(_list({"listed": fields.get("listed")}, "listed", place, PARTIES_MAX)):
        here = place / index
        _check_keys(each, _LISTING_KEYS, here)
        name = _text(each, "list", here)
        if not name:
            raise (here / "list").wrong("a listing names its list.")
        begins, ends = _day(each, "from", here), _day(each, "to", here)
        try:
            found.append(Listing(re.sub(r"[\s_]+", "-", name.strip()).lower(), begins, ends))
        except InvalidInput as error:
            raise here.wrong(error.message, error.hint) from error
    return tuple(found)


def _as_name(party_id: str) -> str:
    """An id as a name: with what could steer a terminal or turn a sentence around shown by its code."""
    return "".join(f"\\u{ord(each):04x}" if unicodedata.category(each) in _UNSEEN else each for each in party_id)[:300]


def _check_keys(value: object, known: frozenset[str], place: _Place) -> None:
    if not isinstance(value, dict):
        raise place.wrong("must be an object.")
    unknown = sorted(value.keys() - known)
    if unknown:
        raise place.wrong(f"there is no key {unknown[0]!r:.80}.", f"The keys are {', '.join(sorted(known))}.")


def _list(fields: Mapping[str, Any], name: str, place: _Place, most: int) -> list[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise (place / name).wrong("must be a list.")
    if len(value) > most:
        raise (place / name).wrong(f"has more than {most:,} entries.", "Split the graph.")
    return value


def _text(fields: Mapping[str, Any], name: str, place: _Place) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, _Number):
        raise (place / name).wrong("must be a text.")
    if len(value) > 1000:
        raise (place / name).wrong("has more than 1,000 characters.")
    return value


def _id(fields: Mapping[str, Any], name: str, place: _Place) -> str | None:
    value = _text(fields, name, place)
    if value is not None and not 0 < len(value) <= ID_CHARACTERS_MAX:
        raise (place / name).wrong(f"an id has 1 to {ID_CHARACTERS_MAX} characters.")
    if value is not None:
        _check_id(value, place / name)
    return value


def _check_id(text: str, place: _Place) -> None:
    """Ids that look alike must be alike: nothing unseen in them or around them."""
    if text != text.strip() or any(unicodedata.category(each) in _UNSEEN for each in text):
        raise place.wrong(f"{text!a:.80} has blanks around it, or control or direction characters in it.")


def _texts(fields: Mapping[str, Any], name: str, place: _Place) -> tuple[str, ...]:
    """One text, or a list of them."""
    value = fields.get(name)
    if not isinstance(value, list):
        value = [value]
    found = (_text({name: each}, name, place) for each in value)
    return tuple(dict.fromkeys(each for each in found if each))


def _share(fields: Mapping[str, Any], name: str, place: _Place) -> tuple[int, int] | None:
    """A share rounded down and up, in millionths of a percent."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, _Number):
        raise (place / name).wrong("must be a number of percent, or null.")
    try:
        return millionths(value, up=False), millionths(value, up=True)
    except InvalidInput as error:
        raise (place / name).wrong(error.message, error.hint) from error


def _day(fields: Mapping[str, Any], name: str, place: _Place) -> date | None:
    value = _text(fields, name, place)
    if value is None:
        return None
    try:
        if not _DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    except ValueError as error:
        raise (place / name).wrong(f"{value!r:.40} is no day.", "Write it as YYYY-MM-DD.") from error
