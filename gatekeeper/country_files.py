"""The table of countries as a file: `countries.yaml` beside the policy packs, or the one that comes with the package.

Reading is strict (`yaml_files`); what a code means is `gatekeeper.domain.country`.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from gatekeeper.country_format import CountriesFile, CountryPart
from gatekeeper.domain.country import Country, CountryTable, HistoricCode
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_country
from gatekeeper.yaml_files import Document, content_of, parse

COUNTRIES_FILE = "countries.yaml"


def bundled_dir() -> Path:
    """The packs that come with the package: beside the sources, or inside the installed wheel."""
    here = Path(__file__).resolve().parent
    installed = here / "_bundled" / "policies"
    return installed if installed.is_dir() else here.parent / "policies"


def countries_file(folder: Path | None = None) -> Path:
    """Where the table of a folder of packs stands."""
    beside = folder / COUNTRIES_FILE if folder else None
    return beside if beside is not None and beside.exists() else bundled_dir() / COUNTRIES_FILE


@lru_cache(maxsize=8)
def parse_countries(content: bytes, *, name: str) -> tuple[Document, CountryTable]:
    """The table in the bytes of a file; errors as for `read_countries`. The same bytes are read once: every pack of a
    folder asks for them."""
    document = parse(content, name=name)
    return document, _table(document)


def read_countries(folder: Path | None = None) -> tuple[Document, CountryTable]:
    """The file of a folder of packs, or else the one that comes with the package, and its table.

    Raises:
        InvalidInput: one line per error, `file:line:column: message`.
    """
    path = countries_file(folder)
    return parse_countries(content_of(path), name=str(path))


def load_countries(folder: Path | None = None) -> CountryTable:
    """The table of `read_countries`; errors as there."""
    return read_countries(folder)[1]


@cache
def known_countries() -> CountryTable:
    """The table that comes with the package, read once: for what people write into files."""
    return load_countries()


def is_code(code: str) -> bool:
    """Whether a text is a code in use."""
    return code in known_countries().countries


def checked_code(code: str) -> str:
    """The code itself, if it is one in use: what is not known is left out, and never enrolled under a code that nobody
    has. The one check of all files, of the API and of imports.

    Raises:
        InvalidInput: it is none; the message says which one may be meant.
    """
    if not is_code(code):
        raise InvalidInput(known_countries().refusal(code), hint="Leave it out where it is not known.")
    return code


def checked_jurisdiction(code: str) -> str:
    """The code itself, if it is one in use or a part of one, such as US-DE: laws have parts that headquarters have not.

    Raises:
        InvalidInput: it is none.
    """
    if "-" in checked_country(code):
        checked_code(code.partition("-")[0])
        return code
    return checked_code(code)


def _table(document: Document) -> CountryTable:
    file = document.check(CountriesFile)
    countries: dict[str, Country] = {}
    for code, part in file.countries.items():
        with document.at("countries", code):
            countries[code] = _country(code, part)
        if isinstance(part, CountryPart) and part.source is not None and part.source not in file.sources:
            raise document.error(("countries", code, "source"), f"{part.source!r} is the id of no source of this file.")
    historic = {
        code: HistoricCode(code, part.name, part.alpha3, part.withdrawn, part.now)
        for code, part in file.historic.items()
    }
    _check_alpha3(document, file)
    with document.at("countries"):
        return CountryTable(countries, historic, file.mistaken)


def _country(code: str, part: CountryPart | str) -> Country:
    if isinstance(part, str):
        return Country(code, part)
    if ("-" in code) is bool(part.alpha3):
        raise InvalidInput("a country has three letters, and a part of one has none.")
    return Country(code, part.name, part.kind, part.alpha3, part.parent or "", part.aliases, part.source or "")


def _check_alpha3(document: Document, file: CountriesFile) -> None:
    seen: dict[str, str] = {}
    for code, part in file.countries.items():
        if isinstance(part, CountryPart) and part.alpha3 and seen.setdefault(part.alpha3, code) != code:
            message = f"{part.alpha3} stands for {seen[part.alpha3]} already."
            raise document.error(("countries", code, "alpha3"), message)
