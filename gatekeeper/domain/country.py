"""Countries, dependencies and regions in which somebody can be headquartered, and what people write instead.

A code is two letters of ISO 3166-1, or those of a country and a part of it ("UA-43"). Free text is a country only
where it matches a code, a name or an alias whole: what is merely similar is suggested to a person and never taken.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.names import spelled

# A suggestion less similar than this sends people to the wrong country ("Iran" and "Ireland" are 0.55).
_SIMILAR = 0.75
_TEXT_MAX = 100


class CountryKind(StrEnum):
    """What a code stands for."""

    COUNTRY = "country"
    TERRITORY = "territory"  # of no state here, or of a status that is open
    DEPENDENCY = "dependency"  # under another state
    REGION = "region"  # a part of another state
    OCCUPIED = "occupied"  # a part of a state that others hold


@dataclass(frozen=True, slots=True)
class Country:
    """A code that a headquarters may have.

    Attributes:
        alpha3: three letters of ISO 3166-1; "" for parts that have none.
        parent: code of the state that it belongs to; "" for one of its own.
        source: what the row rests on beside the table's own source; "" for none.
    """

    code: str
    name: str
    kind: CountryKind = CountryKind.COUNTRY
    alpha3: str = ""
    parent: str = ""
    aliases: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if (self.kind in (CountryKind.COUNTRY, CountryKind.TERRITORY)) is bool(self.parent):
            raise InvalidInput(f"{self.code}: a {self.kind.value} {'has no' if self.parent else 'needs a'} parent.")


@dataclass(frozen=True, slots=True)
class HistoricCode:
    """A code that was withdrawn, and the codes in use for it now."""

    code: str
    name: str
    alpha3: str
    withdrawn: int
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountryTable:
    """All codes, with the withdrawn and the mistaken ones by which people mean others."""

    countries: Mapping[str, Country]
    historic: Mapping[str, HistoricCode] = field(default_factory=dict)
    mistaken: Mapping[str, str] = field(default_factory=dict)
    _by_text: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for code, meant in [
            *((each.code, each.parent) for each in self.countries.values() if each.parent),
            *((each.code, code) for each in self.historic.values() for code in each.now),
            *self.mistaken.items(),
        ]:
            if meant not in self.countries or code == meant:
                raise InvalidInput(f"{code} refers to {meant}, which is no other country of the table.")
        for code in (*self.historic, *self.mistaken):
            if code in self.countries:
                raise InvalidInput(f"{code} is in use, so it cannot be withdrawn or mistaken.")
        object.__setattr__(self, "_by_text", self._texts())

    def _texts(self) -> dict[str, str]:
        """Every text that means a country."""
        found: dict[str, str] = {}
        for country in self.countries.values():
            for text in filter(None, (country.code, country.alpha3, country.name, *country.aliases)):
                if found.setdefault(spelled(text), country.code) != country.code:
                    raise InvalidInput(f"{text!r} means both {found[spelled(text)]} and {country.code}.")
        return found

    @property
    def codes(self) -> frozenset[str]:
        """The codes in use."""
        return frozenset(self.countries)

    @property
    def parents(self) -> dict[str, str]:
        """Code of a dependency, region or occupied part -> code of its state."""
        return {each.code: each.parent for each in self.countries.values() if each.parent}

    @property
    def occupied(self) -> frozenset[str]:
        """The codes of parts of states that others hold."""
        return frozenset(each.code for each in self.countries.values() if each.kind is CountryKind.OCCUPIED)

    def find(self, text: str) -> Country | None:
        """The country that a text means whole: by code, name or alias, whatever its case and punctuation."""
        code = self._by_text.get(spelled(text)) if len(text) <= _TEXT_MAX else None
        return self.countries[code] if code else None

    def checked(self, code: str) -> Country:
        """The country of a code as a headquarters has it.

        Raises:
            InvalidInput: it is no code in use; the message says which one may be meant.
        """
        if code in self.countries:
            return self.countries[code]
        raise InvalidInput(self.refusal(code), hint="See `gatekeeper countries`.")

    def mistake(self, code: str) -> str:
        """Why a code cannot be meant as it stands, where it is known what is.

        "" for a code in use, and for one of which nothing is known (its tier is unresolved)."""
        state = code.partition("-")[0]
        known = code in self.historic or code in self.mistaken or self.find(code) is not None
        return self.refusal(code) if code not in self.countries and (known or state in self.countries) else ""

    def refusal(self, text: str) -> str:
        """Why a text is no code in use, and what may be meant, as a sentence: "'UK' is no ISO code; GB is."."""
        upper = text.strip().upper()
        if upper in self.mistaken:
            return f"{text!r} is no ISO code; {self.mistaken[upper]} is."
        if (past := self.historic.get(upper)) is not None:
            instead = " or ".join([", ".join(past.now[:-1]), past.now[-1]] if len(past.now) > 1 else past.now)
            return f"{text!r} ({past.name}) was withdrawn in {past.withdrawn}; say {instead}."
        if (meant := self.find(text)) is not None:
            return f"{text!r:.120} is no code; that of {meant.name} is {meant.code}."
        state, _, part = upper.partition("-")
        if part and state in self.countries:
            return f"{text!r:.120} is no part with a code of its own here; say {state}."
        similar = self._suggest(text)
        return f"{text!r:.120} is no code of a country{f'; {similar}' if similar else ''}."

    def _suggest(self, text: str) -> str:
        if not 3 < len(text) <= _TEXT_MAX:  # each code of two letters is like dozens of others
            return ""
        near = difflib.get_close_matches(spelled(text), [each for each in self._by_text if len(each) > 3], 3, _SIMILAR)
        meant = [self.countries[code] for code in dict.fromkeys(self._by_text[each] for each in near)]
        return "if you mean " + " or ".join(f"{each.name}, say {each.code}" for each in meant) if meant else ""
