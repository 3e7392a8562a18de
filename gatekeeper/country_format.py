"""The format of countries.yaml, as models; what it means is `country_files`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.domain.country import CountryKind
from gatekeeper.policy_format import Code, Country, CountryOrPart
from gatekeeper.yaml_files import Day, Line, Part

Alpha3 = Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")]


class CountryPart(Part):
    """A country, or a part of one that can have a tier of its own."""

    name: Line
    alpha3: Alpha3 = ""
    kind: CountryKind = CountryKind.COUNTRY
    parent: Country | None = None
    aliases: tuple[Line, ...] = ()
    source: Code | None = None


class HistoricPart(Part):
    """A code that was withdrawn."""

    name: Line
    alpha3: Alpha3 = ""
    withdrawn: int = Field(ge=1900, le=9999)
    now: tuple[Country, ...] = Field(min_length=1)


class CountrySourcePart(Part):
    """What rows rest on beside the source of the whole file."""

    document: Line
    date: Day


class CountriesFile(Part):
    """The codes that a headquarters may have; format 1 has only names."""

    format: Literal["1", "2"]
    as_of: Day
    source: Line
    sources: dict[Code, CountrySourcePart] = Field(default_factory=dict)
    countries: dict[CountryOrPart, CountryPart | Line] = Field(min_length=1)
    historic: dict[Country, HistoricPart] = Field(default_factory=dict)
    mistaken: dict[Country, Country] = Field(default_factory=dict)
