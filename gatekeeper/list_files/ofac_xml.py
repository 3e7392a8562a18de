"""OFAC's list as XML: SDN.XML, and SDN_ADVANCED.XML, in which a name is put together of parts.

Only one entry is held as a tree at a time. A document type is refused, and with it every entity that could be made to
grow; OFAC's files have none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.list_files.building import Fields, built, entry_from, once, one_line
from gatekeeper.list_files.ofac import sdn_entry
from gatekeeper.list_files.opening import Errors, Source, Tell
from gatekeeper.list_files.pieces import ENTRY_CHARACTERS_MAX

_PIECE_BYTES = 1024**2
_ENTRY, _PARTY, _SANCTION = "sdnEntry", "DistinctParty", "SanctionsEntry"
_TABLES = ("NamePartType", "PartySubType")
# A given name first; what is of none of these kinds stays where it is.
_ORDER = {"first name": 0, "middle name": 1, "patronymic": 2, "matronymic": 3, "maiden name": 4, "last name": 5}


def xml_entries(source: Source, list_id: str, errors: Errors, tell: Tell) -> Iterator[ListEntry]:
    """The entries of either file."""
    tables: dict[str, dict[str, str]] = {name: {} for name in _TABLES}
    parties, programs = list[ListEntry](), defaultdict[str, list[str]](list)
    with source.bytes() as file:
        for number, element in enumerate(_elements(file, source, tell), 1):
            where = f"{source.name}:entry {element.get('FixedRef') or number}"
            if element.tag == _ENTRY:
                yield from built(sdn_entry, _as_fields(element), list_id, where, errors)
            elif element.tag in _TABLES:
                tables[element.tag][element.get("ID", "")] = one_line(element.text or "")
            elif element.tag == _PARTY:
                parties += built(_advanced, {"party": element, **tables}, list_id, where, errors)
            else:
                programs[element.get("ProfileID", "")] += _programs(element)
    for each in parties:  # measures stand after the parties, and name them
        yield replace(each, programs=once(sorted(programs.get(each.number, ()))))


def _elements(file: BinaryIO, source: Source, tell: Tell) -> Iterator[Element]:
    """The elements that are read, each as a tree without the names of its spaces."""
    cutter = _Cutter()
    try:
        while piece := file.read(_PIECE_BYTES):
            cutter.parser.Parse(piece)
            tell(file.tell(), source.size)
            yield from cutter.taken()
        cutter.parser.Parse(b"", True)  # noqa: FBT003 (its second argument has no name)
    except (expat.ExpatError, ValueError, LookupError) as error:  # also letters that cannot be read
        raise InvalidInput(f"{source.name} is no whole XML: {error}.", hint="Is the download complete?") from error
    yield from cutter.taken()


class _Cutter:
    """Cuts the wanted elements out of a document as it is parsed."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.buffer_text = True
        self._builder: TreeBuilder | None = None
        self._depth = self._characters = 0
        self._found: list[Element] = []

    def taken(self) -> list[Element]:
        """What was cut since the last time."""
        found, self._found = self._found, []
        return found

    def _refuse(self, *_: object) -> None:
        raise InvalidInput("The XML has a document type, which no publisher's list has.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._builder is None and local in (_ENTRY, _PARTY, _SANCTION, *_TABLES):
            self._builder, self._depth, self._characters = TreeBuilder(), 0, 0
        if self._builder is not None:
            self._depth += 1
            self._weigh(len(name) + sum(map(len, attributes.values())))
            self._builder.start(local, {key.rpartition(" ")[2]: value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        if self._builder is None:
            return
        self._builder.end(name.rpartition(" ")[2])
        self._depth -= 1
        if self._depth == 0:
            self._found.append(self._builder.close())
            self._builder = None

    def _text(self, text: str) -> None:
        if self._builder is not None:
            self._weigh(len(text))
            self._builder.data(text)

    def _weigh(self, characters: int) -> None:
        self._characters += characters
        if self._characters > ENTRY_CHARACTERS_MAX:
            raise InvalidInput(f"An entry of the XML has more than {ENTRY_CHARACTERS_MAX:,} characters.")


def _as_fields(element: Element) -> dict[str, Any]:
    """An element of SDN.XML as JSON has it: what comes several times, or in a list of one, is a list."""
    found: dict[str, Any] = {}
    for child in element:
        value = _as_fields(child) if len(child) else one_line(child.text or "")
        if child.tag in found or element.tag.endswith("List"):
            found.setdefault(child.tag, [])
            found[child.tag].append(value)
        else:
            found[child.tag] = value
    return found


def _advanced(fields: Fields, list_id: str) -> ListEntry:
    """The entry of a DistinctParty: the primary alias first, each name in each alphabet that it is written in."""
    party: Element = fields["party"]
    profile = party.find("Profile")
    kinds: Mapping[str, str] = fields["PartySubType"]
    names = [name for _, name in sorted(_names(party, fields["NamePartType"]), key=lambda each: not each[0])]
    found = {
        "names": names or [""],
        "number": party.get("FixedRef", ""),
        "kind": kinds.get(profile.get("PartySubTypeID", ""), "") if profile is not None else "",
        "programs": [],
    }
    return entry_from(found, list_id, "SDN")


def _names(party: Element, types: Mapping[str, str]) -> Iterator[tuple[bool, str]]:
    """All names, and whether they are the primary ones."""
    for identity in party.iter("Identity"):
        groups = {
            each.get("ID", ""): types.get(each.get("NamePartTypeID", ""), "").lower()
            for each in identity.iter("NamePartGroup")
        }
        for alias in identity.iter("Alias"):
            for written in alias.iter("DocumentedName"):
                yield alias.get("Primary") == "true", _in_order(written.iter("NamePartValue"), groups)


def _in_order(parts: Iterable[Element], groups: Mapping[str, str]) -> str:
    def place(part: Element) -> int:
        return _ORDER.get(groups.get(part.get("NamePartGroupID", ""), ""), len(_ORDER))

    return " ".join(one_line(each.text or "") for each in sorted(parts, key=place) if each.text)


def _programs(sanction: Element) -> list[str]:
    return [text for each in sanction.iter("SanctionsMeasure") if (text := one_line(each.findtext("Comment") or ""))]
